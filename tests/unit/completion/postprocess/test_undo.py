import pytest

from ide_agent.features.completion.postprocess.undo import undoes_edit
from support.cursor import at_cursor


@pytest.mark.parametrize(
    ("removed", "text", "undone"),
    [
        ("return a", "return a", True),
        ("    return a\n", "return a", True),
        ("return a", "return a\nmore", True),
        ("x = 1\ny = 2", "x = 1", True),
        ("x = 1\ny = 2", "x = 1\ny = 3", False),
        ("x", "xyz", False),
        ("return", "return a", False),
        ("return a", "return", False),
        ("", "return a", False),
        ("   ", "return a", False),
    ],
)
def test_case_27_the_last_edit_is_not_undone(removed, text, undone):
    assert undoes_edit(text, at_cursor("‸", removed=removed)) is undone

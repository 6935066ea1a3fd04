import pytest

from ide_agent.features.completion.postprocess.draft import Draft
from ide_agent.features.completion.postprocess.lines import (
    drop_leading,
    drop_trailing,
    normalized,
    whole_lines,
)
from support.cursor import at_cursor


@pytest.mark.parametrize(
    ("raw", "final", "truncated", "text"),
    [
        ("a\nb", False, False, "a\n"),
        ("a", False, False, ""),
        ("a\nb", True, False, "a\nb"),
        ("a\nb", True, True, "a\n"),
        ("a", True, True, "a"),
        ("\n\na", True, True, "\n\na"),
    ],
)
def test_only_whole_lines_are_shown(raw, final, truncated, text):
    assert whole_lines(raw, final=final, truncated=truncated) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a\r\nb\r", "a\nb"),
        ("a\x00b\x1b", "ab"),
        ("a\ud83d", "a"),
        ("çay \ufffd", "çay "),
        ("a\u2028b\tc", "a\u2028b\tc"),
    ],
)
def test_normalized(raw, text):
    assert normalized(raw) == text


def test_case_04_unicode_line_separators_are_no_line_ends():
    assert whole_lines("a\u2028b\nc", final=False, truncated=False) == "a\u2028b\n"


@pytest.mark.parametrize(
    ("source", "raw", "text"),
    [
        ("def f():\n    ‸", "\n\n    return 1", "return 1"),
        ("def f():\n    ‸", "\n        return 1", "    return 1"),
        ("def f():\n‸", "\n    return 1", "    return 1"),
        ("def f():‸", "\n\n    return 1", "\n    return 1"),
        ("def f():\n    ‸", "return 1\n", "return 1\n"),
        ("def f():\n    ‸", "\n\n", "\n\n"),
    ],
)
def test_leading_line_ends(source, raw, text):
    assert drop_leading(Draft(raw), at_cursor(source)).text == text


@pytest.mark.parametrize(
    ("source", "raw", "text"),
    [
        ("‸", "a  \nb\t\n\n", "a\nb"),
        ("x = ‸y", "a + ", "a + "),
        ("x = ‸  ", "a + ", "a +"),
    ],
)
def test_trailing_blanks(source, raw, text):
    assert drop_trailing(Draft(raw), at_cursor(source)).text == text

import pytest

from ide_agent.features.completion.postprocess.draft import Draft
from ide_agent.features.completion.postprocess.unfinished import cut_unfinished
from support.cursor import at_cursor


@pytest.mark.parametrize(
    ("source", "language", "text", "kept"),
    [
        ("‸", "python", "b = compute(a, so", ""),
        ("return ‸", "python", "(a() * 10) + (b() * 1) + (c", "(a() * 10) + (b() * 1)"),
        ("x = ‸", "python", "first + second + thi", "first + second"),
        ("x = ‸", "python", "first", ""),
        ("x = ‸", "python", "a.b.c.d", ""),
        ("x = f(‸", "python", "a, b) + g(c, d", "a, b)"),
        ("‸", "python", 'msg = "{} {}".format(aaaa, bb', ""),
        ("x = ‸", "python", 'f"{x}" + g(aaaa, bb', 'f"{x}"'),
        ("x = ‸", "python", '":)" and foo(aaaa, bb', '":)"'),
        ("x = ‸", "python", "'never closed, and so on", ""),
        ("# A comment ‸", "python", "of many (many wor", "of many (many "),
        ("print('Hello, ‸", "python", "my dear old fri", "my dear old "),
        ("def f():\n    return 1‸", "python", "\n\nx = compute(a, so", ""),
        ("A sentence ‸", "markdown", "(with many more wor", "(with many more "),
        ("‸", "python", "a = 1\nb = f(", "a = 1\nb = f("),
    ],
)
def test_what_can_stand_by_itself_is_kept(source, language, text, kept):
    assert cut_unfinished(Draft(text), at_cursor(source, language)).text == kept

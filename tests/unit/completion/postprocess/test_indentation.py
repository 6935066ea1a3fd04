import pytest

from ide_agent.features.completion.postprocess.indentation import first_line
from support.cursor import at_cursor


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("def f():\n    ‸", "    return 1", "return 1"),  # written twice
        ("def f():\n    ‸", " return 1", "return 1"),  # the blank that begins a token
        ("def f():\n    ‸", "return 1", "return 1"),
        ("def f():\n‸", "    return 1", "    return 1"),
        ("def f():\n‸", "return 1", "    return 1"),  # forgotten
        ("def f():\n‸", "        return 1", "    return 1"),  # too deep
        ("def f():\n  ‸", "  return 1", "return 1"),
        ("class A:\n  def f(self):\n  ‸", "  return 1", "  return 1"),
        ("def f():\n\t‸", "\treturn 1", "return 1"),
        ("class A:\n\tdef f(self):\n\t‸", "return 1", "\treturn 1"),
        ("int f() {\n‸\n}", "return 1;", "    return 1;"),
        ("int f() {\n‸", "}", "}"),
        ("def f():\n    a = 1\n    ‸", "    b = 2", "b = 2"),
        ("def f():\n    a = 1\n‸", "    b = 2", "    b = 2"),
        ("def f():\n    a = 1\n‸", "b = 2", "b = 2"),
        ("def f():\n    a = 1\n‸", "   b = 2", "b = 2"),
        ("a = 1\n‸", "  b = 2", "b = 2"),
        ("‸", "  a = 1", "  a = 1"),
        ("    ‸", "  a = 1", "a = 1"),
        ("x = ‸", "  1", "  1"),
        ("def f():‸", "\n    return 1", "\n    return 1"),
        ("def f(\n    a,\n):\n‸", "return 1", "    return 1"),
    ],
)
def test_case_29_indentation_of_the_first_line(source, text, expected):
    assert first_line(text, at_cursor(source)) == expected


def test_case_10_whitespace_only_line_keeps_what_the_user_typed():
    for typed in ("  ", "    ", "\t"):
        text = first_line("        return 1", at_cursor(f"def f():\n    a = 1\n{typed}‸\n"))
        assert text.lstrip() == "return 1"


def test_prose_is_left_alone():
    assert first_line("  word", at_cursor("- a\n‸", "markdown")) == "  word"

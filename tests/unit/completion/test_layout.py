import pytest

from ide_agent.features.completion import layout
from support.cursor import at_cursor

TABS = "class A:\n\tdef f(self):\n\t\t‸\n"
FOURS = "class A:\n    def f(self):\n        ‸\n"


@pytest.mark.parametrize(("line", "columns"), [("", 0), ("  x", 2), ("\tx", 4), ("\t  x", 6), ("x  ", 0)])
def test_width(line, columns):
    assert layout.width(line) == columns


@pytest.mark.parametrize(
    ("prefix", "suffix", "language", "unit"),
    [
        ("def f():\n    x\n", "", "python", "    "),
        ("a {\n  b {\n    c\n", "", "css", "  "),
        ("if a {\n\tb\n", "", "rust", "\t"),
        ("def f():\n\t", "", "python", "\t"),
        ("a\n", "\nif b {\n\tc\n}\n", "rust", "\t"),
        ("a\n", "", "python", None),
        ("a {\n    b\n\tc\n", "", "c", None),
        ("", "", "go", "\t"),
    ],
)
def test_unit_of_indentation(prefix, suffix, language, unit):
    assert layout.unit(prefix, suffix, language) == unit


@pytest.mark.parametrize(
    ("line", "language", "opens", "indents"),
    [
        ("def f(a):", "python", True, True),
        ("async def f(a):  # why", "python", True, True),
        ("x: int", "python", False, False),
        ("x = {", "python", True, False),
        ("x = 'a:'", "python", False, False),
        ("name:", "yaml", True, True),
        ("case 1:", "c", False, False),
        ("if (x) {", "c", True, False),
        ("if (x) { // {", "c", True, False),
        ("local function f()", "lua", True, True),
        ("f(function(a)", "lua", True, True),
        ("if x then return 1 end", "lua", False, False),
        ("if [ x ]; then", "shellscript", True, True),
        ("for a in b; do", "shellscript", True, True),
        ("list.each do |x|", "ruby", True, True),
        ("return x if y", "ruby", False, False),
        ("defmodule A do", "elixir", True, True),
        ("Listen:", "plaintext", False, False),
        ("", "python", False, False),
    ],
)
def test_lines_that_open_a_block(line, language, opens, indents):
    assert layout.opens_block(line, language) is opens
    assert layout.indents_block(line, language) is indents


@pytest.mark.parametrize(
    ("lines", "language", "columns"),
    [
        (["  def f(a):"], "python", 2),
        (["  def f(", "      a,", "      b):"], "python", 2),
        (["  def f(", "    a,", "  ) -> int:"], "python", 2),
        (["  foo(a, (x) => {"], "javascript", 2),
        (["x = 1"], "python", None),
    ],
)
def test_opener_width_is_that_of_the_whole_statement(lines, language, columns):
    assert layout.opener_width(lines, len(lines) - 1, language) == columns


@pytest.mark.parametrize(
    ("line", "language", "length"),
    [
        ("  });  // a", "javascript", 5),
        ("} else {", "c", 1),
        ("end", "lua", 3),
        ("  fi", "shellscript", 4),
        ("ending = 1", "lua", 0),
        ("end", "python", 0),
        ("x)", "python", 0),
    ],
)
def test_closing_length(line, language, length):
    assert layout.closing_length(line, language) == length


@pytest.mark.parametrize(
    ("line", "expected"), [("else:", True), ("} else {", True), ("elsewhere = 1", False), ("then", True)]
)
def test_goes_on(line, expected):
    assert layout.goes_on(line) is expected


@pytest.mark.parametrize(
    ("suffix", "base", "language", "expected"),
    [
        ("\n    more\n  }\n}", 2, "c", True),
        ("\n}\n", 2, "c", False),
        ("\n\nend\n", 0, "lua", True),
        ("\nfoo\n", 0, "c", False),
        ("", 0, "c", False),
        ("}", 0, "c", False),
    ],
)
def test_closed_below(suffix, base, language, expected):
    assert layout.closed_below(suffix, base, language) is expected


@pytest.mark.parametrize(
    ("header", "language", "word"),
    [
        ("if x", "ruby", "end"),
        ("  if [ a ]; then", "shellscript", "fi"),
        ("while true; do", "shellscript", "done"),
        ("x = 1", "ruby", ""),
        ("def f():", "python", ""),
    ],
)
def test_end_word(header, language, word):
    assert layout.end_word(header, language) == word


@pytest.mark.parametrize(("suffix", "columns"), [("x\n\n   \n  a", 2), ("x", None), ("\n\n", None)])
def test_next_width(suffix, columns):
    assert layout.next_width(suffix) == columns


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        (TABS, "if a:\n            b\n        c", "if a:\n\t\t\tb\n\t\tc"),
        (TABS, "if a:\n\t\t\tb", "if a:\n\t\t\tb"),
        (TABS, "f(a,\n          b)", "f(a,\n\t\t\t\t\tb)"),
        ("a {\n\tb {\n\t\t‸", "c {\n      d\n    }", "c {\n\t\t\td\n\t\t}"),
        (FOURS, "if a:\n\t\t\tb", "if a:\n            b"),
        (FOURS, "if a:\n            b", "if a:\n            b"),
        ("a\n‸", "if b:\n\tc", "if b:\n\tc"),
        ("a = ‸\n\tb", "  c", "  c"),
    ],
)
def test_case_09_tab_indentation(source, text, expected):
    assert layout.as_document(text, at_cursor(source)) == expected

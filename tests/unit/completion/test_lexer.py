import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.features.completion import lexer


def chars(brackets):
    return "".join(bracket.char for bracket in brackets)


@pytest.mark.parametrize(
    ("text", "language", "opened", "closed", "state"),
    [
        ("f(a[1], {", "python", "({", "", ""),
        ("a)]", "python", "", ")]", ""),
        ('f("(", "[")', "python", "", "", ""),
        ("f(  # (", "python", "(", "", "#"),
        ("f(  # (\n", "python", "(", "", ""),
        ('x = "a(', "python", "", "", '"'),
        ('x = "a(\n', "python", "", "", ""),
        ('x = """a(\n(', "python", "", "", '"""'),
        (r'x = "\"(', "python", "", "", '"'),
        ("x = `a(\n", "typescript", "", "", "`"),
        ("x /* ( ", "c", "", "", "/*"),
        ("x /* ( */ (", "c", "(", "", ""),
        ("fn f<'a>(x: &'a str) {", "rust", "{", "", ""),
        ("char c = '(';", "c", "", "", ""),
        ("x = '('", "lua", "", "", ""),
        ("-- (", "lua", "", "", "--"),
        ("echo ${#a} $# (", "shellscript", "(", "", ""),
        (":-) (", "plaintext", "", "", ""),
        ("it's (", "html", "(", "", ""),
        ('x = "\\', "python", "", "", '"'),
    ],
)
def test_scan(text, language, opened, closed, state):
    found = lexer.scan(text, language)
    assert (chars(found.opened), chars(found.closed), found.state) == (opened, closed, state)


def test_scan_goes_on_from_the_state_of_the_text_before():
    first = lexer.scan('print("a', "python")
    found = lexer.scan(')b")]', "python", first.state)
    assert [(bracket.char, bracket.at) for bracket in found.closed] == [(")", 3), ("]", 4)]


def test_a_closer_of_another_kind_jumps_over_openers():
    found = lexer.scan("([)", "python")
    assert (found.opened, found.crossed) == ((), 1)


def test_only_tokens_that_span_lines_are_open_after_a_line():
    assert lexer.scan('"""a\n', "python").in_lines
    assert not lexer.scan("# a", "python").in_lines


@pytest.mark.parametrize(
    ("line", "language", "code"),
    [
        ('x = "a # b"  # c', "python", 'x = "_"  '),
        ("x = 1; // {", "c", "x = 1; "),
        ('x = "a', "python", 'x = "_'),
        ("# a", "python", ""),
        ("a # b", "markdown", "a # b"),
    ],
)
def test_code_of(line, language, code):
    assert lexer.code_of(line, language) == code


@given(
    st.text(alphabet="()[]{}\"'`#/*-\\\n ax", max_size=60),
    st.text(alphabet="()[]{}\"'`#/*-\\\n ax", max_size=60),
    st.sampled_from(
        ["python", "c", "rust", "lua", "typescript", "shellscript", "html", "sql", "plaintext", "x"]
    ),
)
def test_scan_survives_anything_and_points_at_brackets(before, text, language):
    state = lexer.scan(before, language).state
    found = lexer.scan(text, language, state)
    for bracket in (*found.opened, *found.closed):
        assert text[bracket.at] == bracket.char
    lexer.code_of(text, language)

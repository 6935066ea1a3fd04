import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ide_agent.features.completion.shape import Shape, decide, finished
from support.cursor import MARK, at_cursor

LINE, STATEMENT, BLOCK = "line", "statement", "block"


@pytest.mark.parametrize(
    ("source", "language", "kind", "base"),
    [
        ("x = f(‸)\n", "python", LINE, 0),
        ("    return ‸ + 1\n", "python", LINE, 4),
        ("  ‸foo()\n", "c", LINE, 2),
        ("# a comment ‸\n", "python", LINE, 0),
        ("def f():\n    # ‸\n", "python", LINE, 4),
        ("/**\n * ‸\n */\n", "java", LINE, 1),
        ('def f():\n    """Says ‸', "python", LINE, 4),
        ('x = ["a", "‸\n', "python", STATEMENT, 0),
        ("Some words ‸\n", "plaintext", LINE, 0),
        ("‸", "markdown", LINE, 0),
        ("def f(a):‸\n", "python", BLOCK, 0),
        ("  def f(\n      a,\n  ):‸\n", "python", BLOCK, 2),
        ("int f() {‸\n", "c", BLOCK, 0),
        ("const x = [‸\n", "javascript", BLOCK, 0),
        ("foo(‸\n", "python", BLOCK, 0),
        ("if true; then‸\n", "shellscript", BLOCK, 0),
        ("name:‸\n", "yaml", BLOCK, 0),
        ("def f(a):\n    ‸\n\n\nx = 1\n", "python", BLOCK, 0),
        ("def f(a):\n‸\n", "python", BLOCK, 0),
        ('def f(a):\n    """Says."""\n    ‸\n', "python", BLOCK, 0),
        ('def f(a):\n    """Says.\n\n    More.\n    """\n    ‸\n', "python", BLOCK, 0),
        ("def f(a):\n    # How.\n    ‸\n", "python", BLOCK, 0),
        ("int f() {\n  ‸\n}\n", "c", BLOCK, 0),
        ("class A:\n    def f(self):\n        ‸\n\n    def g(self):\n        pass\n", "python", BLOCK, 4),
        ("def f(a):\n    b = 1\n    ‸\n", "python", STATEMENT, 4),
        ("def f(a):\n    ‸\n    return a\n", "python", STATEMENT, 4),
        ("def f(a):\n    b = ‸\n    return b\n", "python", STATEMENT, 4),
        ("x = 1\n‸\n", "python", STATEMENT, 0),
        ("‸", "python", STATEMENT, 0),
        ("int f() {\n  a();\n  ‸\n}\n", "c", STATEMENT, 2),
        ("if a:\n    b\n‸\n", "python", STATEMENT, 0),
        ("def f(a):‸\n    return a\n", "python", LINE, 0),
        ("foo {\n  ‸\n}\n", "no-such-language", BLOCK, 0),
    ],
)
def test_decide(source, language, kind, base):
    shape = decide(at_cursor(source, language), 12)
    assert (shape.kind, shape.base) == (kind, base)


def test_at_most_the_lines_the_user_wants():
    assert decide(at_cursor("def f():\n    ‸\n"), 3).max_lines == 3
    assert decide(at_cursor("x = f(‸)\n"), 12).max_lines == 1


def test_a_longer_shape_may_use_more_tokens():
    line, statement, block = (
        decide(at_cursor(source), 12).max_tokens for source in ("f(‸)", "x = 1\n‸\n", "def f():\n    ‸\n")
    )
    assert line < statement < block


def test_a_line_end_stops_only_what_cannot_begin_with_one():
    assert decide(at_cursor("x = f(‸)\n"), 12).stop == ("\n",)
    assert decide(at_cursor("# a ‸\n"), 12).stop == ("\n",)
    for source, language in [
        ("‸", "markdown"),
        ("def f():‸\n", "python"),
        ("def f():\n    ‸\n", "python"),
        ("x = f(1,‸\n", "python"),
        ('x = """\n‸\n"""', "python"),
    ]:
        assert "\n" not in decide(at_cursor(source, language), 12).stop


def test_case_10_whitespace_only_line():
    for blanks in ("", "  ", "    ", "\t", " \t "):
        context = at_cursor(f"def f(a):\n    b = 1\n{blanks}‸{blanks}\n    return b\n")
        assert decide(context, 12).kind == STATEMENT


def test_case_40_one_endless_line():
    context = at_cursor("x = [" + "1, " * 100_000 + "‸\n")
    shape = decide(context, 12)
    assert shape.kind == LINE
    assert finished(context, "2, 3\n]", shape) == 4


def test_case_23_at_most_four_stop_strings():
    for source in ("f(‸)", "‸", "def f():‸\n", "# a‸", "x = 1‸\n"):
        for language in ("python", "c", "markdown", "no-such-language"):
            assert len(decide(at_cursor(source, language), 12).stop) <= 4


def test_a_brace_on_the_same_line_is_the_rest_of_the_line():
    context = at_cursor("function f() {‸}\n", "javascript")
    shape = decide(context, 12)
    assert shape.kind == LINE
    assert finished(context, " return 1; \nfoo", shape) == len(" return 1; ")


def test_finished_by_shape():
    context = at_cursor("def f(a):\n    ‸\n")
    text = "b = a\n    return b\n\n\ndef g():"
    assert finished(context, text, decide(context, 12)) == text.index("\n\n\ndef")
    statement = Shape("statement", 4, 12, 96, (), "code")
    assert finished(context, text, statement) == text.index("\n")
    line = Shape("line", 4, 1, 48, (), "code")
    assert finished(context, text, line) == text.index("\n")


SOURCES = [
    ("def f(a):\n    ‸\n", "python"),
    ("def f(a):\n    b = ‸\n    return b", "python"),
    ("class A:\n    x = 1\n‸\n", "python"),
    ("int f() {\n  ‸\n}\n", "c"),
    ("function f() {‸\n", "javascript"),
    ("function f()\n  ‸\nend", "lua"),
    ("a: 1\n‸", "yaml"),
    ("Words ‸", "markdown"),
]
PIECES = [
    "x", "return a", "if a:", "else:", "end", "}", "{", "(", ")", "[", "]", '"', "'", '"""', "#",
    "//", "/*", "*/",
    "\n", "\n", "\n    ", "\n  ", "\n\t", "\n\n", " ", ",", ";", ":", "\\", "\r\n", "é", "🙂",
    "def f():", "foo(",
]  # fmt: skip


@given(st.sampled_from(SOURCES), st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
@example(SOURCES[0], "\n    return a\n\n\n")
def test_the_end_stays_when_the_text_grows(source, text):
    context = at_cursor(*source)
    shape = decide(context, 12)
    cuts = [finished(context, text[:size], shape) for size in range(len(text) + 1)]
    known = [cut for cut in cuts if cut is not None]
    assert len(set(known)) <= 1
    assert cuts[len(cuts) - len(known) :] == known
    assert all(0 <= cut <= len(text) for cut in known)


@given(
    st.text(alphabet="ab()[]{}:\"'`#/* \n\t\\é🙂\u2028", max_size=80),
    st.text(alphabet="ab()[]{}:\"'`#/* \n\t\\é🙂\u2028", max_size=40),
    st.sampled_from(["python", "c", "rust", "lua", "tsx", "html", "yaml", "markdown", "haskell", "x"]),
)
def test_any_document_has_a_shape(prefix, suffix, language):
    shape = decide(at_cursor(prefix + MARK + suffix, language), 12)
    assert len(shape.stop) <= 4
    assert 1 <= shape.max_lines <= 12


@pytest.mark.parametrize(
    ("source", "language", "columns"),
    [
        ("x = ‸\n", "python", 100),
        ("# " + "w" * 118 + "\nx = ‸\n", "python", 120),
        ("‸\n" + "x" * 5000, "python", 240),
        ("A paragraph ‸", "markdown", 240),
    ],
)
def test_a_line_is_as_long_as_those_around(source, language, columns):
    assert decide(at_cursor(source, language), 12).max_columns == columns

import pytest

from ide_agent.features.completion import ending
from ide_agent.features.completion.shape import decide, finished
from support.cursor import at_cursor


def end(source, text, language="python", *, base, block, max_lines=12):
    return ending.block_end(at_cursor(source, language), text, base=base, max_lines=max_lines, block=block)


def kept(source, text, language="python", **shape):
    cut = end(source, text, language, **shape)
    assert cut is not None
    return text[:cut]


def test_a_line_ends_with_its_line_end():
    context = at_cursor("x = ‸\n")
    assert ending.line_end(context, "1", prose=False) is None
    assert ending.line_end(context, "1\ny", prose=False) == 1
    assert ending.line_end(context, "\ny = 1\n", prose=False) == 0


def test_a_line_on_a_blank_line_may_begin_with_a_line_end():
    text = "\n\nhello\nmore"
    assert ending.line_end(at_cursor("‸", "markdown"), text, prose=True) == text.index("\nmore")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("It works. And so on\n", "It works."),
        ('He said "stop!" Then\n', 'He said "stop!"'),
        ("Use it, e.g. here\n", "Use it, e.g. here"),
        ("Version 1.5 is out\n", "Version 1.5 is out"),
        ("Bitti. Çünkü yeter\n", "Bitti."),
    ],
)
def test_prose_ends_with_its_sentence(text, sentence):
    assert text[: ending.line_end(at_cursor("‸", "plaintext"), text, prose=True)] == sentence


def test_block_ends_where_the_indentation_does():
    source = "def f(a):‸\n"
    text = "\n    if a:\n        b\n\n    return a\n\ndef g"
    assert kept(source, text, base=0, block=True) == "\n    if a:\n        b\n\n    return a"


def test_the_first_letter_left_of_the_block_is_enough():
    assert end("def f(a):\n    ‸", "return a\n", base=0, block=True) is None
    assert end("def f(a):\n    ‸", "return a\nd", base=0, block=True) is None
    assert end("def f(a):\n    ‸", "return a\nd ", base=0, block=True) == len("return a")
    assert end("    def f(a):\n        ‸", "return a\nd", base=4, block=True) == len("return a")


def test_block_takes_its_closing_line_unless_the_document_has_it():
    text = "return 1;\n}\n\nint g"
    assert kept("int f() {\n  ‸\n", text, "c", base=0, block=True) == "return 1;\n}"
    assert kept("int f() {\n  ‸\n}\n", text, "c", base=0, block=True) == "return 1;"


def test_a_call_ends_with_its_bracket():
    assert kept("f(‸\n", "\n    a,\n    b,\n)\nc", "python", base=0, block=True) == "\n    a,\n    b,\n)"
    assert kept("const x = [‸\n", "1, 2];\nb", "javascript", base=0, block=True) == "1, 2];"


def test_a_word_closes_a_block():
    text = "x = 1\nend\ny = 2\n"
    assert kept("function f()\n  ‸\n", text, "lua", base=0, block=True) == "x = 1\nend"
    assert kept("function f()\n  ‸\nend\n", text, "lua", base=0, block=True) == "x = 1"


def test_a_run_of_blank_lines_ends_a_block():
    assert kept("def f():\n    ‸", "a = 1\n\n\n    b = 2\n", base=0, block=True) == "a = 1"
    assert end("def f():\n    ‸", "a = 1\n\n    b = 2\n", base=0, block=True) is None


def test_the_number_of_lines_ends_a_block():
    text = "a = 1\n    b = 2\n    c = 3\n    d = 4\n"
    assert kept("def f():\n    ‸", text, base=0, block=True, max_lines=2) == "a = 1\n    b = 2"


def test_text_of_a_string_does_not_count_as_indentation():
    text = 'sql = """\nSELECT 1\n"""\n    return sql\n\ndef g'
    assert kept("def f():\n    ‸", text, base=0, block=True) == 'sql = """\nSELECT 1\n"""\n    return sql'


def test_a_statement_ends_with_its_line():
    assert kept("def f():\n    a = 1\n    ‸", "b = 2\n    c = 3\n", base=4, block=False) == "b = 2"


def test_a_statement_goes_on_until_its_brackets_close():
    text = "b = f(\n        1,\n    )\n    c = 3\n"
    assert kept("def f():\n    a = 1\n    ‸", text, base=4, block=False) == "b = f(\n        1,\n    )"


def test_a_statement_goes_on_while_it_does_not_parse():
    text = "3\n    + 4;\n  y = 1;\n"
    assert kept("int f() {\n  int x = ‸\n}", text, "c", base=2, block=False) == "3\n    + 4;"


def test_a_compound_statement_has_its_block_and_its_else():
    text = "if a:\n        b()\n    else:\n        c()\n    return 1\n"
    assert (
        kept("def f():\n    a = 1\n    ‸", text, base=4, block=False)
        == "if a:\n        b()\n    else:\n        c()"
    )


def test_a_compound_statement_in_a_language_of_words():
    text = "if [ x ]\nthen\n  foo\nfi\nbar\n"
    assert kept("a=1\n‸\n", text, "shellscript", base=0, block=False) == "if [ x ]\nthen\n  foo\nfi"


@pytest.mark.parametrize(
    ("source", "text", "language", "expected"),
    [
        ("def f(a, ‸\n", "b):\n    return a\n\nx = 1\n", "python", "b):\n    return a"),
        ("def f(\n    a,\n    ‸\n", "b):\n    return a\n\nx = 1\n", "python", "b):"),
        ("if (a.‸\n", "b) {\n  c();\n}\nd();\n", "javascript", "b) {\n  c();\n}"),
        ("for c in (‸\n", "1, 2):\n    d\ne\nf", "python", "1, 2):\n    d"),
        ('x = ["a", "‸\n', 'b",\n     "c"]\ny = 1\n', "python", 'b",\n     "c"]'),
        ("x = (a +\n     b)‸\n", " * 2\ny = 1\n", "python", " * 2"),
    ],
)
def test_a_statement_that_the_cursor_is_in_the_middle_of(source, text, language, expected):
    context = at_cursor(source, language)
    cut = finished(context, text, decide(context, 12))
    assert cut is not None
    assert text[:cut] == expected


def test_a_comment_belongs_to_the_statement_below_it():
    text = "# Why.\n    b = 2\n    c = 3\n"
    assert kept("def f():\n    a = 1\n    ‸", text, base=4, block=False) == "# Why.\n    b = 2"


def test_a_decorator_belongs_to_its_function():
    text = "@cached\ndef f():\n    return 1\n\nx = 1\n"
    assert kept("a = 1\n\n‸", text, base=0, block=False) == "@cached\ndef f():\n    return 1"


def test_a_blank_line_ends_a_statement_that_never_parses():
    assert kept("a = 1\n‸", "b = = 2\n\nc = 3\n", base=0, block=False) == "b = = 2"


def test_a_whole_line_needs_no_more():
    assert end("a = 1‸\n", "\nb = 2\n", base=0, block=False) == 0


def test_text_that_begins_outside_the_block_is_none():
    assert end("def f():\n    a = 1\n    ‸", "\n\ndef g():\n    pass\n", base=4, block=False) == 0
    assert end("def f():\n    ‸", "\ndef g():\n    pass\n", base=0, block=True) == 0


def test_too_many_blank_lines_are_none():
    assert end("def f():\n    ‸", "\n\n\n\n    a", base=0, block=True) == 0
    assert end("def f():\n    ‸", "\n\n", base=0, block=True) is None


def test_windows_line_ends():
    assert (
        kept("def f():\n    a = 1\n    ‸", "b = 2\r\n    c = 3\r\n", base=4, block=False).rstrip() == "b = 2"
    )

import pytest

from ide_agent.features.completion.postprocess.brackets import cut_redundant_closer, open_brackets
from ide_agent.features.completion.postprocess.draft import Draft
from support.cursor import at_cursor


@pytest.mark.parametrize(
    ("source", "language", "text", "kept"),
    [
        ("f(\n    a,\n    ‸\n)\n", "python", "b,\n)\nx", "b,\n"),
        ("function f() {\n  ‸\n}\n", "javascript", "return 1;\n}\n\nfoo();", "return 1;\n"),
        ("if (a) {\n  f(() => {\n    ‸\n  });\n}\n", "javascript", "b();\n  });\n}", "b();\n  "),
        ("x = 1\n‸\n", "python", "y = 2)\n", "y = 2"),
        ("f([‸\n", "python", "1, 2)", "1, 2"),
        ("class A {\n  void f() {\n    ‸\n  }\n}\n", "java", "g();\n  }\n", "g();\n  "),
    ],
)
def test_case_17_redundant_closing_bracket(source, language, text, kept):
    assert cut_redundant_closer(Draft(text), at_cursor(source, language)) == Draft(kept, ended=True)


@pytest.mark.parametrize(
    ("source", "language", "text"),
    [
        ("function f() {\n  ‸\n", "javascript", "return 1;\n}"),
        ("f(‸\n", "python", "a, b)"),
        ("class A {\n  void f() {\n    ‸\n\n  void g() {\n  }\n}\n", "java", "h();\n  }"),
        ("x = ‸\n", "python", 'f(")")'),
        ("Smile ‸\n", "plaintext", ":) here)"),
        ("def f():\n    # see ‸\n", "python", "above)"),
    ],
)
def test_closers_that_are_needed_stay(source, language, text):
    draft = Draft(text)
    assert cut_redundant_closer(draft, at_cursor(source, language)) == draft


def test_what_was_opened_above_the_known_text_may_be_closed():
    draft = Draft("b();\n}")
    assert cut_redundant_closer(draft, at_cursor("  a();\n  ‸\n", "c", prefix_line=300)) == draft
    assert cut_redundant_closer(draft, at_cursor("  a();\n  ‸\n", "c")).text == "b();\n"


def test_open_brackets_innermost_first():
    context = at_cursor("a(\n  {\n    f(‸)\n  }\n", "javascript")
    assert open_brackets(context) == (("(", True), ("{", True), ("(", False))
    assert open_brackets(context, below=True) == (("(", False), ("{", True), ("(", False))

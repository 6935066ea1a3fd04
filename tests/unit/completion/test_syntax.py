import warnings

import pytest

from ide_agent.features.completion import syntax
from support.cursor import at_cursor


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("python", "python"),
        ("typescript", "typescript"),
        ("typescriptreact", "tsx"),
        ("javascriptreact", "javascript"),
        ("shellscript", "bash"),
        ("csharp", "csharp"),
        ("cpp", "cpp"),
        ("jsonc", "json"),
        ("objective-c", "objc"),
        ("makefile", "make"),
        ("Dockerfile", "dockerfile"),
        ("plaintext", None),
        ("no-such-language", None),
        ("", None),
    ],
)
def test_grammar_of_a_language_id(language, name):
    assert syntax.grammar(language) == name


def test_all_aliases_name_a_grammar_that_loads():
    for alias, name in syntax._ALIASES.items():
        assert syntax.grammar(alias) == name
        assert syntax.parse("x", alias) is not None, alias


def test_grammars_load_without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in (
            "python",
            "typescript",
            "tsx",
            "rust",
            "go",
            "java",
            "c",
            "cpp",
            "ruby",
            "php",
            "yaml",
            "html",
        ):
            assert syntax.parse("a\n", name) is not None


def test_a_text_too_long_is_not_parsed():
    assert syntax.parse("x = 1\n" * 10, "python") is not None
    assert syntax.parse("x = 1\n" * 10_000, "python") is None


def test_half_characters_do_not_stop_the_parser():
    assert syntax.parse("x = '\ud800'\n", "python") is not None


@pytest.mark.parametrize(
    ("source", "language", "place"),
    [
        ("x = ‸1\n", "python", "code"),
        ("‸", "python", "code"),
        ("# a ‸\n", "python", "comment"),
        ("x = 1  # a‸ b\n", "python", "comment"),
        ("# a\n‸\n", "python", "code"),
        ('x = "a‸b"\n', "python", "string"),
        ('x = "ab"‸\n', "python", "code"),
        ('x = "a‸', "python", "string"),
        ('def f():\n    """Says ‸', "python", "string"),
        ('def f():\n    """Says\n    ‸\n    """\n', "python", "string"),
        ('x = f"a{b‸}"\n', "python", "code"),
        ("let x = `a${b‸}`;\n", "javascript", "code"),
        ("let x = `a‸`;\n", "javascript", "string"),
        ("/* a\n * ‸\n */\nint x;\n", "c", "comment"),
        ("int x; // ‸\n", "c", "comment"),
        ("/* a */‸ int x;\n", "c", "code"),
        ("/** unfinished ‸", "java", "comment"),
        ("// url ‸", "no-such-language", "comment"),
        ("don't (‸", "plaintext", "text"),
        ("# Title ‸", "markdown", "text"),
    ],
)
def test_place_of_the_cursor(source, language, place):
    assert syntax.place(at_cursor(source, language)) == place


def test_a_prefix_cut_inside_a_docstring_is_read_from_a_safe_line():
    source = '    more words.\n    """\n    return 1\n\n\ndef g():\n    x = ‸'
    assert syntax.place(at_cursor(source, prefix_line=40)) == "code"
    assert syntax.place(at_cursor(source, prefix_line=0)) == "string"


def test_scope_is_bounded():
    prefix = "x = (\n" * 1000
    assert syntax.scope(prefix, 0).count("\n") < 200
    assert prefix.endswith(syntax.scope(prefix, 0))


def test_case_40_one_endless_line():
    prefix = "x = [" + "1, (2), " * 100_000
    assert len(syntax.scope(prefix, 0)) < 30_000
    assert syntax.place(at_cursor(prefix + "‸" + "3, " * 100_000 + "]\n", "javascript")) == "code"


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [("x = 1\n", "python", False), ("x =\n", "python", True), ("x", "plaintext", None)],
)
def test_has_error(text, language, expected):
    assert syntax.has_error(text, language) is expected

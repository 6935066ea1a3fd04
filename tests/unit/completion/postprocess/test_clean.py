"""The whole of post-processing: what a person sees of what a model wrote."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ide_agent.features.completion.cursor import Suggestion
from ide_agent.features.completion.postprocess import clean
from ide_agent.features.completion.shape import decide, finished
from support.cursor import MARK, at_cursor


def cleaned(source, raw, language="python", *, final=True, truncated=False, **rest):
    context = at_cursor(source, language, **rest)
    return clean(context, raw, decide(context, 12), final=final, truncated=truncated)


def text(source, raw, language="python", **rest):
    suggestion = cleaned(source, raw, language, **rest)
    return suggestion and suggestion.text


def test_the_lines_so_far_while_more_may_come():
    source = "def f(a):\n    ‸\n"
    assert cleaned(source, "b = a\n    retu", final=False) == Suggestion("b = a")
    assert cleaned(source, "b = a\n    return b", final=True) == Suggestion(
        "b = a\n    return b", complete=True
    )
    assert cleaned(source, "b = ", final=False) is None


def test_complete_as_soon_as_the_shape_is():
    assert cleaned("a = 1\n‸\n", "b = 2\nc = 3\n", final=False) == Suggestion("b = 2", complete=True)


def test_a_truncated_last_line_is_not_shown():
    source = "def f(a):\n    ‸\n"
    assert text(source, "b = a\n    return so", truncated=True) == "b = a"
    assert text(source, "b = first + second + thi", truncated=True) == "b = first + second"
    assert text(source, "b = compute(a, so", truncated=True) is None


@pytest.mark.parametrize("raw", ["", " ", "\n", "\n\n  \n", "\t", "<|endoftext|>", "\r\n"])
def test_nothing_to_show(raw):
    for source in ("def f(a):\n    ‸\n", "x = f(‸)\n", "‸", "# a‸"):
        assert cleaned(source, raw) is None


def test_case_05_wide_characters_before_the_cursor():
    assert text('print("漢字🙂" + ‸)', "name)") == "name"


def test_case_06_last_line_without_line_end():
    assert text("def f(a):\n    return ‸", "a") == "a"
    assert text("def f(a):‸", "\n    return a") == "\n    return a"


def test_case_07_windows_line_ends():
    assert text("def f(a):\n    ‸\n", "b = a\r\n    return b\r\n") == "b = a\n    return b"


def test_case_08_sentinel_beside_a_carriage_return():
    assert text("a = ‸\n", "1\r<|endoftext|>\r\n") == "1"


def test_case_09_tab_indentation():
    assert text("def f(a):\n\t‸\n", "if a:\n        return a\n") == "if a:\n\t\treturn a"


def test_case_10_whitespace_only_line():
    source = "def f(a):\n    b = 1\n    ‸    \n    return b\n"
    assert text(source, "    c = 2\n") == "c = 2"


def test_case_17_redundant_closing_bracket():
    assert cleaned("x = max(‸)\n", "a, b)\n") == Suggestion("a, b", complete=True)
    assert text("x = max(\n    a,\n    ‸\n)\n", "b,\n)\ny = 1\n") == "b,"
    assert text("function f() {\n  ‸\n}\n", "return 1;\n}\n", "javascript") == "return 1;"


def test_case_17_the_editor_closed_the_bracket():
    suggestion = cleaned("max(‸)\n", "a, b);\n", "javascript")
    assert suggestion == Suggestion("a, b);", replace_after=1, complete=True)


def test_case_18_multi_line_suffix():
    source = "def f(a):\n    b = a\n    ‸\n    c = b + 1\n    return c\n"
    assert text(source, "if b:\n        print(b)\n    c = b + 1\n    return c\n") == "if b:\n        print(b)"
    assert cleaned(source, "c = b + 1\n    return c\n") is None


def test_case_18_a_prefix_only_model_runs_on_into_the_suffix():
    source = "int f(int a) {\n  ‸\n  int total = a + 1;\n  return total;\n}\n"
    raw = "if (a < 0) {\n    a = 0;\n  }\n  int total = a + 1;\n  return total;\n}\n\nint main() {\n"
    assert text(source, raw, "c") == "if (a < 0) {\n    a = 0;\n  }"


def test_case_21_sentinel_text():
    assert text("a = ‸\n", "1<|fim_suffix|>\n") == "1"
    assert text("Some words ‸", "end here.</s>", "markdown") == "end here."
    assert text("a = ‸\n", "<fim_middle>1<|endoftext|>") == "1"


def test_case_22_special_tokens_in_the_users_own_source():
    assert text('E = "<|endoftext|>"\nb = ‸\n', '"<|endoftext|>"\n') == '"<|endoftext|>"'


def test_case_24_empty_suffix():
    assert text("def f(a):\n    ‸", "return a\n") == "return a"


def test_case_25_half_a_character_at_the_end():
    assert text("s = ‸\n", '"çay\ufffd') == '"çay'


def test_case_27_the_last_edit_is_not_undone():
    assert cleaned("def f(a):\n    ‸\n", "return a\n", removed="return a") is None
    assert text("def f(a):\n    ‸\n", "return a\n", removed="x = a") == "return a"


def test_case_28_repeating_lines():
    source = "def f(a):\n    ‸\n"
    assert text(source, "print(a)\n    print(a)\n    print(a)\n") == "print(a)"
    assert cleaned("x = ‸\n", "[" + "0, " * 40 + "\n") is None


def test_case_29_wrong_indentation_of_the_first_line():
    assert text("def f(a):\n    ‸\n", "    return a\n") == "return a"
    assert text("def f(a):\n    ‸\n", " return a\n") == "return a"
    assert text("def f(a):\n‸\n", "return a\n") == "    return a"


def test_case_33_an_overlong_suggestion():
    raw = "".join(f"    value_{chr(97 + n)} = compute_{chr(97 + n)}(a)\n" for n in range(26)).lstrip()
    suggestion = cleaned("def f(a):\n    ‸\n", raw)
    assert suggestion is not None
    assert suggestion.text.count("\n") == 11
    assert suggestion.complete
    assert cleaned("def f(a):\n    ‸\n", "x" * 5000) is None


def test_case_40_one_endless_line():
    source = "x = [" + "1, (2), " * 20_000 + "‸" + "3, " * 20_000 + "]\n"
    assert text(source, "4, ", "javascript") == "4, "


def test_right_of_the_cursor_already():
    assert cleaned("return ‸total + 1\n", "total + 1\n") is None


def test_trailing_blanks_are_dropped():
    assert text("def f(a):\n    ‸\n", "b = a   \n    return b \t\n") == "b = a\n    return b"


DOCUMENTS = [
    ("def f(a):\n    ‸\n\n\nx = 1\n", "python"),
    ("def f(a):‸\n", "python"),
    ("def f(a):\n    b = ‸\n    return b", "python"),
    ("class A:\n\tdef f(self):\n\t\t‸\n", "python"),
    ("x = max(‸)\n", "python"),
    ('print("‸")\n', "javascript"),
    ("f(\n    a,\n    ‸\n)\n", "python"),
    ("int f() {\n  a();\n  ‸\n  return x;\n}\n", "c"),
    ("function f() {\n  ‸\n", "javascript"),
    ("function f()\n  ‸\nend\n", "lua"),
    ('{\n  "a": 1,\n  ‸\n}\n', "json"),
    ("a:\n  b: 1\n‸", "yaml"),
    ("Some words ‸", "markdown"),
    ("# see ‸\nx = 1\n", "python"),
    ("a‸b(c)\n", "no-such-language"),
]
PIECES = [
    "x", "return x", "if a:", "else:", "end", "}", "{", "(", ")", "[", "]", ")]", '"', "'",
    '"""', "#", "//", "/*",
    "*/", "\n", "\n", "\n    ", "\n  ", "\n\t", "\n\n", "    ", " ", ",", ";", ":", "\\", "\r\n",
    "é", "e\u0301", "🙂",
    "👍🏽", "def f():", "foo(", "a = b", "<|endoftext|>", "<fim_middle>", "<|", "|>", "</s>",
    "```", "\u2028", "\ud83d",
    "\ufffd", "b(c)", "return x;", "x = 1",
]  # fmt: skip
SENTINELS = ("<|endoftext|>", "<fim_middle>", "</s>")
CLOSING = set(")]}\"'`;,>")

documents = st.sampled_from(DOCUMENTS)
raws = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


def steps(context, shape, raw):
    """What is shown after each complete line, and at the end."""
    sizes = [at + 1 for at, char in enumerate(raw) if char == "\n"]
    return [
        *(clean(context, raw[:size], shape, final=False) for size in sizes),
        clean(context, raw, shape, final=True),
    ]


@given(documents, raws)
@example(DOCUMENTS[0], "x = 1\n    x = 2\n\n\n    y\n")
@example(DOCUMENTS[4], "a, b)\nc")
def test_what_was_shown_stays(document, raw):
    context = at_cursor(*document)
    shape = decide(context, 12)
    shown = None
    for suggestion in steps(context, shape, raw):
        if shown is not None:
            assert suggestion is not None
            assert suggestion.text.startswith(shown.text)
            assert suggestion.replace_after == shown.replace_after
            if shown.complete:
                assert suggestion == shown
        shown = suggestion


@given(documents, raws)
@example(DOCUMENTS[7], "\n\tx\n  x")
def test_stopping_at_the_end_changes_nothing(document, raw):
    for unseen in (
        "\ufffd",
        "\ud83d",
        "<fim_middle>",
        "```",
        "<|",
    ):  # `finished` counts what `clean` takes away
        raw = raw.replace(unseen, "")
    context = at_cursor(*document)
    shape = decide(context, 12)
    cut = finished(context, raw, shape)
    if cut is not None:
        whole, stopped = (clean(context, r, shape, final=True) for r in (raw, raw[:cut]))
        assert (whole and whole.text) == (stopped and stopped.text)


@given(documents, raws, st.booleans(), st.booleans())
def test_a_suggestion_is_safe_to_insert(document, raw, final, truncated):
    context = at_cursor(*document)
    suggestion = clean(context, raw, decide(context, 12), final=final, truncated=truncated)
    if suggestion is None:
        return
    assert suggestion.text.strip()
    assert suggestion.text.count("\n") <= 12
    suggestion.text.encode("utf-8")
    for sentinel in SENTINELS:
        assert sentinel not in suggestion.text
    replaced = context.line_suffix[: suggestion.replace_after]
    assert len(replaced) == suggestion.replace_after
    assert set(replaced) <= CLOSING
    rest = iter(suggestion.text)
    assert all(char in rest for char in replaced), "a replaced character does not come back"
    if context.line_suffix.strip():
        assert "\n" not in suggestion.text


@given(
    st.text(alphabet="ab()[]{}:\"'`#/* \n\t\\é🙂\u2028<|>", max_size=60),
    st.text(alphabet="ab()[]{}:\"'`#/* \n\t\\é🙂\u2028<|>", max_size=40),
    st.text(max_size=60) | raws,
    st.text(max_size=10),
    st.sampled_from(["python", "c", "rust", "lua", "tsx", "html", "yaml", "markdown", "haskell", "php", "x"]),
)
def test_any_text_in_any_document(prefix, suffix, raw, removed, language):
    context = at_cursor(prefix.replace(MARK, "") + MARK + suffix, language, removed=removed)
    shape = decide(context, 12)
    for suggestion in steps(context, shape, raw):
        if suggestion is not None:
            assert suggestion.text.strip()
            assert 0 <= suggestion.replace_after <= len(context.line_suffix)
            assert set(context.line_suffix[: suggestion.replace_after]) <= CLOSING

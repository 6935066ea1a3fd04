import pytest

from ide_agent.features.completion.postprocess.draft import Draft
from ide_agent.features.completion.postprocess.same_line import fit_line
from support.cursor import at_cursor


def fit(source, text, language="python"):
    return fit_line(Draft(text, ended=True), at_cursor(source, language))


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("foo(‸)", "a, b)", "a, b"),
        ("foo(‸)", "a, b", "a, b"),
        ("foo(‸)", "bar(x)", "bar(x)"),
        ("foo(‸)", "bar(x))", "bar(x)"),
        ("foo(‸)", "bar()", "bar()"),
        ("x[foo(‸)]", "a)]", "a"),
        ('print("‸")', 'hello")', "hello"),
        ('print("‸")', "hello", "hello"),
        ("foo(‸) + 1", "a) + 1", "a"),
        ("foo(‸) + 1", "a) * 2", "a"),
        ("def f(‸):", "a, b):", "a, b"),
        ("foo(\n    bar(‸)\n)\n", "x))", "x"),
        ("x = ‸ + total", "count + total", "count"),
    ],
)
def test_case_17_redundant_closing_bracket_on_the_line(source, text, expected):
    fitted = fit(source, text)
    assert (fitted.text, fitted.replace_after) == (expected, 0)


@pytest.mark.parametrize(
    ("source", "text", "replaced"),
    [
        ("foo(‸)", "a, b);", 1),
        ("if (x‸)", " > 3) {", 1),
        ('print("‸")', 'hello", name)', 2),
        ("foo(bar(‸))", "a), b);", 2),
    ],
)
def test_a_suggestion_may_go_past_what_the_editor_inserted(source, text, replaced):
    fitted = fit(source, text, "javascript")
    assert (fitted.text, fitted.replace_after) == (text, replaced)


@pytest.mark.parametrize(
    ("source", "text"),
    [("return ‸a + b", "a + b"), ("foo(‸)", ")"), ("x = ‸1", "1"), ("x = ‸  1", "1"), ("foo(‸bar)", "bar")],
)
def test_what_stands_right_of_the_cursor_is_no_suggestion(source, text):
    assert fit(source, text).text == ""


def test_letters_that_agree_by_chance_stay():
    assert fit("x = ‸tally", "count").text == "count"
    assert fit("x = a‸b", "ab").text == "ab"


def test_one_line_only():
    assert fit("foo(‸)", "a\nb").text == "a"

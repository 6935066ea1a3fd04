"""Whether a request fits a rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.inference.routing.conditions import (
    LOOKED_AT,
    Ask,
    Seen,
    _pattern,
    compiled,
    estimated_tokens,
    reasons,
    together,
)
from ide_agent.inference.routing.rules import Rule, When
from ide_agent.locale import LANGUAGES


def fits(when: dict[str, object], ask: Ask) -> bool:
    rule = Rule(name="a", model="m", when=When.model_validate(when))
    found = compiled(rule, 0, 1).fits(Seen(ask))
    if found:
        assert len(reasons(ask, rule.when)) == len(when)
        for language in LANGUAGES:
            assert all(not said.text(language).startswith("routes.") for said in reasons(ask, rule.when))
    return found


@pytest.mark.parametrize(
    ("when", "ask", "expected"),
    [
        ({}, Ask(), True),
        ({"task": "chat"}, Ask(), True),
        ({"task": ["review", "chat"]}, Ask(), True),
        ({"task": "review"}, Ask(), False),
        ({"language": "python"}, Ask(language="python"), True),
        ({"language": "python"}, Ask(), False),
        ({"path": "src/**"}, Ask(path="src/a/b.py"), True),
        ({"path": "src/**"}, Ask(path="lib/src/b.py"), False),
        ({"path": ["*.md", "*.py"]}, Ask(path="lib/b.py"), True),
        ({"path": "*.py"}, Ask(path="lib/b.pyi"), False),
        ({"path": "docs/"}, Ask(path="docs/a.md"), True),
        ({"path": "**"}, Ask(), False),
        ({"path": "ş?.py"}, Ask(path="a/şç.py"), True),
        ({"message": "(?i)refactor"}, Ask(message="Please REFACTOR this"), True),
        ({"message": "^fix"}, Ask(message="please fix"), False),
        ({"message": "ş+$"}, Ask(message="açşş"), True),
        ({"message": "x"}, Ask(message="." * LOOKED_AT + "x"), False),
        ({"message": "x"}, Ask(message="\ud800x"), True),
        ({"prompt_tokens": {"min": 5}}, Ask(prompt_tokens=5), True),
        ({"prompt_tokens": {"min": 5}}, Ask(prompt_tokens=4), False),
        ({"prompt_tokens": {"max": 5}}, Ask(prompt_tokens=6), False),
        ({"privacy": "private"}, Ask(private=True), True),
        ({"privacy": "private"}, Ask(), False),
        ({"task": "chat", "language": "go", "message": "x"}, Ask(language="go", message="x"), True),
        ({"task": "chat", "language": "go", "message": "x"}, Ask(language="go", message="y"), False),
    ],
)
def test_conditions(when: dict[str, object], ask: Ask, expected: bool) -> None:
    assert fits(when, ask) is expected


@pytest.mark.parametrize(
    "expression", ["(a+)+$", "(a|aa)+$", "(.*a){20}$", "(a*)*b", "^(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_no_expression_takes_long(expression: str) -> None:
    """Each of these takes Python's own engine longer than a lifetime; the test would never end."""
    for text in ("a" * LOOKED_AT, "a" * LOOKED_AT + "!"):
        fits({"message": expression}, Ask(message=text))


def test_no_glob_takes_long() -> None:
    assert not fits({"path": "*a" * 100 + "b"}, Ask(path="a" * 4000))


@given(st.text(), st.text())
def test_any_text_can_be_asked_about(path: str, message: str) -> None:
    fits({"path": "a*", "message": "b"}, Ask(path=path, message=message))


def test_tokens_are_a_quarter_of_the_bytes() -> None:
    assert estimated_tokens("abcd", "ş" * 4) == 3


def test_what_the_path_says_is_no_answer_for_the_message() -> None:
    globs = ["a.py", "b.py"]
    paths = [{"path": glob} for glob in globs]
    messages = [{"message": _pattern(glob)} for glob in globs]
    rules = [
        compiled(Rule(name=str(number), model="m", when=When.model_validate(when)), number, 1)
        for number, when in enumerate([*paths, *messages])
    ]
    seen = Seen(Ask(path="a.py", message="b.py"))
    assert [rule.fits(seen) for rule in together(rules)] == [True, False, False, True]

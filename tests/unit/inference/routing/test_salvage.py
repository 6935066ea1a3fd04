"""What is wrong with the form of a file hides nothing of what is wrong with its meaning."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ide_agent.inference.routing.reading import read
from ide_agent.inference.routing.salvage import salvaged

BROKEN = """rules:
  - name: first
    modle: starter
    when: {message: "(", task: chat}
  - name: first
    model: nobody
    fallbacks: [starter, starter]
    limits: {max_tokens: many}
  - 3
  - name: all
    model: starter
  - name: late
    model: starter
    when: {task: [chat, cooking]}
  - name: hidden
    model: starter
    when: {language: python}
"""


def found(text: str) -> list[tuple[str, int]]:
    return [
        (each.key.removeprefix("error.routes."), each.at.line + 1)
        for each in read(text, {"starter"}).problems
    ]


def test_form_and_meaning_are_told_in_one_round() -> None:
    assert found(BROKEN) == [
        ("missing", 2),
        ("unknown_near", 3),
        ("regex", 4),
        ("name", 5),
        ("model", 6),
        ("again", 7),
        ("whole", 8),
        ("section", 9),
        ("choice", 14),
        ("unreachable", 15),
    ]


def test_once_the_form_is_right_nothing_new_is_told() -> None:
    mended = (
        BROKEN.replace("modle", "model")
        .replace("many", "9")
        .replace("  - 3\n", "  - {name: three, model: starter, enabled: false}\n")
        .replace(", cooking]", "]")
    )
    before = {key for key, _ in found(BROKEN)}
    assert {key for key, _ in found(mended)} <= before


def test_a_rule_without_its_condition_hides_no_other() -> None:
    text = "rules:\n  - {name: a, model: starter, when: {taks: chat}}\n  - {name: b, model: starter}\n"
    assert found(text) == [("unknown_near", 2)]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(anything, st.lists(st.integers(0, 3) | st.sampled_from(["name", "when", "limits"]), max_size=3))
def test_whatever_stands_there_it_does_not_raise(rules: object, path: list[int | str]) -> None:
    error = {"type": "x", "loc": ("rules", *path), "msg": "", "input": None}
    kept = salvaged({"rules": rules}, [error])  # type: ignore[list-item]
    assert len(kept.rules) == (len(rules) if isinstance(rules, list) else 0)


def test_two_errors_at_one_place_hide_nothing_beside_it() -> None:
    text = 'rules:\n  - {name: a, model: starter, when: {task: [bogus, bogus2], message: "("}}\n'
    assert {key for key, _ in found(text)} == {"choice", "regex"}


def test_one_object_in_two_places_is_mended_once() -> None:
    rule = {"name": "a", "model": "starter", "when": {"task": "bogus", "message": "("}}
    errors = [{"type": "x", "loc": ("rules", at, "when", "task"), "msg": "", "input": None} for at in (0, 1)]
    kept = salvaged({"rules": [rule, rule]}, errors)  # type: ignore[arg-type]
    assert [each.when.message for each in kept.rules] == ["(", "("]

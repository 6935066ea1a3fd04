"""What may stand at a place, and what it means, in texts that are not whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.features.routing.assist import completions, hover
from ide_agent.inference.routing.rules import TASKS, Rule, Tokens, When

TOP = ["version", "rules", "workspaces"]
RULE, WHEN = list(Rule.model_fields), list(When.model_fields)
NAMES = ["a", "b", "default"]
HEAD = "rules:\n  - name: x\n"


def at(text: str) -> tuple[str, int, int]:
    """The text without its cursor ``|``, and where that was."""
    before, _, after = text.partition("|")
    return before + after, before.count("\n"), len(before) - (before.rfind("\n") + 1)


def offered(text: str, *, workspace: bool = False) -> list[str]:
    return [each["label"] for each in completions(*at(text), {"b", "a"}, "en", workspace=workspace)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("|", TOP),
        ("ru|", TOP),
        ("version: 1\n|\nrules:", TOP),
        ("version: |", ["1"]),
        ("rules:\n  - |", RULE),
        ("rules:\n- na|", RULE),
        ("rules:\n  -\n    na|", RULE),
        (HEAD + "    |", RULE),
        (HEAD + "    mod|\n    when: {}", RULE),
        (HEAD + "    model: |", NAMES),
        (HEAD + "    model: a  # |", NAMES),
        (HEAD + "    fallbacks: [a, |", NAMES),
        (HEAD + "    fallbacks:\n      - |", NAMES),
        (HEAD + "    fallbacks:\n    - a\n    - b|", NAMES),
        (HEAD + "    enabled: f|", ["true", "false"]),
        (HEAD + "    when:\n      |", WHEN),
        (HEAD + "    when:\n\n      # why\n      task: chat\n      l|", WHEN),
        (HEAD + "    when:\n      task: ch|", [*TASKS]),
        (HEAD + "    when:\n      task:\n        - chat\n        - |", [*TASKS]),
        (HEAD + "    when:\n      privacy: |", ["private"]),
        (HEAD + "    when: {|", WHEN),
        (HEAD + "    when: {task: |", [*TASKS]),
        (HEAD + "    when: {task: [chat, |", [*TASKS]),
        (HEAD + "    when: {task: [chat], path: 'a,{', |", WHEN),
        (HEAD + "    when: {prompt_tokens: {|", [*Tokens.model_fields]),
        (HEAD + "    when:\n      prompt_tokens:\n        m|", [*Tokens.model_fields]),
        (HEAD + "    when: {task: chat}\n    |", RULE),
        (HEAD + "    when:\n      task: chat\n    |", RULE),
        (HEAD + "    when:\n      task: chat\n  - |", RULE),
        (HEAD + "    when:\n      task: chat\n|", TOP),
        ("rules:\n  - {name: x, |", RULE),
        ("rules: [{model: |", NAMES),
        (HEAD + "    limits:\n      |", ["max_tokens", "tokens_per_day", "cost_per_day"]),
        (HEAD + "    name: |", []),
        ("zzz:\n  |", []),
        ("zzz: |", []),
        (HEAD + "    zzz: |", []),
        ("rules:\n  zzz:\n    - |", []),
    ],
)
def test_what_may_stand_there(text: str, expected: list[str]) -> None:
    assert offered(text) == expected


def test_a_workspace_is_offered_no_workspaces() -> None:
    assert offered("|", workspace=True) == ["version", "rules"]


def test_what_was_typed_is_replaced() -> None:
    (item,) = [each for each in completions(*at(HEAD + "    mod|"), [], "tr") if each["label"] == "model"]
    assert (item["start"], item["insert"], item["kind"]) == (4, "model: ", "key")
    assert "bilgisayar" in item["documentation"]
    task = completions(*at(HEAD + "    when: {task: [chat, re|"), [], "en")[0]
    assert (task["start"], task["insert"], task["kind"]) == (24, "completion", "value")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ru|les:", "The rules."),
        ("rules:\n  - na|me: x", "What the rule is called"),
        (HEAD + "    when: {task: ch|at}", "What the request is for"),
        (HEAD + "    when: {task: chat, pri|vacy: private}", "private:"),
        (HEAD + "    limits:\n      max_tokens: 1|0", "Longest answer"),
    ],
)
def test_a_key_is_explained(text: str, word: str) -> None:
    whole, line, column = at(text)
    found = hover(whole, line, column, [], "en")
    assert found is not None
    assert found["text"].startswith(word)
    key = whole.split("\n")[line][found["start"] : found["end"]]
    assert key in {"rules", "name", "task", "privacy", "max_tokens"}


ADAPTERS = {"m", "m:house", "m:office", "other:x", "api/"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "    model: m\n    adapter: |", ["house", "office"]),
        (
            HEAD + "    adapter: ho|\n# why\n    when:\n      task: chat\n    model: 'M'  # it",
            ["house", "office"],
        ),
        (HEAD + "    adapter: |\n  - name: y\n    model: m", []),
        ("rules:\n  - model: m\n  - model: other\n    adapter: |", ["x"]),
        ("rules:\n  - adapter: |\n    name: x\n    model: m\n", ["house", "office"]),
        ("rules: [{model: m}, {model: other, adapter: |", ["x"]),
        (HEAD + "    model: gone\n    adapter: |", []),
    ],
)
def test_adapters_are_those_of_the_rules_model(text: str, expected: list[str]) -> None:
    assert [each["label"] for each in completions(*at(text), ADAPTERS, "en")] == expected
    explained = hover(*at(text.replace("|", "").replace("adapter:", "ada|pter:")), ADAPTERS, "en")
    assert explained is not None
    assert explained["text"].startswith("Adapter (LoRA)")
    assert all(name in explained["text"] for name in expected)


def test_models_of_this_machine_are_named_before_apis() -> None:
    models = {"z", "b", "a-api/", "a-api/m"}
    offered_ = completions(*at(HEAD + "    model: |"), models, "en")
    assert [each["label"] for each in offered_] == ["a-api/m", "b", "z", "a-api/", "default"]
    found = hover(*at(HEAD + "    mo|del: x"), models, "en")
    assert found is not None
    assert found["text"].endswith("There are: a-api/m, b, z, a-api/.")
    many = hover(*at(HEAD + "    fallb|acks: x"), [f"m{n:02}" for n in range(30)], "tr")
    assert many is not None
    assert many["text"].endswith("m18, m19, ….")
    none = hover(*at(HEAD + "    mo|del: x"), [], "en")
    assert none is not None
    assert "ide-agent models pull starter" in none["text"]


@pytest.mark.parametrize("text", ["|", "zz|z: 1", "  |  rules:", "# no|thing"])
def test_elsewhere_there_is_nothing_to_say(text: str) -> None:
    assert hover(*at(text), [], "en") is None
    assert hover("", 7, 0, [], "en") is None


@given(st.text(alphabet="ab:-[]{},'\" \n#tasknrule", max_size=80), st.integers(0, 9), st.integers(0, 20))
def test_any_place_can_be_asked_about(text: str, line: int, column: int) -> None:
    completions(text, line, column, ["m"], "en")
    hover(text, line, column, ["m"], "en")

"""What is wrong with a text of rules, and where."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.inference.routing import reading as reading_module
from ide_agent.inference.routing.reading import MOST_PROBLEMS, Reading, is_known, read
from ide_agent.locale import LANGUAGES

KNOWN = {"starter", "coder", "coder:house", "coder:office", "cloud/"}


def found(text: str, known: set[str] | None = None, *, workspace: bool = False) -> list[tuple[str, int, str]]:
    problems = read(text, known, workspace=workspace).problems
    for problem in problems:
        for language in LANGUAGES:
            assert not problem.message(language).startswith("error.")
    return [(p.key.removeprefix("error.routes."), p.at.line + 1, p.severity) for p in problems]


def rule(**more: str) -> str:
    lines = {"name": "a", "model": "starter", **more}
    return "rules:\n  - " + "\n    ".join(f"{key}: {value}" for key, value in lines.items())


def test_a_whole_file() -> None:
    reading = read(
        """
version: 1
workspaces: ~/work
rules:
  - name: tests
    when:
      {task: tests, language: [python, go], path: "src/**", message: (?i)test, prompt_tokens: {max: 9}}
    model: cloud/large
    fallbacks: [coder, default]
    limits: {max_tokens: 100, tokens_per_day: 5000, cost_per_day: 0.5}
  - name: off
    enabled: false
    model: starter
""",
        KNOWN,
    )
    assert reading.problems == ()
    assert reading.routes is not None
    first, off = reading.routes.rules
    assert (first.when.task, first.when.language, first.when.path) == (
        ("tests",),
        ("python", "go"),
        ("src/**",),
    )
    assert first.limits.cost_per_day == 0.5
    assert not off.enabled
    assert [each.rule.name for each in reading.rules] == ["tests"]
    assert [each.line for each in reading.rules] == [5]


def test_the_examples_in_the_documentation_are_right() -> None:
    """Each file in the page has no problem, and each line that the page names is the rule's."""
    page = (Path(__file__).parents[4] / "docs" / "routing.md").read_text(encoding="utf-8")
    known = {"starter", "qwen-coder", "openrouter/", "long-context-model"}
    examples = [part.partition("```")[0] for part in page.split("```yaml\n")[1:]]
    files = [read(example, known) for example in examples if "rules:" in example]
    assert [reading.problems for reading in files] == [(), ()]
    lines = {each.rule.name: each.line for reading in files for each in reading.rules}
    assert (lines["ghost text"], lines["refactor"]) == (3, 20)
    text = " ".join(page.split())
    assert "“ghost text” (routes.yaml, line 3)" in text
    assert "“refactor” (routes.yaml, line 20)" in text


@pytest.mark.parametrize("text", ["", "rules:\n", "version: 1\nrules: []\n"])
def test_no_rules_are_fine(text: str) -> None:
    reading = read(text)
    assert (reading.problems, reading.rules, reading.broken) == ((), (), False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rules: [", ("syntax", 1)),
        ("- a", ("root", 1)),
        ("ruls:\n  - name: a", ("unknown_near", 1)),
        ("version: 2", ("choice", 1)),
        (rule(modle="x"), ("unknown_near", 4)),
        (rule(zzz="x"), ("unknown", 4)),
        (rule(task="chat"), ("below", 4)),
        (rule(max_tokens="5"), ("below", 4)),
        (rule(when="{when: 3}"), ("unknown", 4)),
        (rule(limits="{task: chat}"), ("below", 4)),
        ("rules:\n  - name: a", ("missing", 2)),
        ("rules:\n  - model: a", ("missing", 2)),
        ("rules:\n  - model: a\n    name:", ("missing", 3)),
        ("rules:\n  - a", ("section", 2)),
        ("rules: 3", ("section", 1)),
        (rule(name="3"), ("text", 2)),
        (rule(enabled="on"), ("bool", 4)),
        (rule(when="chat"), ("section", 4)),
        (rule(when="{task: chta}"), ("choice_near", 4)),
        (rule(when="{task: zzz}"), ("choice", 4)),
        (rule(when="{task: []}"), ("list", 4)),
        (rule(when="{tsk: chat}"), ("unknown_near", 4)),
        (rule(when="{privacy: secret}"), ("choice", 4)),
        (rule(when="{prompt_tokens: {min: -1}}"), ("least", 4)),
        (rule(when="{prompt_tokens: {max: many}}"), ("whole", 4)),
        (rule(when="{prompt_tokens: 5}"), ("section", 4)),
        (rule(when='{message: "(a"}'), ("regex", 4)),
        (rule(when='{message: "a(?=b)"}'), ("around", 4)),
        (rule(when='{message: "a(?<!b)"}'), ("around", 4)),
        (rule(when="{message: '(a)\\\\1'}".replace("\\\\", "\\")), ("backreference", 4)),
        (rule(when="{message: 3}"), ("text", 4)),
        (rule(when=f"{{message: {'x' * 501}}}"), ("long", 4)),
        (rule(when="{path: '!src'}"), ("glob", 4)),
        (rule(when="{path: ['src/**', '# x']}"), ("glob", 4)),
        (rule(limits="{max_tokens: 0}"), ("least", 4)),
        (rule(limits="{cost_per_day: much}"), ("number", 4)),
        (rule(limits="{max_tokns: 5}"), ("unknown_near", 4)),
        (rule(fallbacks="[a, 3]"), ("text", 4)),
        (rule() + "\n  - name: a\n    model: b\n    when: {task: chat}", ("name", 4)),
        (rule(model="''"), ("text", 3)),
        ("workspaces: [3]", ("text", 1)),
    ],
)
def test_errors_name_the_line_and_leave_no_rules(text: str, expected: tuple[str, int]) -> None:
    assert (*expected, "error") in found(text)
    assert read(text).broken


def test_one_wrong_entry_of_a_list_is_one_problem() -> None:
    assert found(rule(when="{task: [chat, chta]}")) == [("choice_near", 4, "error")]


def test_a_workspace_allows_no_other() -> None:
    assert found("workspaces: [/]", workspace=True) == [("unknown", 1, "error")]


def test_unknown_models_are_warnings_with_the_nearest_name() -> None:
    text = rule(model="startr", fallbacks="[coder, nobody, cloud/x, auto, /m/x.gguf]")
    assert found(text, KNOWN) == [("model_near", 3, "warning"), ("model", 4, "warning")]
    assert "starter" in read(text, KNOWN).problems[0].message("tr")
    assert not read(text, KNOWN).broken
    assert found(text) == []


@pytest.mark.parametrize(
    ("name", "known"),
    [("starter", True), ("cloud/x", True), ("cloud", False), ("", True), ("default", True), ("x.gguf", True)],
)
def test_known_names(name: str, known: bool) -> None:
    assert is_known(name, KNOWN) is known


def test_a_model_that_stands_twice() -> None:
    assert found(rule(fallbacks="[coder, starter, coder]")) == [("again", 4, "warning")] * 2
    assert found(rule(model="auto", fallbacks="[default]")) == [("again", 4, "warning")]


@pytest.mark.parametrize(
    ("wide", "narrow", "hidden"),
    [
        ("{}", "{task: chat}", True),
        ("{task: [chat, review]}", "{task: chat}", True),
        ("{task: chat}", "{task: [chat, review]}", False),
        ("{task: chat}", "{}", False),
        ("{language: python}", "{language: python, task: chat}", True),
        ("{language: python}", "{language: go}", False),
        ("{path: src/**}", "{path: src/**, message: x}", True),
        ("{path: src/**}", "{path: src/a/**}", False),
        ("{message: x}", "{message: x, privacy: private}", True),
        ("{message: x}", "{message: y}", False),
        ("{privacy: private}", "{task: chat}", False),
        ("{prompt_tokens: {min: 5}}", "{prompt_tokens: {min: 6, max: 9}}", True),
        ("{prompt_tokens: {max: 5}}", "{prompt_tokens: {min: 1}}", False),
        ("{prompt_tokens: {min: 0}}", "{}", True),
    ],
)
def test_rules_that_nothing_reaches(wide: str, narrow: str, hidden: bool) -> None:
    text = rule(when=wide) + f"\n  - name: b\n    model: coder\n    when: {narrow}"
    assert found(text) == ([("unreachable", 5, "warning")] if hidden else [])
    if hidden:
        assert "“a”" in read(text).problems[0].message("en")
        disabled = rule(when=wide, enabled="false") + f"\n  - name: b\n    model: coder\n    when: {narrow}"
        assert found(disabled) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rule(adapter="mine"), [("adapter_none", 4)]),
        (rule(adapter="mine", enabled="false"), []),
        (rule(adapter="house", model="coder"), []),
        (rule(adapter="huose", model="coder"), [("adapter_near", 4)]),
        (rule(adapter="mine", model="coder"), [("adapter_other", 4)]),
        (rule(adapter="mine", model="/a/b.gguf"), [("adapter_runtime", 4)]),
        (rule(adapter="mine", model="zzz"), [("model", 3)]),
        (rule(adapter="house", model="coder", fallbacks="[coder, zzz]"), [("model", 5)]),
        (rule(adapter="house", model="coder", fallbacks="['coder:house']"), [("again", 5)]),
        (rule(limits="{tokens_per_day: 5, cost_per_day: 1}"), [("uncounted", 4)] * 2),
        (rule(limits="{tokens_per_day: 5}", fallbacks="[cloud/x]"), []),
        (rule(limits="{max_tokens: 5}"), []),
        (rule(model="cloud/x", when="{task: completion}"), []),
        (rule(model="cloud/x"), []),
    ],
)
def test_what_a_rule_says_in_vain_is_a_warning(text: str, expected: list[tuple[str, int]]) -> None:
    assert found(text, KNOWN) == [(*each, "warning") for each in expected]
    assert not read(text, KNOWN).broken


@pytest.mark.parametrize(
    ("model", "why"),
    [("default", "default"), ("auto", "default"), ("cloud/x", "remote"), ("coder:house", "twice")],
)
def test_an_adapter_that_makes_no_sense_is_an_error(model: str, why: str) -> None:
    text = rule(adapter="house", model=model, enabled="false")
    assert found(text, KNOWN) == [(f"adapter_{why}", 4, "error")]


@pytest.mark.parametrize("key", ["language", "model", "max_tokens", "when"])
def test_at_the_top_keys_of_rules_belong_below_them(key: str) -> None:
    (problem,) = read(f"{key}: x").problems
    assert (problem.key, problem.params) == ("error.routes.below", {"key": key, "below": "rules"})


def test_an_adapter_needs_a_model() -> None:
    assert found("rules:\n  - name: a\n    adapter: house", KNOWN) == [("missing", 2, "error")]


def test_without_models_nothing_is_said_about_them() -> None:
    assert found(rule(model="coder", adapter="house")) == []
    assert found(rule(model="cloud/x", limits="{tokens_per_day: 5}")) == []


def test_an_expression_that_each_request_would_wait_for_is_refused() -> None:
    assert found(rule(when="{message: '(a?){900}b'}")) == [("heavy", 4, "error")]
    assert found(rule(when="{message: '(a?){90}b'}")) == []


@pytest.mark.parametrize(
    "text", ["[" + "{}," * 12_000 + "]", "rules: [" + "a," * 30_000 + "]"], ids=["braces", "letters"]
)
def test_a_crowded_text_is_not_read_to_its_end(text: str) -> None:
    assert found(text) == [("crowded", 1, "error")]


def test_problems_have_an_end_and_errors_come_first() -> None:
    many = "rules:\n" + "".join(f"  - {{name: r{each}, model: nobody-{each}}}\n" for each in range(300))
    known = {f"somebody-{each}" for each in range(5)}
    problems = read(many, known).problems
    assert len(problems) == MOST_PROBLEMS
    last = read(many + "  - {name: r1, model: nobody-0, when: {message: '['}}\n", known)
    assert last.broken
    assert [each.key for each in last.problems if each.severity == "error"] == [
        "error.routes.name",
        "error.routes.regex",
    ]
    assert len(read("rules: [" + "a," * 500 + "]").problems) == MOST_PROBLEMS


def test_near_names_are_looked_for_only_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def near(name: str, names: list[str], count: int) -> list[str]:
        asked.extend(name for _ in names)
        return []

    monkeypatch.setattr(reading_module, "get_close_matches", near)
    read("rules:\n" + "".join(f"  - {{name: r{each}, model: x{each}}}\n" for each in range(50)), {"one"})
    assert len(asked) == 20


LINES = st.lists(
    st.sampled_from(
        [
            "version: 1",
            "rules:",
            "  - name: a",
            "  - name: b",
            "    model: starter",
            "    when: {task: chat}",
            "    when:",
            "      path: 'a/**'",
            "      message: '(a+)+$'",
            "      task: [chat, x]",
            "    fallbacks: [a, a]",
            "    limits: {max_tokens: 3}",
            "    limits: [1]",
            "    enabled: no",
            "workspaces: [a]",
            "  - 3",
            "  - [x]",
            "  ? x",
            "    adapter: {}",
            "rules: [{name: a, model: b, when: {message: '['}}]",
        ]
    ),
    max_size=12,
)


@given(LINES.map("\n".join) | st.text())
def test_any_text_is_rules_or_problems_with_a_place(text: str) -> None:
    reading: Reading = read(text, KNOWN)
    assert reading.broken == any(problem.severity == "error" for problem in reading.problems)
    for problem in reading.problems:
        assert 0 <= problem.at.line <= len(text.splitlines()) + 1
        assert problem.as_wire("tr")["message"]

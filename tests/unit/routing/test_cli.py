"""``ide-agent routes …``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ide_agent import cli as house
from ide_agent import terminal
from ide_agent.features.routing import cli as module
from ide_agent.paths import config_file

RULES = """rules:
  - name: refactor
    when: {task: chat, message: (?i)refactor}
    model: coder
    fallbacks: starter
    limits: {max_tokens: 9}
  - name: off
    enabled: false
    model: starter
    adapter: mine
"""


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "language", lambda: "en")
    monkeypatch.setattr(module, "language", lambda: "en")
    monkeypatch.setenv("COLUMNS", "120")


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(house.app, ["routes", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_check_names_file_line_and_reason(file: Path) -> None:
    file.write_text(RULES)
    assert run("check") == (0, f"{file}: nothing is wrong with it.\n", "")
    file.write_text(RULES + "    modle: x\n  - name: z\n    model: codr\n")
    code, out, _ = run("check")
    assert code == 1
    assert out.splitlines() == [
        f"{file}:11: There is no key “modle” here. Did you mean “model”?",
        f"{file}:13: warning: There is no model “codr” here. Did you mean “coder”?",
    ]
    file.write_text(RULES.replace("model: coder", "model: codr"))
    code, out, _ = run("check")
    assert (code, out) == (0, f"{file}:4: warning: There is no model “codr” here. Did you mean “coder”?\n")
    file.write_text(RULES.replace("model: coder", "model: nowhere/m"))
    assert "no endpoint “nowhere” in the settings" in run("check")[1]


def test_check_of_another_file(tmp_path: Path) -> None:
    other = tmp_path / ".ide-agent-routes.yaml"
    other.write_text("workspaces: []")
    code, out, _ = run("check", str(other), "--json")
    assert code == 1
    assert json.loads(out)["problems"][0]["code"] == "error.routes.unknown"
    code, out, err = run("check", str(tmp_path / "nowhere"))
    assert (code, out) == (1, "")
    assert "nowhere" in err


def test_test_says_where_and_why(file: Path) -> None:
    file.write_text(RULES)
    code, out, _ = run("test", "Refactor this")
    assert code == 0
    assert out.startswith("This would go to coder, because the rule “refactor” (routes.yaml, line 2) fits:")
    assert "is not here" not in out
    file.write_text(RULES.replace("model: coder", "model: codr"))
    assert (
        "codr is not here. Get it in the panel “Models”, or: ide-agent models pull codr (what the "
        "catalogue does not have: ide-agent models search codr)." in run("test", "refactor")[1]
    )
    file.write_text(RULES.replace("model: coder", "model: /tmp/x.gguf"))
    assert "is not here" not in run("test", "refactor")[1]
    file.write_text(RULES)
    assert "default model" in run("test", "Refactor this", "--task", "review")[1]
    found = json.loads(run("test", "refactor", "--json")[1])
    assert (found["model"], found["limits"]) == ("coder", {"max_tokens": 9})
    file.write_text(RULES.replace("model: coder", "model: cloud/x").replace("task: chat, ", ""))
    config_file().write_text('[remote.endpoints.cloud]\nurl = "https://cloud.example/v1"\n')
    said = run("test", "refactor", "--task", "completion")[1]
    assert "cloud/x is on another machine, and remote models are off" in said
    assert said.endswith("So starter would answer.\n")
    with config_file().open("a") as settings:
        settings.write("[remote]\nenabled = true\n")
    said = run("test", "refactor", "--task", "completion")[1]
    assert "Ghost text from cloud/x is asked for at each pause" in said
    assert run("test", "refactor", "--private")[1].startswith("This would go to starter, because")
    code, _, err = run("test", "x", "--task", "cooking")
    assert code == 1 and "completion, chat" in err


def test_show_is_a_table(file: Path) -> None:
    file.write_text(RULES)
    code, out, _ = run("show")
    assert code == 0
    assert [line.split()[:3] for line in out.splitlines() if "coder" in line] == [["1", "refactor", "on"]]
    assert "starter:mine" in out and "max_tokens: 9" in out
    assert [rule["name"] for rule in json.loads(run("show", "--json")[1])["rules"]] == ["refactor", "off"]


def test_without_rules_and_with_broken_ones(file: Path) -> None:
    for command in (("check",), ("show",)):
        code, out, _ = run(*command)
        assert code == 0 and "does not exist" in out
    file.write_text("# none\n")
    assert "no rules" in run("show")[1]
    file.write_text("rules: [")
    for command in (("show",), ("test", "x")):
        code, out, err = run(*command)
        assert (code, out) == (1, "")
        assert err.startswith(f"{file}:1: ") and "last good ones" in err


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("columns", [80, 60])
def test_words_stay_whole_in_a_narrow_terminal(
    file: Path, monkeypatch: pytest.MonkeyPatch, language: str, columns: int
) -> None:
    monkeypatch.setattr(terminal, "language", lambda: language)
    monkeypatch.setattr(module, "language", lambda: language)
    name, model = "a-rule-with-quite-a-long-name", "a-model-with-quite-a-long-name"
    when = "{task: [chat, review], path: [src/, tests/], message: refactor}"
    file.write_text(f"rules:\n  - name: {name}\n    when: {when}\n    model: {model}\n")
    monkeypatch.setenv("COLUMNS", str(columns))
    _, out, _ = run("show")
    assert max(map(len, out.splitlines())) <= columns
    words = out.split()
    for word in (name, model, "task:", "chat,", "review;", "src/,", "tests/;", "/refactor/"):
        assert word in words
    monkeypatch.setenv("COLUMNS", "250")
    assert len([line for line in run("show")[1].splitlines() if name in line and model in line]) == 1

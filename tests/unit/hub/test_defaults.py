"""The default models: one that comes leaves them as they are, one that goes says who answers now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ide_agent import cli as house
from ide_agent import terminal
from ide_agent.features.hub import cli, removal_cli
from ide_agent.paths import config_file, models_dir
from support import gguf_file


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.delenv("IDE_AGENT_MODELS", raising=False)
    monkeypatch.setattr(terminal, "language", lambda: "en")
    for module in (cli, removal_cli):
        monkeypatch.setattr(module, "language", lambda: "en")
    return tmp_path


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(house.app, ["models", *arguments])
    return result.exit_code, result.stdout, result.stderr


def imported(home: Path, name: str, keys: dict[str, Any] | None = None) -> str:
    """Take in a model that chats, or another one; what was said besides how far it is."""
    file = home / "own" / f"{name}.gguf"
    file.parent.mkdir(exist_ok=True)
    chats = {"tokenizer.chat_template": "{{ messages }}"}
    file.write_bytes(gguf_file.file(keys or gguf_file.llama(**chats)))
    code, _, err = run("import", str(file))
    assert code == 0, err
    return err


def default() -> list[str]:
    models = json.loads(run("list", "--json")[1])["models"]
    return sorted(model["name"] for model in models if model["default"])


def test_another_one_does_not_become_the_default_by_itself(home: Path) -> None:
    assert "default" not in imported(home, "first")
    err = imported(home, "second")
    assert "first stays the default for text." in err and "ide-agent models default second" in err
    assert default() == ["first"]
    assert "default" not in imported(home, "second")  # which is here
    code, out, _ = run("default", "SECOND")
    assert (code, out) == (
        0,
        "second is the default for text now: it answers where no other model is named.\n",
    )
    assert default() == ["second"]
    assert "yes: it answers" in run("info", "second")[1] and "yes: it answers" not in run("info", "first")[1]


def test_one_for_something_else_does_not_count(home: Path) -> None:
    imported(home, "first")
    vectors = {"general.architecture": "bert", "tokenizer.ggml.model": "bert"}
    assert "default" not in imported(home, "vectors", vectors)
    assert "vectors stays the default for embeddings." in imported(home, "more-vectors", vectors)
    assert default() == ["first", "vectors"]
    assert "more-vectors is the default for embeddings now" in run("default", "more-vectors")[1]
    assert "yes: it makes the embeddings" in run("info", "more-vectors")[1]


def test_a_base_model_gives_way_and_that_is_said(home: Path) -> None:
    imported(home, "base", gguf_file.llama())
    err = imported(home, "chat")
    assert "chat is the default for text now, in place of base" in err
    assert "ide-agent models default base" in err


def test_who_answers_when_the_default_goes_is_said(home: Path) -> None:
    for name in ("first", "second"):
        imported(home, name)
    assert "second" not in run("rm", "--yes", "second")[2]  # the default stays
    imported(home, "second")
    assert run("rm", "--yes", "first")[2] == (
        "second answers and completes code now where no other model is named.\n"
    )
    assert "ide-agent models pull starter" in run("rm", "--yes", "second")[2]


def test_a_setting_goes_before_what_is_chosen(home: Path) -> None:
    for name in ("first", "second"):
        imported(home, name)
    config_file().parent.mkdir(parents=True, exist_ok=True)
    config_file().write_text('[inference]\nmodel = "second"\n')
    assert default() == ["second"]
    code, _, err = run("default", "first")
    assert code == 1
    assert "inference.model names second" in err and 'model = "first"' in err and str(config_file()) in err
    assert "inference.model names second" in run("rm", "--yes", "second")[2]


def test_what_cannot_be_the_default_says_why(home: Path) -> None:
    assert "starter is not here yet. Get it: ide-agent models pull starter" in run("default", "starter")[2]
    imported(home, "first")
    (models_dir() / ".defaults.json.new").mkdir()  # in the way
    code, _, err = run("default", "first")
    assert code == 1
    assert err.startswith("first could not be made the default: It is a folder. Change the permissions")

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ide_agent import cli, terminal
from ide_agent.editor import main as editor

ENGLISH = ("Usage", "Options", "Arguments", "Commands", "Show this message", "OPTIONS", "COMMAND", "ARGS")


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    speak(monkeypatch, "en")


def speak(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setattr(terminal, "language", lambda: language)


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, list(arguments), prog_name="ide-agent")
    return result.exit_code, result.stdout, result.stderr


def test_help_lists_all_there_is() -> None:
    code, out, _ = run("--help")
    assert code == 0
    commands = out.partition("Commands:\n")[2].split("\n")
    assert {line.split()[0] for line in commands if line} == {"lsp", "doctor", "host", "engine", "models"}
    for word in (
        "Usage: ide-agent [OPTIONS] COMMAND [ARGS]...",
        "Options:",
        "--version",
        "Show this message",
    ):
        assert word in out


@pytest.mark.parametrize("command", [(), ("host",), ("models",), ("models", "pull"), ("host", "logs")])
def test_help_in_turkish_has_no_english_frame(tmp_path: Path, command: tuple[str, ...]) -> None:
    """In a process of its own, for the texts of the commands are read when they are imported."""
    environment = {"LC_ALL": "tr_TR.UTF-8", "IDE_AGENT_HOME": str(tmp_path), "PYTHONUTF8": "1"}
    call = [sys.executable, "-m", "ide_agent", *command, "--help"]
    out = subprocess.run(call, capture_output=True, encoding="utf-8", env=environment, check=True).stdout
    assert out.startswith("Kullanım: ")
    assert "Seçenekler:\n" in out
    assert [word for word in ENGLISH if word in out] == []


@pytest.mark.parametrize(
    ("call", "near"),
    [
        (["status"], "“ide-agent host status”"),
        (["stauts"], "“ide-agent host status”"),
        (["pull", "starter"], "“ide-agent models pull”"),
        (["models", "lst"], "“ide-agent models list”"),
        (["host", "docter"], "“ide-agent doctor”"),
    ],
)
def test_a_command_that_stands_elsewhere_is_named(call: list[str], near: str) -> None:
    name = call[1] if call[0] in ("models", "host") else call[0]
    assert run(*call) == (2, "", f"There is no command “{name}”. Did you mean {near}?\n")


def test_an_unknown_command_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = "There is no command “zzz”. “ide-agent host --help” lists those there are.\n"
    assert run("host", "zzz") == (2, "", expected)
    speak(monkeypatch, "tr")
    assert run("zzz") == (2, "", "“zzz” diye bir komut yok. Olanları “ide-agent --help” listeler.\n")


def test_lsp_takes_all_options_to_the_editors_side(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(editor, "main", seen.append)
    assert run("lsp", "--tcp", "7000", "--help")[0] == 0
    assert seen == [["--tcp", "7000", "--help"]]


@pytest.mark.parametrize(("answer", "expected"), [("y", True), ("Yes", True), ("n", False), ("e", False)])
def test_yes_and_no(monkeypatch: pytest.MonkeyPatch, answer: str, expected: bool) -> None:
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: answer)
    assert terminal.confirmed("Really?") is expected

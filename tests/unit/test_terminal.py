import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ide_agent import cli, terminal
from ide_agent.editor import main as editor

ENGLISH = (
    *("Usage", "Options", "Arguments", "Commands", "Show this message", "OPTIONS", "COMMAND", "ARGS"),
    *(
        "required",
        "default:",
        "range",
        "<int",
        "<str",
        "Try",
        "Error",
        "rror:",
        "Missing",
        "Invalid",
        "No such",
    ),
    *("argument", "option", "Input", "Aborted"),
)


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
    listed, _, begin = out.partition("Commands:\n")[2].partition("\n\n")
    assert begin.startswith("  To begin: `ide-agent models pull starter`")
    commands = listed.split("\n")
    named = {line.split()[0] for line in commands if re.match(r"  \S", line)}  # the rest goes on below
    assert named == {"lsp", "doctor", "host", "engine", "models", "panel", "remote", "routes"}
    for word in (
        "Usage: ide-agent [OPTIONS] COMMAND [ARGS]...",
        "Options:",
        "--version",
        "Show this message",
    ):
        assert word in out


@pytest.mark.parametrize(
    "command", [(), ("host",), ("models",), ("models", "pull"), ("host", "logs"), ("host", "run")]
)
def test_help_in_turkish_has_no_english_frame(tmp_path: Path, command: tuple[str, ...]) -> None:
    """In a process of its own, for the texts of the commands are read when they are imported."""
    environment = {"LC_ALL": "tr_TR.UTF-8", "IDE_AGENT_HOME": str(tmp_path), "PYTHONUTF8": "1"}
    call = [sys.executable, "-m", "ide_agent", *command, "--help"]
    out = subprocess.run(call, capture_output=True, encoding="utf-8", env=environment, check=True).stdout
    assert out.startswith("Kullanım: ")
    assert "Seçenekler:\n" in out
    assert [word for word in ENGLISH if word in out] == []


def test_a_row_says_what_stands_there_and_the_default() -> None:
    app = terminal.App()

    @app.command("go")
    def go(
        name: str = typer.Argument(help="Whose."),
        words: str = typer.Argument("", metavar="question", help="What."),
        kind: str = typer.Option("", "--type", help="Only those."),
        lines: int = typer.Option(50, "--lines", "-n", min=0, help="How many."),
        port: int | None = typer.Option(None, "--port", help="Where."),
        file: str = typer.Option(..., "--file", metavar="FILE", help="Which."),
        follow: bool = typer.Option(False, "--follow", "-f", help="Go on."),
        old: bool = typer.Option(False, "--old", hidden=True),
    ) -> None: ...

    out = CliRunner().invoke(app, ["--help"]).stdout
    assert out.partition("Arguments:\n")[2].splitlines() == [
        "  name      Whose.",
        "  question  What.",
        "",
        "Options:",
        "  --type VALUE       Only those.",
        "  -n, --lines VALUE  How many. [default: 50]",
        "  --port VALUE       Where.",
        "  --file FILE        Which.",
        "  -f, --follow       Go on.",
        "  -h, --help         Show this message and exit.",
    ]


def test_no_sentence_about_a_command_is_cut() -> None:
    for group in ((), ("host",), ("models",), ("remote",), ("remote", "key"), ("routes",), ("engine",)):
        assert "..." not in run(*group, "--help")[1].replace("[ARGS]...", "")


MISUSE = [
    (["--zzz"], "There is no option “--zzz”. “ide-agent --help” lists those there are."),
    (["host", "logs", "-z"], "There is no option “-z”. “ide-agent host logs --help” lists those there are."),
    (["--versoin"], "There is no option “--versoin”. Did you mean “--version”?"),
    (
        ["models", "list", "--wrong"],
        "There is no option “--wrong”. “ide-agent models list --help” lists those there are.",
    ),
    (["host", "logs", "--lins", "4"], "There is no option “--lins”. Did you mean “--lines”?"),
    (["models", "pull"], "“name” is missing. “ide-agent models pull --help” shows what belongs there."),
    (["host", "logs", "--lines", "x"], "“--lines” takes a number, 0 or more."),
    (["host", "logs", "-n", "-4"], "“--lines” takes a number, 0 or more."),
    (["host", "run", "--port", "65536"], "“--port” takes a number from 0 to 65535."),
    (["host", "logs", "-n"], "“-n” is not used like this. “ide-agent host logs --help” shows how."),
    (
        ["host", "logs", "--follow=3"],
        "“--follow” is not used like this. “ide-agent host logs --help” shows how.",
    ),
    (
        ["models", "rm", "a", "b", "c"],
        "“b c” is too much here. “ide-agent models rm --help” shows what belongs there.",
    ),
]


@pytest.mark.parametrize(("call", "line"), MISUSE)
def test_misuse_is_one_line(monkeypatch: pytest.MonkeyPatch, call: list[str], line: str) -> None:
    assert run(*call) == (2, "", f"{line}\n")
    speak(monkeypatch, "tr")
    code, out, err = run(*call)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert [word for word in ENGLISH if word in err] == []


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """A command group that does not know how we speak."""
    app = terminal.App()
    app.command("ours")(lambda: None)
    group = typer.Typer()
    app.add_typer(group, name="theirs")

    @group.command("bad")
    def bad(number: float = 0.0) -> None:
        raise typer.BadParameter("Not today.")

    @group.command("stop")
    def stop() -> None:
        raise typer.Abort

    monkeypatch.setattr(cli, "app", app)
    return app


@pytest.mark.usefixtures("plugin")
def test_misuse_that_is_not_known_has_our_frame() -> None:
    frame = "This cannot be understood: {}. “ide-agent theirs bad --help” shows how to call it.\n"
    assert run("theirs", "bad") == (2, "", frame.format("Invalid value: Not today"))
    code, out, err = run("theirs", "bad", "--number", "x")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("“--number” does not take this value: ")


@pytest.mark.usefixtures("plugin")
def test_who_stops_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("theirs", "stop") == (1, "", "Stopped.\n")
    speak(monkeypatch, "tr")
    assert run("theirs", "stop") == (1, "", "Durduruldu.\n")


def test_a_group_alone_is_its_help() -> None:
    code, _, err = run("host")
    assert code == 2
    assert err.strip() == run("host", "--help")[1].strip()


@pytest.mark.parametrize(
    ("call", "near"),
    [
        (["status"], "“ide-agent host status”"),
        (["stauts"], "“ide-agent host status”"),
        (["pull", "starter"], "“ide-agent models pull”"),
        (["models", "lst"], "“ide-agent models list”"),
        (["host", "docter"], "“ide-agent doctor”"),
        (["models", "ls"], "“ide-agent models list”"),
        (["models", "remove"], "“ide-agent models rm”"),
        (["host", "strat"], "“ide-agent host start”"),
        (["download"], "“ide-agent models pull”"),
    ],
)
def test_a_command_that_stands_elsewhere_is_named(call: list[str], near: str) -> None:
    name = call[1] if call[0] in ("models", "host") else call[0]
    assert run(*call) == (2, "", f"There is no command “{name}”. Did you mean {near}?\n")


@pytest.mark.parametrize("command", [(), ("host",), ("models", "pull"), ("doctor",)])
def test_help_has_a_short_name(command: tuple[str, ...]) -> None:
    assert run(*command, "-h") == run(*command, "--help")
    assert run(*command, "-h")[0] == 0


@pytest.mark.parametrize("call", [("bogus",), ("host", "bogus")])
def test_nothing_is_guessed_from_a_few_letters(call: tuple[str, ...]) -> None:
    assert "Did you mean" not in run(*call)[2]


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

import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from ide_agent import __version__, cli, runtime
from ide_agent.errors import ConfigError, HostStartError
from ide_agent.inference.supervisor import State
from ide_agent.runtime import RuntimeInfo

INFO = RuntimeInfo(4711, "token", __version__, 42, 0.0)
HEAVY = {
    "fastapi",
    "uvicorn",
    "sqlalchemy",
    "httpx",
    "pydantic",
    "psutil",
    "rich",
    "detect_secrets",
    "alembic",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    cli.language.cache_clear()
    return tmp_path


def host_that_says(monkeypatch: pytest.MonkeyPatch, status: dict[str, object]) -> None:
    for find in ("ensure_host", "find_host"):
        monkeypatch.setattr(runtime, find, lambda: INFO)
    monkeypatch.setattr(runtime, "call", lambda *_: status)


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_version() -> None:
    assert run("--version") == (0, f"ide-agent {__version__}\n", "")


def test_importing_it_is_cheap() -> None:
    code = "import sys, ide_agent.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not HEAVY & set(loaded.split())


def test_errors_are_one_line_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(timeout: float = 0) -> RuntimeInfo:
        raise HostStartError(reason="no room")

    monkeypatch.setattr(runtime, "ensure_host", fail)
    code, out, err = run("host", "start")
    assert (code, out) == (1, "")
    assert err == f"{HostStartError(reason='no room').message('en')}\n"


def test_messages_are_in_the_users_language(monkeypatch: pytest.MonkeyPatch) -> None:
    host_that_says(monkeypatch, {"problems": []})
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    cli.language.cache_clear()
    assert run("host", "start")[1] == "Ana süreç http://127.0.0.1:4711 adresinde çalışıyor (pid 42).\n"


@pytest.mark.parametrize(
    ("setting", "environment", "expected"),
    [
        ("", {"LC_ALL": "tr_TR.UTF-8"}, "tr"),
        ("", {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "tr"}, "tr"),
        ("", {"LC_ALL": "de_DE", "LANG": "tr"}, "en"),
        ("locale = 'tr'", {"LC_ALL": "en_US"}, "tr"),
        ("locale = 'auto'", {"LC_ALL": "tr"}, "tr"),
        ("locale = 'xx'", {"LC_ALL": "tr"}, "tr"),
        ("this is not TOML", {"LC_ALL": "tr"}, "tr"),
    ],
)
def test_language(
    home: Path, monkeypatch: pytest.MonkeyPatch, setting: str, environment: dict[str, str], expected: str
) -> None:
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text(setting)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    cli.language.cache_clear()
    assert cli.language() == expected


def test_status_without_a_host() -> None:
    assert run("host", "status") == (1, "No host is running.\n", "")
    assert run("host", "status", "--json") == (1, "null\n", "")


def test_status(monkeypatch: pytest.MonkeyPatch) -> None:
    status = {
        "version": "0.1.0",
        "uptime": 3661.4,
        "editors": 2,
        "engines": [
            {"model": "starter", "state": "ready", "purpose": "text"},
            {"model": "starter", "state": "unloaded", "purpose": "embedding"},
            {"model": "ranks", "state": "ready", "purpose": "reranking"},
        ],
        "problems": [
            {"type": "StorageError", "code": "error.storage.corrupt", "params": {"file": "F", "aside": "A"}}
        ],
    }
    host_that_says(monkeypatch, status)
    code, out, _ = run("host", "status")
    assert code == 0
    assert "1:01:01" in out
    assert "Engine starter: ready.\nEngine starter for embeddings: not loaded.\n" in out
    assert "Engine ranks for reranking: ready.\n" in out
    assert "It was moved to A" in out
    assert json.loads(run("host", "status", "--json")[1]) == status


def test_status_speaks_of_the_settings_as_they_are_now(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home / "config" / "config.toml"
    wrong = ConfigError("error.config_least", file=str(file), key="inference.slots", limit=1)
    status = {
        "version": "1",
        "uptime": 0,
        "editors": 0,
        "engines": [],
        "problems": [wrong.as_wire()],
        "settings": {"inference": {"slots": 2}},
    }
    host_that_says(monkeypatch, status)
    assert len(run("host", "status")[1].splitlines()) == 2
    file.parent.mkdir()
    file.write_text("[inference]\nslots = 3\n")
    assert "inference.slots. Restart it: ide-agent host restart" in run("host", "status")[1]
    file.write_text("[inference]\nslots = 0\n")
    assert run("host", "status")[1].count("takes 1 at least") == 1


@pytest.mark.parametrize("state", get_args(State))
def test_what_an_engine_does_is_said_in_turkish(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    engine = {"model": "starter", "state": state}
    host_that_says(
        monkeypatch, {"version": "1", "uptime": 0, "editors": 0, "engines": [engine], "problems": []}
    )
    monkeypatch.setenv("LC_ALL", "tr")
    cli.language.cache_clear()
    said = {"unloaded": "yüklü değil", "loading": "yükleniyor", "ready": "hazır", "error": "hata"}
    assert run("host", "status")[1].splitlines()[-1] == f"starter motoru: {said[state]}."


def test_starting_tells_what_is_wrong_with_the_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text("[inference]\nslots = 0\nthreads = 3\n")
    host_that_says(monkeypatch, {"problems": [], "settings": {"inference": {"slots": 2, "threads": 0}}})
    code, out, err = run("host", "start")
    assert (code, out) == (0, "The host runs at http://127.0.0.1:4711 (process 42).\n")
    wrong, changed = err.splitlines()
    assert wrong.endswith("“inference.slots” takes 1 at least. The value counts for nothing.")
    assert "inference.threads. Restart it: ide-agent host restart" in changed


def test_stop_without_a_host() -> None:
    assert run("host", "stop") == (0, "No host is running.\n", "")


@pytest.mark.parametrize(("lines", "expected"), [(2, "b\nc\n"), (0, ""), (9, "a\nb\nc\n")])
def test_logs_show_the_end(home: Path, lines: int, expected: str) -> None:
    (home / "state").mkdir()
    (home / "state" / "host.log").write_text("a\nb\nc\n")
    assert run("host", "logs", "-n", str(lines))[:2] == (0, expected)


def test_logs_follow_over_a_rotation(home: Path) -> None:
    log = home / "state" / "host.log"
    log.parent.mkdir()
    log.write_text("old\nnew\n")
    lines = cli._follow(log, len("old\n"))
    assert next(lines) == "new\n"
    with log.open("a") as stream:
        stream.write("last words\n")
    log.rename(log.with_suffix(".1"))
    log.write_text("a new file that is longer than the old one\n")
    assert next(lines) == "last words\n"
    assert next(lines) == "a new file that is longer than the old one\n"
    lines.close()


def test_native_engine_shows_progress_and_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [
        {"phase": "building", "code": "error.foreign", "params": {"message": "Building"}, "progress": 1},
        {"phase": "building", "code": "error.foreign", "params": {"message": "Building"}, "progress": 2},
        {"phase": "ready", "engine": "llama-cpp-python", "tokens_per_second": 71.2, "before": 34.04},
    ]
    monkeypatch.setattr(runtime, "ensure_host", lambda: INFO)
    monkeypatch.setattr(runtime, "stream", lambda *_, **__: iter(events))
    assert run("engine", "native")[:2] == (0, "Building\nTokens per second: 34.0 before, 71.2 now.\n")


def test_native_engine_that_ends_early_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "ensure_host", lambda: INFO)
    monkeypatch.setattr(runtime, "stream", lambda *_, **__: iter([{"phase": "building", "message": "m"}]))
    assert run("engine", "native")[0] == 1

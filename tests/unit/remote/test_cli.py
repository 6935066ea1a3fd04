"""``ide-agent remote …``."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ide_agent import cli as house
from ide_agent import runtime, terminal
from ide_agent.features.remote import cli as module
from ide_agent.paths import config_file
from ide_agent.runtime import RuntimeInfo
from ide_agent.storage.secrets import Secrets

ENTRY = {
    "id": 1,
    "at": "2026-05-04T09:00:00+00:00",
    "endpoint": "out",
    "host": "models.example",
    "model": "m",
    "path": "/chat/completions",
    "secrets": 2,
    "bytes_out": 99,
    "bytes_in": 1,
    "tokens_in": 5,
    "tokens_out": 6,
    "estimated": True,
    "cost": None,
    "seconds": 1.0,
    "outcome": "RemoteUnavailable",
    "left": True,
}
USED = {
    "requests": 1,
    "unsent": 1,
    "unpriced": 0,
    "tokens_in": 5,
    "tokens_out": 6,
    "cost": 0.25,
    "secrets": 0,
}


@pytest.fixture(autouse=True)
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    """A home of its own and a host that answers as scripted; what it was asked."""
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.setattr(terminal, "language", lambda: "en")
    monkeypatch.setattr(module, "language", lambda: "en")
    config_file().parent.mkdir(parents=True)
    config_file().write_text(
        '[remote.endpoints.out]\nurl = "https://models.example/v1"\n'
        '[remote.endpoints.near]\nurl = "http://localhost:1/v1"\n'
    )
    answers = {
        "/remote/test": {"models": ["a", "b"], "seconds": 0.1},
        "/remote/usage": {"total": USED, "models": [{**USED, "endpoint": "out", "model": "m"}]},
        "/remote/audit?limit=50": {"requests": [ENTRY]},
        "/remote/reload": {},
    }
    asked: list[tuple[str, str, Any]] = []

    def call(info: RuntimeInfo, method: str, path: str, body: Any = None, timeout: float = 30.0) -> Any:
        asked.append((method, path, body))
        return answers[path]

    info = RuntimeInfo.new(1)
    monkeypatch.setattr(runtime, "find_host", lambda: info)
    monkeypatch.setattr(runtime, "ensure_host", lambda: info)
    monkeypatch.setattr(runtime, "call", call)
    return asked


def run(*arguments: str, **more: Any) -> tuple[int, str]:
    result = CliRunner().invoke(house.app, ["remote", *arguments], **more)
    return result.exit_code, result.stdout


def enabled() -> bool:
    return bool(tomllib.loads(config_file().read_text()).get("remote", {}).get("enabled", False))


def test_list() -> None:
    code, out = run("list")
    assert code == 0
    off, there, near = out.splitlines()
    assert off.startswith("Remote models are off")
    assert there.endswith("https://models.example/v1  on another machine, no key")
    assert near.endswith("on this machine, no key")
    assert [each["local"] for each in json.loads(run("list", "--json")[1])["endpoints"]] == [False, True]
    config_file().write_text("")
    assert str(config_file()) in run("list")[1]


def test_on_says_what_will_leave_and_asks(asked: list[tuple[str, str, Any]]) -> None:
    code, out = run("on", input="\n")
    assert code == 1
    assert not enabled()
    assert "leaves this machine" in out
    assert "out: https://models.example/v1" in out
    assert "near" not in out, "it stays here"
    assert asked == []
    code, out = run("on", input="y\n")
    assert (code, enabled()) == (0, True)
    assert asked == [("POST", "/remote/reload", None)]
    assert out.splitlines()[-1].endswith(
        "Remote models are on: requests for a model of an endpoint go there."
    )
    assert run("off")[0] == 0
    assert not enabled()


def test_on_warns_where_secrets_are_not_replaced() -> None:
    config_file().write_text("[remote]\nredact = false\n")
    assert "also the secrets in it" in run("on", "--yes")[1]


def test_a_mistake_in_the_settings_keeps_it_off() -> None:
    config_file().write_text("[remote]\nredact_patterns = 3\n")
    ended = CliRunner().invoke(house.app, ["remote", "on", "--yes"])
    assert ended.exit_code == 1
    assert "Remote models are off" in ended.stdout and "Until that is repaired" in ended.stderr


def test_what_cannot_be_changed() -> None:
    config_file().write_text("remote = {redact = true}\n")
    result = CliRunner().invoke(house.app, ["remote", "on", "--yes"])
    assert result.exit_code == 1
    assert "by hand" in result.stderr


def test_keys_come_from_the_terminal_or_a_pipe_and_are_never_said(asked: list[tuple[str, str, Any]]) -> None:
    code, out = run("key", "set", "out", input=" very-secret \n")
    assert code == 0
    assert Secrets().get("remote.out") == "very-secret"
    assert "very-secret" not in out
    assert "unencrypted" in out
    assert asked == [("POST", "/remote/reload", None)]
    assert "key in a file" in run("list")[1]
    assert run("key", "set", "out", input="\n")[0] == 1
    assert Secrets().get("remote.out") == "very-secret"
    assert "was removed" in run("key", "remove", "out")[1]
    assert "no key" in run("key", "remove", "out")[1]
    result = CliRunner().invoke(house.app, ["remote", "key", "set", "nobody"], input="k\n")
    assert result.exit_code == 1
    assert "There are: near, out" in result.stderr
    config_file().write_text("")
    assert "nor any other" in CliRunner().invoke(house.app, ["remote", "key", "set", "out"]).stderr


def test_test(asked: list[tuple[str, str, Any]]) -> None:
    assert run("test", "out")[1].splitlines()[1:] == ["out/a", "out/b"]
    assert asked == [("POST", "/remote/test", {"name": "out"})]
    assert json.loads(run("test", "out", "--json")[1])["models"] == ["a", "b"]


def test_usage_and_audit() -> None:
    one, total = run("usage")[1].splitlines()
    assert one.startswith("out/m ")
    assert total.startswith("Together")
    assert "$0.2500" in one and "not sent: 1" in one
    assert json.loads(run("usage", "--json")[1])["total"] == USED
    line, totals = run("audit")[1].splitlines()
    assert (
        "models.example  out/m  /chat/completions  tokens ~5 / ~6, 99 bytes, secrets replaced: 2, ?" in line
    )
    assert line.endswith("failed: out of reach")
    assert totals == "Sent: 1, not sent: 0"
    assert json.loads(run("audit", "--json")[1])["requests"] == [ENTRY]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("RemoteUnavailable 429 4", "failed: answered 429, asked 4 times"),
        ("RemoteRefused 401 1", "failed: answered 401"),
        ("RemoteUnavailable timeout", "failed: it was silent for too long"),
        ("RemoteUnavailable unreachable", "failed: out of reach"),
        ("ok", "answered"),
        ("SomethingElse", "failed: SomethingElse"),
    ],
)
def test_how_a_request_ended(monkeypatch: pytest.MonkeyPatch, outcome: str, words: str) -> None:
    monkeypatch.setattr(runtime, "call", lambda *_, **more: {"requests": [{**ENTRY, "outcome": outcome}]})
    line, _ = run("audit")[1].splitlines()
    assert line.endswith(f", {words}")


def test_what_never_left_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [ENTRY, {**ENTRY, "left": False}, {**ENTRY, "left": False, "outcome": "cancelled"}]
    monkeypatch.setattr(runtime, "call", lambda *given, **more: {"requests": entries})
    cancelled, unsent, sent, totals = run("audit")[1].splitlines()
    assert sent.endswith("failed: out of reach")
    assert unsent.endswith("not sent: out of reach")
    assert cancelled.endswith("not sent: cancelled")
    assert totals == "Sent: 1, not sent: 2"


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("columns", [80, 60])
def test_words_stay_whole_in_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, language: str, columns: int
) -> None:
    monkeypatch.setattr(terminal, "language", lambda: language)
    monkeypatch.setattr(module, "language", lambda: language)
    for command in ("list", "usage", "audit"):
        monkeypatch.delenv("COLUMNS", raising=False)
        whole = run(command)[1]
        monkeypatch.setenv("COLUMNS", str(columns))
        narrow = run(command)[1]
        assert narrow.split() == whole.split()
        assert max(map(len, narrow.splitlines())) <= columns
        assert command != "audit" or len(whole.splitlines()) < len(narrow.splitlines())


def test_amounts_are_written_as_is_the_custom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "language", lambda: "tr")
    monkeypatch.setattr(module, "language", lambda: "tr")
    assert "0,2500 $" in run("usage")[1]


def test_what_can_be_read_on_the_way_is_said() -> None:
    config_file().write_text(
        '[remote.endpoints.plain]\nurl = "http://models.example/v1"\n'
        '[remote.endpoints.tunnel]\nurl = "http://localhost:1/v1"\nforwards = true\n'
    )
    for command in (("list",), ("on", "--yes")):
        lines = run(*command)[1].splitlines()
        (plain,) = [line for line in lines if "models.example" in line]
        (tunnel,) = [line for line in lines if "localhost" in line]
        assert "without encryption" in plain and "use https://" in plain
        assert "on another machine, behind an address of this one" in tunnel

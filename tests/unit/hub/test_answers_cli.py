"""``ide-agent models ask``: what goes where."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any

import pytest
from typer.testing import CliRunner

from ide_agent import cli, runtime, terminal
from ide_agent.errors import ModelError, ModelNotFound
from ide_agent.features.hub import why_waiting


class Host:
    """Answers with `events`; an exception among them is raised."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.events: list[Any] = []
        self.left = False

    def stream(self, info: object, path: str, body: dict[str, Any], timeout: float) -> Generator[Any]:
        assert path == "/models/ask"
        self.asked.append(body)
        try:
            for event in self.events:
                if isinstance(event, BaseException):
                    raise event
                yield event
        finally:
            self.left = True

    def says(self, *texts: str, reason: str = "stop") -> None:
        said = [{"type": "text", "text": text} for text in texts]
        done = {"type": "done", "finish_reason": reason}
        self.events = [{"type": "start", "model": "m"}, *said, done]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host()
    monkeypatch.setattr(runtime, "ensure_host", lambda: None)
    monkeypatch.setattr(runtime, "stream", host.stream)
    monkeypatch.setattr(runtime, "call", lambda *_: {"models": []})
    monkeypatch.setattr(terminal, "language", lambda: "en")
    return host


def ask(*arguments: str, said: str | bytes = "") -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, ["models", "ask", *arguments], input=said)
    return result.exit_code, result.stdout, result.stderr


def test_the_answer_and_nothing_else_goes_to_standard_output(host: Host) -> None:
    host.says("\n ", " It is ", "Paris.")
    options = ("--model", "m", "--system", "s", "--max-tokens", "3")
    assert ask(*options, "Where", "is", "it?") == (0, "It is Paris.\n", "")
    assert host.asked == [{"text": "Where is it?", "model": "m", "system": "s", "max_tokens": 3}]
    assert host.left


@pytest.mark.parametrize("options", [[], ["--model", "Big"], ["--model", "big:adapter"]])
def test_why_a_model_waits_is_told_once_and_of_no_other(
    host: Host, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    looks: list[str] = []
    looked_twice = threading.Event()

    def call(info: object, method: str, path: str) -> dict[str, Any]:
        looks.append(f"{method} {path}")
        if len(looks) > 3:
            looked_twice.set()
        ready = {"name": "quick", "state": "ready", "reason": None}
        waits = [
            {
                "name": name,
                "state": "waiting",
                "reason": ModelError("error.model.deactivated", name=name).as_wire(),
            }
            for name in ("others", "big")
        ]
        return {"models": [ready, *waits[: 1 if len(looks) == 1 else 2]]}

    def stream(*_: object, **__: object) -> Generator[Any]:
        assert looked_twice.wait(60)
        yield from host.events

    monkeypatch.setattr(runtime, "call", call)
    monkeypatch.setattr(runtime, "stream", stream)
    monkeypatch.setattr(why_waiting, "_LOOK_SECONDS", 0.001)
    host.says("Yes.")
    code, out, err = ask(*options, "q")
    assert (code, out, err.count("big"), err.count("others")) == (0, "Yes.\n", 1, 0)
    assert set(looks) == {"GET /models/running"}


def test_a_private_question_is_asked_as_one(host: Host) -> None:
    host.says("Yes.")
    assert ask("--private", "q")[0] == 0
    assert host.asked[0]["privacy"] == "private"


def test_a_question_on_standard_input(host: Host) -> None:
    host.says("Yes.\n")
    assert ask(said="def f(): ...\nGood?\n") == (0, "Yes.\n", "")
    assert host.asked[0]["text"] == "def f(): ...\nGood?\n"


def test_without_a_question_nobody_is_asked(host: Host) -> None:
    code, out, err = ask()
    assert (code, out, host.asked) == (2, "", [])
    assert err.startswith("What is the question?")


def test_what_is_no_text_is_not_asked(host: Host) -> None:
    code, out, err = ask(said=b"\x7fELF\xff\xfe")
    assert (code, out, host.asked) == (2, "", [])
    assert err.startswith("The question is no text")
    assert ask("half \udcff")[0] == 2
    assert host.asked == []


@pytest.mark.parametrize(
    ("texts", "reason", "told"),
    [
        (["a"], "length", "The answer was cut off after 7 tokens. For a longer one: --max-tokens"),
        ([" \n"], "stop", "The model ended without a word."),
    ],
)
def test_what_is_odd_of_the_answer_goes_to_standard_error(
    host: Host, texts: list[str], reason: str, told: str
) -> None:
    host.says(*texts, reason=reason)
    code, out, err = ask("--max-tokens", "7", "q")
    assert (code, out) == (0, "a\n" if texts == ["a"] else "")
    assert err.startswith(told)


def test_that_it_thinks_goes_to_standard_error(host: Host) -> None:
    host.says("Yes.")
    host.events.insert(1, {"type": "thinking"})
    assert ask("q") == (0, "Yes.\n", "m thinks first…\n")
    host.says(reason="length")
    host.events.insert(1, {"type": "thinking"})
    code, out, err = ask("--max-tokens", "7", "q")
    assert (code, out) == (0, "")
    assert err.splitlines()[1].startswith("The model was still thinking after 7 tokens")
    assert len(err.splitlines()) == 2


def test_ctrl_c_leaves_what_has_come_and_closes_the_stream(host: Host) -> None:
    host.says("half an")
    host.events[-1] = KeyboardInterrupt()
    assert ask("q") == (130, "half an\n", "Stopped.\n")
    assert host.left


def test_what_goes_wrong_is_said_below_the_answer(host: Host) -> None:
    host.says("half an")
    host.events[-1] = ModelNotFound("error.model.none")
    code, out, err = ask("q")
    assert (code, out) == (1, "half an\n")
    assert "ide-agent models pull starter" in err
    del host.events[-1]
    assert ask("q")[0] == 1

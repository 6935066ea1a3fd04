from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ide_agent.editor.server import EditorServer
from ide_agent.errors import (
    EngineCrashed,
    EngineUnavailable,
    HostUnavailable,
    IdeAgentError,
    ModelNotFound,
    NotEnoughMemory,
    RemoteUnavailable,
)
from support.editor import Editor, attached, eventually
from support.fake_host import FakeHost
from support.voice import URI, Voice, ask

SETTINGS = {"completion": {"debounceMinMs": 0, "debounceMaxMs": 0, "prefetch": False}}
SHOWS_STATUS = {"experimental": {"ideAgent": {"status": True}}}


@pytest.fixture
async def editor(server: EditorServer) -> AsyncIterator[Editor]:
    async with attached(server) as client:
        yield client


async def start(editor: Editor, capabilities: dict[str, Any] | None = None) -> None:
    await editor.initialize(capabilities, initializationOptions={"settings": SETTINGS})
    editor.open(URI, "x = \n")


def said(editor: Editor) -> list[str]:
    return [params["message"] for params in editor.all("window/showMessage")]


def circuit_open(seconds: int, model: str = "m") -> IdeAgentError:
    return EngineUnavailable(model=model, crashes=5, reason="SIGSEGV", seconds=seconds)


def no_memory(free: int) -> IdeAgentError:
    return NotEnoughMemory(file="/m.gguf", need_mb=900, free_mb=free)


@pytest.mark.parametrize(
    ("first", "second"), [(circuit_open(30), circuit_open(29)), (no_memory(100), no_memory(101))]
)
async def test_the_same_error_in_other_words_is_said_once(
    editor: Editor, voice: Voice, first: IdeAgentError, second: IdeAgentError
) -> None:
    await start(editor)
    for error in (first, second):
        voice.error = error
        assert await ask(editor, 0, 4) is None
    assert said(editor) == [first.message("en")]


async def test_it_is_said_although_the_host_told_of_it_before(
    editor: Editor, server: EditorServer, host: FakeHost, voice: Voice
) -> None:
    await start(editor)
    voice.error = circuit_open(30)
    await host.attached.wait()
    host.publish({"type": "status", "state": "error", "error": voice.error.as_wire()})
    await eventually(lambda: server.status.last.state == "error")
    assert await ask(editor, 0, 4) is None
    assert said(editor) == [voice.error.message("en")]


async def test_after_a_success_it_is_said_again(editor: Editor, server: EditorServer, voice: Voice) -> None:
    await start(editor, SHOWS_STATUS)
    voice.error = circuit_open(30)
    await ask(editor, 0, 4)
    await editor.wait_for("ideAgent/status", lambda status: status["state"] == "error")
    voice.error = None
    assert await ask(editor, 0, 4) is not None
    await editor.wait_for("ideAgent/status", lambda status: status == {"state": "ready", "model": "scripted"})
    voice.error = circuit_open(20)
    await ask(editor, 0, 3)
    assert said(editor) == [circuit_open(30).message("en"), circuit_open(20).message("en")]


async def test_another_error_or_another_model_is_news(editor: Editor, voice: Voice) -> None:
    await start(editor)
    errors = [EngineCrashed(model="m", reason="r"), circuit_open(30), circuit_open(30, "other")]
    for error in errors:
        voice.error = error
        await ask(editor, 0, 4)
    assert said(editor) == [error.message("en") for error in errors]


async def test_an_endpoint_that_fails_on_and_on_is_spoken_of_once(editor: Editor, voice: Voice) -> None:
    await start(editor)
    failed = RemoteUnavailable(endpoint="far", reason="r")
    alone = RemoteUnavailable("error.remote.circuit", endpoint="far", count=3, seconds=30, reason="r")
    queue = RemoteUnavailable("error.remote.queue", endpoint="far", model="m", seconds=600)
    other = RemoteUnavailable("error.remote.circuit", endpoint="other", count=3, seconds=30, reason="r")
    for error in (failed, failed, alone, queue, alone, other):
        voice.error = error
        await ask(editor, 0, 4)
    assert said(editor) == [failed.message("en"), other.message("en")]


async def test_of_others_concerns_it_does_not_speak(
    editor: Editor, server: EditorServer, voice: Voice
) -> None:
    await start(editor)
    voice.error = HostUnavailable()
    await ask(editor, 0, 4)
    voice.error = ModelNotFound("error.model.none")
    await ask(editor, 0, 4)
    assert said(editor) == []
    assert server.status.last.state == "noModel"


async def test_what_is_to_be_looked_after_is_said_once_and_ghost_text_goes_on(
    editor: Editor, voice: Voice
) -> None:
    await start(editor)
    voice.notice = ModelNotFound("error.routes.stand_in", rule="go", model="gone")
    for line in (0, 1):
        assert await ask(editor, line, 0) is not None
    assert said(editor) == [voice.notice.message("en")]
    voice.notice = ModelNotFound("error.routes.stand_in", rule="rust", model="gone")
    editor.change(URI, 2, {"text": "y = \n"})
    assert await ask(editor, 0, 4) is not None
    assert said(editor)[1:] == [voice.notice.message("en")]

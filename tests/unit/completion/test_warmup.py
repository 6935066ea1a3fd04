from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ide_agent.editor.server import EditorServer
from ide_agent.features.completion import warmup
from support.editor import PATIENCE, Editor, attached, eventually
from support.voice import URI, Voice, ask

CODE = "def helper():\n    value = 1\n    return value\n"
OTHER = "file:///project/b.py"
QUICK = {"debounceMinMs": 0, "debounceMaxMs": 0, "prefetch": False}


@pytest.fixture
async def editor(server: EditorServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Editor]:
    """A client whose user is in a hurry: no pause takes time."""
    monkeypatch.setattr(warmup, "_OPENING_S", 0.0)
    monkeypatch.setattr(warmup, "_IDLE_S", 0.0)
    async with attached(server) as client:
        yield client


async def start(editor: Editor, server: EditorServer, folder: Path | None = None, **completion: Any) -> None:
    options = {"settings": {"completion": {**QUICK, **completion}}}
    folders = [{"uri": folder.as_uri(), "name": "work"}] if folder else None
    await editor.initialize(initializationOptions=options, workspaceFolders=folders)
    await asyncio.wait_for(server.configuration.ready(), PATIENCE)


async def quiet(editor: Editor, voice: Voice) -> None:
    """Wait until what the last document began would have reached the host."""
    last = "file:///project/last.py"
    editor.open(last, CODE)
    await eventually(lambda: any(call.body["document"] == last for call in voice.calls("/warm")))


def warmed(voice: Voice) -> list[str]:
    return [call.body["document"] for call in voice.calls("/warm")]


async def test_an_opened_document_is_read_to_its_end(
    editor: Editor, server: EditorServer, voice: Voice
) -> None:
    await start(editor, server, model="m", promptTokens=300)
    editor.open(URI, CODE)
    await eventually(lambda: voice.calls("/warm"))
    body = voice.calls("/warm")[0].body
    wanted = {"document": URI, "prefix": CODE, "model": "m", "prompt_tokens": 300, "priority": "background"}
    assert {name: body[name] for name in wanted} == wanted


async def test_of_several_that_open_at_once_the_last_one_is_read(
    editor: Editor, server: EditorServer, voice: Voice
) -> None:
    await start(editor, server)
    editor.open(URI, CODE)
    editor.open(OTHER, CODE)
    await quiet(editor, voice)
    assert URI not in warmed(voice)


@pytest.mark.parametrize(
    "setting", [{"enabled": False}, {"automatic": False}, {"languages": {"python": False}}]
)
async def test_where_nothing_is_suggested_nothing_is_read(
    editor: Editor, server: EditorServer, voice: Voice, setting: dict[str, Any]
) -> None:
    await start(editor, server, **setting)
    editor.open(URI, CODE)
    await editor.command("ideAgent.host.status")
    await editor.command("ideAgent.host.status")
    assert warmed(voice) == []


async def test_a_document_that_was_asked_about_already_is_not_greeted(
    editor: Editor, server: EditorServer, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warmup, "_OPENING_S", 3600.0)
    monkeypatch.setattr(warmup, "_IDLE_S", 3600.0)
    await start(editor, server)
    editor.open(URI, CODE)
    assert await ask(editor, 3, 0) is not None
    monkeypatch.setattr(warmup, "_OPENING_S", 0.0)
    editor.open(URI, CODE)  # shown anew
    await quiet(editor, voice)
    assert URI not in warmed(voice)


async def test_in_a_pause_context_is_chosen_anew_and_read(
    editor: Editor, server: EditorServer, voice: Voice, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(warmup, "_OPENING_S", 3600.0)
    monkeypatch.setattr(warmup, "_IDLE_S", 3600.0)
    (tmp_path / "lib.py").write_text("def area(width):\n    pass\n")
    await start(editor, server, tmp_path)
    uri = (tmp_path / "a.py").as_uri()
    editor.open(uri, "from lib import area\n\nvalue = \n")
    assert await ask(editor, 2, 8, uri) is not None
    assert voice.calls("")[0].body["declarations"] == []
    monkeypatch.setattr(warmup, "_IDLE_S", 0.0)
    # from the cache: nothing runs when the pause comes
    assert await ask(editor, 2, 8, uri, invoked=False) is not None
    await eventually(lambda: voice.calls("/warm"))
    [call] = voice.calls("/warm")
    assert [each["path"] for each in call.body["declarations"]] == ["lib.py"]
    assert call.body["prefix"] == "from lib import area\n\nvalue = "

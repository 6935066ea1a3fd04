"""Ghost text as an editor and a host see it on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ide_agent.editor.server import EditorServer
from ide_agent.features.completion import activity, outcomes, warmup
from support.editor import PATIENCE, Editor, attached, eventually
from support.fake_host import FakeHost
from support.voice import URI, Voice, ask, ask_all, begin, completion_id

TEXT = "def one():\n    "
CAPABILITIES = {
    "workspace": {"configuration": True},
    "experimental": {"ideAgent": {"status": True, "inlineCompletionMore": True}},
}
QUICK = {"debounceMinMs": 0, "debounceMaxMs": 0, "prefetch": False}


@pytest.fixture
async def editor(server: EditorServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Editor]:
    """A client that shows all we have; its events go out at once."""
    monkeypatch.setattr(outcomes, "_BATCH_S", 0.0)
    async with attached(server) as client:
        yield client


async def start(editor: Editor, server: EditorServer, **completion: Any) -> None:
    """Shake hands, under these settings."""
    configure(editor, **completion)
    await editor.initialize(CAPABILITIES)
    await asyncio.wait_for(server.configuration.ready(), PATIENCE)


def configure(editor: Editor, **completion: Any) -> None:
    editor.answers["workspace/configuration"] = [{"completion": {**QUICK, **completion}}]


async def reconfigure(editor: Editor, server: EditorServer, **completion: Any) -> None:
    configure(editor, **completion)
    loaded = asyncio.Event()
    server.configuration.listeners.append(loaded.set)
    editor.notify("workspace/didChangeConfiguration", {"settings": None})
    await asyncio.wait_for(loaded.wait(), PATIENCE)
    server.configuration.listeners.remove(loaded.set)


def event(editor: Editor, kind: str, item: dict[str, Any] | None) -> None:
    editor.notify("ideAgent/inlineCompletion/event", {"completionId": completion_id(item), "kind": kind})


def insertion(line: int, character: int, text: str) -> dict[str, Any]:
    at = {"line": line, "character": character}
    return {"range": {"start": at, "end": at}, "text": text}


async def asked(voice: Voice, count: int = 1) -> None:
    await eventually(lambda: len(voice.calls("")) >= count)


def states(editor: Editor) -> list[str]:
    return [status["state"] for status in editor.all("ideAgent/status")]


async def test_a_suggestion_and_what_the_host_is_asked(
    editor: Editor, server: EditorServer, voice: Voice
) -> None:
    await start(editor, server, model="m", promptTokens=300)
    editor.open(URI, TEXT + "\n\ndef two():\n    pass\n")
    item = await ask(editor, 1, 4)
    assert item is not None
    assert item["insertText"] == "return 1"
    assert item["range"] == {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 4}}
    argument = {"completionId": completion_id(item), "done": True}
    assert item["command"]["command"] == "ideAgent.completion.accept"
    assert item["command"]["arguments"] == [argument]
    [call] = voice.calls("")
    wanted = {"document": URI, "language": "python", "prefix": TEXT, "model": "m", "prompt_tokens": 300}
    assert {name: call.body[name] for name in wanted} == wanted
    assert call.body["priority"] == "foreground"
    assert await editor.command("ideAgent.completion.accept", argument) == {"accepted": True}
    await eventually(lambda: [e["kind"] for e in voice.events()] == ["shown", "accepted"])


async def test_asked_again_there_is_one_more_and_each_is_recorded_by_itself(
    editor: Editor, server: EditorServer, voice: Voice
) -> None:
    voice.others = ["return 2", "return 2", "return 3"]
    await start(editor, server)
    editor.open(URI, TEXT)
    found = [await ask_all(editor, 1, 4) for _ in range(3)]
    texts = [[item["insertText"] for item in items] for items in found]
    assert texts == [["return 1"], ["return 1", "return 2"], ["return 1", "return 2", "return 3"]]
    items = found[-1]
    assert items[:2] == found[1]
    assert items[:1] == found[0]
    assert len({completion_id(item) for item in items}) == 3
    assert all(item["command"]["arguments"][0]["done"] for item in items)
    assert [call.body["alternative"] for call in voice.calls("")] == [0, 1, 2, 3]
    event(editor, "shown", items[1])
    accept = items[1]["command"]["arguments"][0]
    assert await editor.command("ideAgent.completion.accept", accept) == {"accepted": True}
    await eventually(lambda: [e["kind"] for e in voice.events()] == ["shown", "accepted"])
    assert {(e["completion_id"], e["text"]) for e in voice.events()} == {
        (completion_id(items[1]), "return 2")
    }


async def test_what_shows_is_what_the_next_keystroke_is_answered_with(
    editor: Editor, server: EditorServer, voice: Voice
) -> None:
    voice.others = ["return 2"]
    await start(editor, server)
    editor.open(URI, TEXT)
    await ask(editor, 1, 4)
    _, second = await ask_all(editor, 1, 4)
    event(editor, "shown", second)
    editor.change(URI, 2, insertion(1, 4, "ret"))
    item = await ask(editor, 1, 7)
    assert item is not None
    assert (item["insertText"], completion_id(item)) == ("urn 2", completion_id(second))


async def test_what_does_not_show_is_answered_at_once_by_hand(
    editor: Editor, server: EditorServer, voice: Voice
) -> None:
    voice.others = ["return 2", "return 3"]
    await start(editor, server)
    editor.open(URI, TEXT)
    first = await ask(editor, 1, 4, invoked=False)
    assert await ask_all(editor, 1, 4) == [first]
    event(editor, "shown", first)
    assert len(await ask_all(editor, 1, 4)) == 2
    event(editor, "hidden", first)
    assert await ask_all(editor, 1, 4) == [first]
    assert [call.body["alternative"] for call in voice.calls("")] == [0, 1]
    event(editor, "shown", first)
    assert len(await ask_all(editor, 1, 4)) == 3


async def test_typed_over_the_search_for_another_ends(
    editor: Editor, server: EditorServer, voice: Voice
) -> None:
    await start(editor, server)
    editor.open(URI, TEXT)
    await ask(editor, 1, 4)
    voice.open.clear()
    begin(editor, 1, 4)
    await asked(voice, 2)
    editor.change(URI, 2, insertion(1, 4, "x"))
    await asyncio.wait_for(voice.calls("")[-1].gone.wait(), PATIENCE)
    assert len(voice.calls("")) == 2


async def test_what_is_not_to_be_recorded_is_not(editor: Editor, server: EditorServer, voice: Voice) -> None:
    await start(editor, server, record=False)
    editor.open(URI, TEXT)
    item = await ask(editor, 1, 4)
    event(editor, "shown", item)
    event(editor, "acceptedPartly", item)
    event(editor, "dismissed", item)
    await editor.command("ideAgent.completion.accept", {"completionId": completion_id(item)})
    await editor.request("shutdown")
    assert len(voice.calls("")) == 1
    assert voice.calls("/events") == []


async def test_recording_ends_when_the_setting_says_so(
    editor: Editor, server: EditorServer, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "_BATCH_S", 3600.0)
    await start(editor, server)
    editor.open(URI, TEXT)
    item = await ask(editor, 1, 4)
    event(editor, "shown", item)
    await reconfigure(editor, server, record=False)
    event(editor, "dismissed", item)
    await editor.request("shutdown")
    assert voice.calls("/events") == []


@pytest.mark.parametrize("name", [".env", "diary/today.md"])
async def test_nothing_of_a_private_file_reaches_the_host(
    editor: Editor,
    server: EditorServer,
    host: FakeHost,
    voice: Voice,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(warmup, "_OPENING_S", 0.0)
    monkeypatch.setattr(warmup, "_IDLE_S", 0.0)
    await start(editor, server, privateGlobs=["diary/"])
    private = f"file:///project/{name}"
    secret = "SECRET = 'hunter2'\nMORE = 'hunter2'\nEVEN_MORE = 'hunter2'\n"
    editor.open(private, secret, "plaintext")
    await editor.command("ideAgent.host.status")  # the greeting of the one before has begun
    assert await ask(editor, 2, 0, private) is None
    editor.change(private, 2, insertion(0, 0, "A = 'hunter2'\n"))
    editor.notify("textDocument/didSave", {"textDocument": {"uri": private}})
    editor.open(URI, TEXT)
    await eventually(lambda: voice.calls("/warm"))
    assert await ask(editor, 1, 4) is not None
    editor.notify("textDocument/didClose", {"textDocument": {"uri": private}})
    await editor.request("shutdown")
    assert {call.body["document"] for call in voice.calls("") + voice.calls("/warm")} == {URI}
    assert not [call for call in host.calls if "hunter2" in str(call.body)]


async def test_switching_off_ends_what_is_under_way(
    editor: Editor, server: EditorServer, voice: Voice
) -> None:
    await start(editor, server)
    editor.open(URI, TEXT)
    voice.open.clear()
    running = begin(editor, 1, 4)
    await asked(voice)
    assert await editor.command("ideAgent.completion.toggle", {"enabled": False}) == {"enabled": False}
    assert not (await asyncio.wait_for(running, PATIENCE) or {}).get("items")
    await asyncio.wait_for(voice.calls("")[0].gone.wait(), PATIENCE)
    voice.open.set()
    assert await ask(editor, 1, 4) is None
    assert await editor.command("ideAgent.completion.toggle", {}) == {"enabled": True}
    assert await ask(editor, 1, 4) is not None


async def test_off_stays_on_the_screen_whatever_the_host_says(
    editor: Editor, server: EditorServer, host: FakeHost
) -> None:
    await start(editor, server)
    await editor.wait_for("ideAgent/status", lambda status: status["state"] == "ready")
    await editor.command("ideAgent.completion.toggle", {"enabled": False})
    host.publish({"type": "status", "state": "loading", "model": "m"})
    host.publish({"type": "status", "state": "downloading", "progress": 3})
    await editor.wait_for("ideAgent/status", lambda status: status["state"] == "downloading")
    assert states(editor)[-2:] == ["off", "downloading"]
    await editor.command("ideAgent.completion.toggle", {"enabled": True})


async def test_the_settings_can_switch_off_too(editor: Editor, server: EditorServer, voice: Voice) -> None:
    await start(editor, server, enabled=False)
    await editor.wait_for("ideAgent/status", lambda status: status["state"] == "off")
    editor.open(URI, TEXT)
    assert await ask(editor, 1, 4) is None
    await reconfigure(editor, server, enabled=True)
    await editor.until(lambda: states(editor)[-1] == "ready")
    assert await ask(editor, 1, 4) is not None


async def test_other_settings_count_at_once(editor: Editor, server: EditorServer, voice: Voice) -> None:
    await start(editor, server, model="one")
    editor.open(URI, TEXT)
    assert await ask(editor, 1, 4) is not None
    voice.text = "return 2"
    await reconfigure(editor, server, model="two")
    item = await ask(editor, 1, 4)
    assert item is not None
    assert item["insertText"] == "return 2"
    assert [call.body["model"] for call in voice.calls("")] == ["one", "two"]


async def test_the_same_settings_read_again_change_nothing(
    editor: Editor, server: EditorServer, voice: Voice, tmp_path: Path
) -> None:
    await start(editor, server)
    editor.open("file:///project/b.py", "def helper():\n    value = 1\n    return value\n")
    editor.open(URI, "value = helper()\n")
    assert await ask(editor, 2, 0, "file:///project/b.py") is not None
    first = await ask(editor, 1, 0)
    before = voice.calls("")[-1].body["snippets"]
    assert before
    await reconfigure(editor, server)
    assert completion_id(await ask(editor, 1, 0)) == completion_id(first)
    editor.change(URI, 2, insertion(0, 0, "other = helper()\n"))
    assert await ask(editor, 2, 0) is not None
    assert voice.calls("")[-1].body["snippets"] == before


async def test_a_glob_that_is_not_valid_is_told(editor: Editor, server: EditorServer) -> None:
    await start(editor, server, privateGlobs=["\\", "good/"])
    editor.open(URI, TEXT)
    assert await ask(editor, 1, 4) is not None
    await reconfigure(editor, server, privateGlobs=["\\", "good/"], maxLines=3)
    assert await ask(editor, 1, 4) is not None
    [shown] = editor.all("window/showMessage")
    assert "completion.private_globs" in shown["message"] and "“\\”" in shown["message"]
    assert shown["type"] == 2


async def test_a_document_that_is_closed_while_the_user_is_waited_for_is_not_asked_about(
    editor: Editor, server: EditorServer, voice: Voice
) -> None:
    await start(editor, server, debounceMinMs=30, debounceMaxMs=30)
    editor.open(URI, "x = value")
    params = {
        "textDocument": {"uri": URI},
        "position": {"line": 0, "character": 9},
        "context": {"triggerKind": 2},
    }
    _, running = editor.begin("textDocument/inlineCompletion", params)
    editor.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert not (await asyncio.wait_for(running, PATIENCE) or {}).get("items")
    await editor.request("shutdown")
    assert voice.calls("") == []
    assert editor.all("window/showMessage") == []


async def test_an_edit_that_agrees_keeps_the_stream_and_one_that_does_not_closes_it(
    editor: Editor, server: EditorServer, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "GRACE_S", 3600.0)
    await start(editor, server)
    editor.open(URI, TEXT)
    voice.open.clear()
    begin(editor, 1, 4)
    await asked(voice)
    [call] = voice.calls("")
    editor.change(URI, 2, insertion(1, 4, "re"))
    await editor.command("ideAgent.host.status")
    assert not call.gone.is_set()
    editor.change(URI, 3, insertion(0, 0, "# new\n"))
    await asyncio.wait_for(call.gone.wait(), PATIENCE)
    assert len(voice.calls("")) == 1


async def test_at_the_end_no_host_is_started_to_hear_the_last_events(
    editor: Editor, server: EditorServer, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "_BATCH_S", 3600.0)
    await start(editor, server)
    editor.open(URI, TEXT)
    event(editor, "shown", await ask(editor, 1, 4))
    host.stop()
    await eventually(lambda: not server.host.connected)
    monkeypatch.setattr(server.host, "_ensure", lambda _: pytest.fail("a host was started"))
    await editor.request("shutdown")


async def test_at_the_end_the_last_events_are_delivered(
    editor: Editor, server: EditorServer, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "_BATCH_S", 3600.0)
    await start(editor, server)
    editor.open(URI, TEXT)
    event(editor, "shown", await ask(editor, 1, 4))
    await editor.request("shutdown")
    assert [each["kind"] for each in voice.events()] == ["shown"]

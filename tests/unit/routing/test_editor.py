"""Help in files of rules, as an editor sees it on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ide_agent.editor.host_client import HostClient
from ide_agent.editor.server import EditorServer
from ide_agent.features.routing import editor as module
from ide_agent.paths import routes_file
from support.editor import JSON, PATIENCE, Editor, attached, eventually
from support.fake_host import Address, Call, FakeHost

PUBLISH = "textDocument/publishDiagnostics"
TEXT = "rules:\n  - name: '𝒶', zzz: 1\n"
PROBLEM = {
    "code": "error.routes.unknown",
    "severity": "error",
    "message": "no such key",
    "range": {"line": 1, "column": 15, "end_line": 1, "end_column": 18},
}
DYNAMIC = {"dynamicRegistration": True}


@pytest.fixture
async def host() -> AsyncIterator[FakeHost]:
    fake = FakeHost()
    fake.routes["POST /routes/check"] = lambda call: call.answer(
        {"problems": [PROBLEM] if "zzz" in call.body["text"] else []}
    )
    fake.routes["POST /routes/assist"] = assist
    yield fake
    await fake.aclose()


def assist(call: Call) -> None:
    item = {
        "label": "model",
        "insert": "model: ",
        "start": 15,
        "kind": "key",
        "documentation": "Who answers.",
    }
    call.answer({"completions": [item], "hover": {"text": "Who answers.", "start": 15, "end": 18}})


@pytest.fixture
async def address(host: FakeHost) -> Address:
    return await host.start()


@pytest.fixture
async def editor(host: FakeHost, address: Address, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Editor]:
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.01)
    server = EditorServer()
    server.host = HostClient(server, lambda _: address)
    async with attached(server) as client:
        yield client
        await asyncio.wait_for(host.attached.wait(), PATIENCE)  # or a connection would be left half open
        client.notify("exit")


def where(line: int, character: int, uri: str) -> JSON:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}


async def test_what_is_wrong_is_shown_and_goes_when_it_is_mended(
    editor: Editor, host: FakeHost, file: Path
) -> None:
    await editor.initialize(locale="tr")
    uri = file.as_uri()
    editor.open(uri, TEXT.replace("\n", "\r\n"), "yaml")
    shown = await editor.wait_for(PUBLISH)
    assert (shown["uri"], shown["version"]) == (uri, 1)
    (diagnostic,) = shown["diagnostics"]
    assert diagnostic["range"]["start"] == {"line": 1, "character": 16}  # 𝒶 is two units
    assert (diagnostic["severity"], diagnostic["code"]) == (1, "unknown")
    assert diagnostic["source"] == "ide-agent"
    (check,) = [call.body for call in host.calls if call.path == "/routes/check"]
    assert check == {"text": TEXT, "language": "tr", "workspace": False}
    editor.change(uri, 2, {"text": "rules: zzz"})
    editor.change(uri, 3, {"text": "rules: []"})
    mended = await editor.wait_for(PUBLISH, lambda params: params.get("version") == 3)
    assert mended["diagnostics"] == []
    assert [params.get("version") for params in editor.all(PUBLISH)] == [1, 3]
    editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    await editor.until(lambda: len(editor.all(PUBLISH)) == 3)


async def test_other_documents_are_none_of_ours(editor: Editor, host: FakeHost, tmp_path: Path) -> None:
    await editor.initialize()
    other = (tmp_path / "routes.yaml").as_uri()
    editor.open(other, TEXT, "yaml")
    editor.open("untitled:routes.yaml", TEXT, "yaml")
    assert await editor.request("textDocument/completion", where(1, 4, other)) is None
    assert await editor.request("textDocument/hover", where(1, 4, other)) is None
    assert not [path for path in host.paths() if "/routes" in path]


async def test_a_workspaces_file_is_checked_as_such(editor: Editor, host: FakeHost, tmp_path: Path) -> None:
    await editor.initialize()
    editor.open((tmp_path / ".ide-agent-routes.yaml").as_uri(), "rules: []", "yaml")
    await editor.wait_for(PUBLISH)
    assert [call.body["workspace"] for call in host.calls if call.path == "/routes/check"] == [True]


async def test_completion_and_hover(editor: Editor, host: FakeHost, file: Path) -> None:
    await editor.initialize()
    uri = file.as_uri()
    editor.open(uri, TEXT, "yaml")
    found = await editor.request("textDocument/completion", where(1, 18, uri))
    (item,) = found["items"]
    assert (item["label"], item["documentation"]) == ("model", "Who answers.")
    edit = item["textEdit"]
    assert edit["newText"] == "model: "
    assert edit["range"] == {"start": {"line": 1, "character": 16}, "end": {"line": 1, "character": 18}}
    hover = await editor.request("textDocument/hover", where(1, 18, uri))
    assert hover["contents"]["value"] == "Who answers."
    assert hover["range"]["end"] == {"line": 1, "character": 19}
    asked = [call.body for call in host.calls if call.path == "/routes/assist"]
    assert {(each["line"], each["column"]) for each in asked} == {(1, 17)}


async def test_who_can_be_told_asks_about_these_files_only(editor: Editor) -> None:
    told = await editor.initialize({"textDocument": {"completion": DYNAMIC, "hover": DYNAMIC}})
    assert "completionProvider" not in told and "hoverProvider" not in told

    def registered() -> list[Any]:
        asked = editor.all("client/registerCapability")
        return [
            each for params in asked for each in params["registrations"] if each["id"].startswith("routes")
        ]

    found = await editor.until(registered)
    assert [each["method"] for each in found] == ["textDocument/completion", "textDocument/hover"]
    for each in found:
        patterns = [one["pattern"] for one in each["registerOptions"]["documentSelector"]]
        assert patterns == ["**/routes.yaml", "**/.ide-agent-routes.yaml"]


async def test_who_cannot_is_told_at_the_start(editor: Editor) -> None:
    told = await editor.initialize({"textDocument": {"hover": DYNAMIC}})
    assert "completionProvider" in told and "hoverProvider" not in told


async def test_the_command_opens_the_panel(editor: Editor, host: FakeHost) -> None:
    host.routes["POST /panels/routes/link?language=en"] = lambda call: call.answer(
        {"url": "http://127.0.0.1/x"}
    )
    await editor.initialize()
    assert (await editor.command("ideAgent.routes.open"))["url"] == "http://127.0.0.1/x"


async def test_what_the_host_cannot_say_is_not_shown(editor: Editor, host: FakeHost, file: Path) -> None:
    good = host.routes.pop("POST /routes/check")
    await editor.initialize()
    editor.open(file.as_uri(), TEXT, "yaml")
    await eventually(lambda: "POST /routes/check" in host.paths())
    host.routes["POST /routes/check"] = good
    editor.change(file.as_uri(), 2, {"text": "rules: []"})
    shown = await editor.wait_for(PUBLISH)
    assert (shown["version"], shown["diagnostics"]) == (2, [])
    assert editor.all("window/showMessage") == []


async def test_the_panels_button_opens_the_file_where_an_editor_can(editor: Editor, host: FakeHost) -> None:
    told = {"message": "It stands in routes.yaml."}
    host.routes["POST /panels/routes/event?language=en"] = lambda call: call.answer(told)
    pressed = {"panel": "routes@en", "event": {"action": "edit"}}
    editor.answers["window/showDocument"] = {"success": True}
    await editor.initialize({"window": {"showDocument": {"support": True}}}, locale="en")
    assert await editor.request("ideAgent/panel/event", pressed) == {"message": ""}
    [shown] = editor.all("window/showDocument")
    assert shown["uri"] == routes_file().as_uri() and shown["external"] is False
    editor.answers["window/showDocument"] = {"success": False}
    assert await editor.request("ideAgent/panel/event", pressed) == told


async def test_the_panels_button_opens_the_models_where_an_editor_shows_panels(
    editor: Editor, host: FakeHost
) -> None:
    told = {"message": "Open it by: ide-agent panel hub", "level": "info"}
    host.routes["POST /panels/routes/event?language=en"] = lambda call: call.answer(told)
    state = {"id": "hub@en", "title": "Models", "language": "en", "revision": 0, "blocks": []}

    def show(call: Call) -> None:
        call.head()
        call.event({"type": "show", "panel": state})

    host.routes["GET /panels/hub/events?language=en"] = show
    pressed = {"panel": "routes@en", "event": {"action": "models"}}
    await editor.initialize({"experimental": {"ideAgent": {"panels": True}}}, locale="en")
    assert await editor.request("ideAgent/panel/event", pressed) == {**told, "message": ""}
    [shown] = editor.all("ideAgent/panel/show")
    assert shown["panel"]["id"] == "hub@en"


async def test_who_shows_no_panels_is_told_where_the_models_are(editor: Editor, host: FakeHost) -> None:
    told = {"message": "Open it by: ide-agent panel hub", "level": "info"}
    host.routes["POST /panels/routes/event?language=en"] = lambda call: call.answer(told)
    await editor.initialize(locale="en")
    pressed = {"panel": "routes@en", "event": {"action": "models"}}
    assert await editor.request("ideAgent/panel/event", pressed) == told

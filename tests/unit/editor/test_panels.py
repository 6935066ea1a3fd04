"""Panels between the host and the client."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ide_agent.editor import panels as panels_module
from ide_agent.editor.server import EditorServer
from ide_agent.errors import ModelNotFound, PanelError
from support.editor import Editor, RpcError, attached
from support.fake_host import Call, FakeHost

DRAWS = {"experimental": {"ideAgent": {"panels": True}}}
EVENTS = "GET /panels/hub/events?language=en"


def panel(revision: int = 0) -> dict[str, Any]:
    return {"id": "hub@en", "title": "Models", "language": "en", "revision": revision, "blocks": []}


class Room:
    """The host's side of the panel ``hub``."""

    def __init__(self, host: FakeHost) -> None:
        self.watching: list[Call] = []
        self.revision = 0
        host.routes[EVENTS] = self._events

    async def _events(self, call: Call) -> None:
        call.head()
        call.event({"type": "show", "panel": panel(self.revision)})
        self.watching.append(call)
        await call.gone.wait()

    def patch(self) -> None:
        self.revision += 1
        patch = {"id": "hub@en", "revision": self.revision, "ops": [{"op": "title", "title": "T"}]}
        self.watching[-1].event({"type": "patch", "patch": patch})


@pytest.fixture
async def room(host: FakeHost) -> Room:
    return Room(host)


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


async def opened(editor: Editor) -> None:
    await editor.initialize(DRAWS)
    assert await editor.command("ideAgent.panels.open", {"name": "hub"}) == {"panel": "hub@en"}


async def test_a_panel_is_shown_and_kept_up_to_date(server: EditorServer, room: Room) -> None:
    async with attached(server) as editor:
        await opened(editor)
        assert editor.all("ideAgent/panel/show") == [{"panel": panel()}]
        room.patch()
        room.patch()
        await editor.until(lambda: len(editor.all("ideAgent/panel/patch")) == 2)
        assert [patch["revision"] for patch in editor.all("ideAgent/panel/patch")] == [1, 2]


async def test_what_the_user_does_goes_to_the_host(server: EditorServer, room: Room, host: FakeHost) -> None:
    def act(call: Call) -> None:
        call.answer({"message": f"did {call.body['action']}"})

    host.routes["POST /panels/hub/event?language=en"] = act
    async with attached(server) as editor:
        await opened(editor)
        event = {"action": "pull", "row": "r", "args": {"name": "starter"}}
        answer = await editor.request("ideAgent/panel/event", {"panel": "hub@en", "event": event})
        assert answer == {"message": "did pull"}
        assert host.calls[-1].body == event


async def test_what_goes_wrong_is_said_in_the_users_language(server: EditorServer, host: FakeHost) -> None:
    error = ModelNotFound(name="x")
    host.routes["POST /panels/hub/event?language=tr"] = lambda call: call.answer(
        {"error": error.as_wire()}, 404
    )
    unknown = PanelError(name="hob", names="hub")
    host.routes["GET /panels/hob/events?language=tr"] = lambda call: call.answer(
        {"error": unknown.as_wire()}, 404
    )
    async with attached(server) as editor:
        await editor.initialize(DRAWS, locale="tr")
        with pytest.raises(RpcError) as caught:
            await editor.request("ideAgent/panel/event", {"panel": "hub@tr", "event": {"action": "pull"}})
        assert caught.value.message == error.message("tr")
        with pytest.raises(RpcError) as caught:
            await editor.command("ideAgent.panels.open", {"name": "hob"})
        assert caught.value.message == unknown.message("tr")
        assert editor.all("window/showMessage") == []  # said once


async def test_closing_and_opening_again(server: EditorServer, room: Room) -> None:
    async with attached(server) as editor:
        await opened(editor)
        editor.notify("ideAgent/panel/close", {"panel": "hub@en"})
        await until(room.watching[0].gone.is_set)
        editor.notify("ideAgent/panel/close", {"panel": "hub@en"})
        await editor.command("ideAgent.panels.open", {"name": "hub"})
        await editor.command("ideAgent.panels.open", {"name": "hub"})
        assert len(editor.all("ideAgent/panel/show")) == 3
        await until(room.watching[1].gone.is_set)
        assert not room.watching[2].gone.is_set()


async def test_after_a_crash_of_the_host_it_is_shown_anew(
    server: EditorServer, room: Room, host: FakeHost
) -> None:
    async with attached(server) as editor:
        await opened(editor)
        room.revision = 7
        host.kill()
        await editor.until(lambda: len(editor.all("ideAgent/panel/show")) == 2)
        assert editor.all("ideAgent/panel/show")[-1]["panel"]["revision"] == 7


async def test_a_host_that_was_stopped_is_not_started_for_a_panel(
    server: EditorServer, room: Room, host: FakeHost
) -> None:
    async with attached(server) as editor:
        await opened(editor)
        room.watching[-1].end()
        host.stop()
        await until(lambda: not server.host.connected)
        assert not host.listening
        await editor.command("ideAgent.host.status")  # somebody needs it
        await editor.until(lambda: len(editor.all("ideAgent/panel/show")) == 2)


async def test_other_clients_get_a_page_in_the_browser(server: EditorServer, host: FakeHost) -> None:
    url = "http://127.0.0.1:1/panels/hub/page?language=en#once"
    host.routes["POST /panels/hub/link?language=en"] = lambda call: call.answer({"url": url})
    async with attached(server) as editor:
        editor.answers["window/showDocument"] = {"success": True}
        await editor.initialize({"window": {"showDocument": {"support": True}}})
        assert await editor.command("ideAgent.panels.open", {"name": "hub"}) == {"url": url}
        [shown] = editor.all("window/showDocument")
        assert shown == {"uri": url, "external": True, "takeFocus": True}
        assert editor.all("window/showMessage") == []
        editor.answers["window/showDocument"] = {"success": False}
        await editor.command("ideAgent.panels.open", {"name": "hub"})
        [said] = editor.all("window/showMessage")
        assert said["message"] == url


async def test_the_names_of_the_panels(server: EditorServer, host: FakeHost) -> None:
    panels = {"panels": [{"name": "hub", "title": "Models"}]}
    host.routes["GET /panels?language=en"] = lambda call: call.answer(panels)
    async with attached(server) as editor:
        await editor.initialize()
        assert await editor.command("ideAgent.panels.list") == panels


async def test_a_panel_whose_stream_alone_breaks_comes_back(
    server: EditorServer, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panels_module, "_AGAIN_SECONDS", 0.0)
    async with attached(server) as editor:
        await opened(editor)
        room.watching[-1].writer.transport.abort()
        await editor.until(lambda: len(editor.all("ideAgent/panel/show")) == 2)


async def test_a_client_that_fails_to_show_a_page_gets_its_address(
    server: EditorServer, host: FakeHost
) -> None:
    url = "http://127.0.0.1:1/x"
    host.routes["POST /panels/hub/link?language=en"] = lambda call: call.answer({"url": url})
    async with attached(server) as editor:
        editor.answers["window/showDocument"] = RpcError({"code": -32603, "message": "no browser"})
        await editor.initialize({"window": {"showDocument": {"support": True}}})
        assert await editor.command("ideAgent.panels.open", {"name": "hub"}) == {"url": url}
        assert [said["message"] for said in editor.all("window/showMessage")] == [url]


async def test_a_name_of_any_letters_is_refused_by_the_host(server: EditorServer, host: FakeHost) -> None:
    unknown = PanelError(name="ü /", names="hub")
    host.routes["GET /panels/%C3%BC%20%2F/events?language=en"] = lambda call: call.answer(
        {"error": unknown.as_wire()}, 404
    )
    async with attached(server) as editor:
        await editor.initialize(DRAWS)
        with pytest.raises(RpcError) as caught:
            await editor.command("ideAgent.panels.open", {"name": "ü /"})
        assert caught.value.message == unknown.message("en")

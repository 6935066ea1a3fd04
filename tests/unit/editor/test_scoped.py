"""Features for certain documents only."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from lsprotocol import types

from ide_agent.editor.host_client import HostClient
from ide_agent.editor.server import EditorServer
from ide_agent.hooks import Plugins
from support.editor import Editor, RpcError, attached
from support.fake_host import FakeHost

HOVER = {"textDocument": {"hover": {"dynamicRegistration": True}}}


@pytest.fixture
async def editor(host: FakeHost, home: object, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Editor]:
    """A server with one such feature and no plugins."""
    monkeypatch.setattr("ide_agent.editor.server.plugins", Plugins)
    address = await host.start()
    server = EditorServer()
    server.host = HostClient(server, lambda _: address)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(ls: EditorServer, params: types.HoverParams) -> types.Hover:
        return types.Hover("here")

    selector = [types.TextDocumentFilterPattern(pattern="**/x")]
    options = types.HoverRegistrationOptions(document_selector=selector)
    server.scoped.add(types.Registration("x", types.TEXT_DOCUMENT_HOVER, options))
    async with attached(server) as client:
        yield client
        await host.attached.wait()
        client.notify("exit")


async def answered(editor: Editor) -> bool:
    at = {"textDocument": {"uri": "file:///x"}, "position": {"line": 0, "character": 0}}
    return (await editor.request("textDocument/hover", at))["contents"] == "here"


async def test_a_client_that_can_be_told_is_told_which(editor: Editor) -> None:
    assert "hoverProvider" not in await editor.initialize(HOVER)
    asked = await editor.wait_for("client/registerCapability")
    (registration,) = asked["registrations"]
    assert registration["method"] == "textDocument/hover"
    assert registration["registerOptions"]["documentSelector"] == [{"pattern": "**/x"}]
    assert await answered(editor)


async def test_any_other_one_learns_of_it_at_the_start(editor: Editor) -> None:
    assert (await editor.initialize())["hoverProvider"]
    assert await answered(editor)
    assert editor.all("client/registerCapability") == []


async def test_a_client_that_refuses_after_all_gets_no_error(editor: Editor) -> None:
    editor.answers["client/registerCapability"] = RpcError({"code": -32601, "message": "no"})
    await editor.initialize(HOVER)
    await editor.wait_for("client/registerCapability")
    assert await answered(editor)
    assert editor.all("window/showMessage") == []

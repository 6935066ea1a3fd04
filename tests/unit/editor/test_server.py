from __future__ import annotations

import asyncio
import types as modules
from collections.abc import Callable
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import FeatureAlreadyRegisteredError

from ide_agent.editor.server import EditorServer
from ide_agent.errors import ModelNotFound
from ide_agent.hooks import Plugins, hookimpl
from ide_agent.locale import translate
from support.editor import PATIENCE, attached, eventually
from support.fake_host import FakeHost


def plugin(register: Callable[[EditorServer], None]) -> modules.ModuleType:
    module = modules.ModuleType("plugin")

    @hookimpl
    def register_editor(server: EditorServer) -> None:
        register(server)

    module.register_editor = register_editor  # type: ignore[attr-defined]
    return module


async def test_initialize_says_what_the_server_can_do(server: EditorServer) -> None:
    async with attached(server) as editor:
        capabilities = await editor.initialize({"notebookDocument": {"synchronization": {}}})
        assert capabilities["textDocumentSync"]["change"] == 2
        assert capabilities["textDocumentSync"]["openClose"] is True
        assert capabilities["notebookDocumentSync"] == {
            "notebookSelector": [{"notebook": "*"}],
            "save": False,
        }
        commands = capabilities["executeCommandProvider"]["commands"]
        assert {"ideAgent.host.status", "ideAgent.host.restart", "ideAgent.engine.native"} <= set(commands)


@pytest.mark.parametrize(
    ("params", "language"),
    [
        ({}, "en"),
        ({"locale": "tr-TR"}, "tr"),
        ({"locale": "de"}, "en"),
        ({"locale": "tr", "initializationOptions": {"language": "en"}}, "en"),
        ({"locale": "en", "initializationOptions": {"language": "tr"}}, "tr"),
        ({"initializationOptions": {"language": 7}}, "en"),
        ({"initializationOptions": [1]}, "en"),
        ({"locale": "en", "initializationOptions": {"settings": {"locale": "tr"}}}, "tr"),
    ],
)
async def test_language_of_the_user(server: EditorServer, params: dict[str, Any], language: str) -> None:
    async with attached(server) as editor:
        await editor.initialize(**params)
        await asyncio.wait_for(server.configuration.ready(), PATIENCE)
        assert server.language == language


async def test_notifications_may_have_several_handlers_in_order(server: EditorServer) -> None:
    heard: list[str] = []

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def first(ls: EditorServer, params: types.DidOpenTextDocumentParams) -> None:
        heard.append("first")
        raise ModelNotFound(name="x")

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def second(ls: EditorServer, params: types.DidOpenTextDocumentParams) -> None:
        heard.append("second")

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def third(ls: EditorServer, params: types.DidOpenTextDocumentParams) -> None:
        heard.append(f"third {params.text_document.text}")

    async with attached(server) as editor:
        await editor.initialize()
        editor.open("file:///a", "text")
        await eventually(lambda: len(heard) == 3)
        assert heard[0] == "first" and set(heard) == {"first", "second", "third text"}
        shown = await editor.wait_for("window/showMessage")
        assert shown["message"] == ModelNotFound(name="x").message("en")


async def test_requests_have_one_handler(server: EditorServer) -> None:
    def hover(ls: EditorServer, params: types.HoverParams) -> None:
        return None

    server.feature(types.TEXT_DOCUMENT_HOVER)(hover)
    with pytest.raises(FeatureAlreadyRegisteredError):
        server.feature(types.TEXT_DOCUMENT_HOVER)(hover)


async def test_shutdown_waits_for_all_who_have_something_to_save(server: EditorServer) -> None:
    saved: list[int] = []

    @server.feature(types.SHUTDOWN)
    async def one(ls: EditorServer, params: None) -> None:
        await asyncio.sleep(0.01)
        saved.append(1)
        raise RuntimeError

    @server.feature(types.SHUTDOWN)
    async def two(ls: EditorServer, params: None) -> None:
        await asyncio.sleep(0.01)
        saved.append(2)

    async with attached(server) as editor:
        await editor.initialize()
        assert await editor.request("shutdown") is None
        assert saved == [1, 2]


async def test_handlers_of_our_own_messages_must_be_typed(server: EditorServer) -> None:
    def untyped(ls: EditorServer, params) -> None:  # type: ignore[no-untyped-def]
        return None

    def two(ls: EditorServer, one: types.Position, two: types.Position) -> None:
        return None

    for wrong in (untyped, two):
        with pytest.raises(TypeError, match="must be"):
            server.command("test.wrong")(wrong)
        with pytest.raises(TypeError, match="must be"):
            server.feature("ideAgent/wrong")(wrong)


async def test_a_broken_plugin_is_named_and_the_others_work(
    plugins: Plugins, make_server: Callable[[], EditorServer]
) -> None:
    def good(server: EditorServer) -> None:
        @server.command("good.hello")
        def hello(ls: EditorServer) -> str:
            return "hello"

    def bad(server: EditorServer) -> None:
        raise RuntimeError

    plugins.register(plugin(bad), "bad-one")
    plugins.register(plugin(good), "good-one")
    async with attached(make_server()) as editor:
        await editor.initialize(locale="tr")
        assert await editor.command("good.hello") == "hello"
        shown = await editor.wait_for("window/showMessage")
        assert shown["message"] == translate("editor.plugin_failed", "tr", name="bad-one")


async def test_case_41_notebook_cells_are_documents(server: EditorServer) -> None:
    cell = "vscode-notebook-cell:/w/n.ipynb#W0"
    notebook = {"uri": "file:///w/n.ipynb", "notebookType": "jupyter-notebook", "version": 1}
    async with attached(server) as editor:
        await editor.initialize({"notebookDocument": {"synchronization": {}}})
        editor.notify(
            "notebookDocument/didOpen",
            {
                "notebookDocument": {**notebook, "cells": [{"kind": 2, "document": cell}]},
                "cellTextDocuments": [
                    {"uri": cell, "languageId": "python", "version": 1, "text": "x = \u2028\n1"}
                ],
            },
        )
        at = {"line": 1, "character": 0}
        text = {
            "document": {"uri": cell, "version": 2},
            "changes": [{"range": {"start": at, "end": at}, "text": "2"}],
        }
        editor.notify(
            "notebookDocument/didChange",
            {
                "notebookDocument": {"uri": notebook["uri"], "version": 2},
                "change": {"cells": {"textContent": [text]}},
            },
        )
        document = await eventually(lambda: (d := server.documents.get(cell)) and d.version == 2 and d)
        assert document.source == "x = \u2028\n21"
        editor.notify(
            "notebookDocument/didClose",
            {"notebookDocument": {"uri": notebook["uri"]}, "cellTextDocuments": [{"uri": cell}]},
        )
        await eventually(lambda: server.documents.get(cell) is None)


async def test_a_dead_host_is_said_once_in_the_users_language(server: EditorServer, host: FakeHost) -> None:
    async with attached(server) as editor:
        await editor.initialize({"experimental": {"ideAgent": {"status": True}}}, locale="tr")
        await editor.wait_for("ideAgent/status", lambda status: status["state"] == "ready")
        host.kill()
        text = translate("error.host.unavailable", "tr")
        shown = await editor.wait_for("window/showMessage")
        assert shown == {"type": 2, "message": text}
        await editor.wait_for("ideAgent/status", lambda status: status.get("message") == text)
        await editor.until(lambda: editor.all("ideAgent/status")[-1]["state"] == "ready")
        assert (await editor.command("ideAgent.host.status"))["pid"] == 1
        assert len(editor.all("window/showMessage")) == 1


async def test_failures_in_the_background_are_logged(
    server: EditorServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise ValueError

    await asyncio.gather(server.spawn(fail()), return_exceptions=True)
    await asyncio.sleep(0)
    assert [record.message for record in caplog.records] == ["a background task failed"]

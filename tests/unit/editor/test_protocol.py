"""One test for each defect of pygls that `editor/protocol.py` works round; each fails with plain pygls."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from lsprotocol import types

from ide_agent.editor.protocol import explain
from ide_agent.editor.server import EditorServer
from ide_agent.errors import ModelNotFound
from support.editor import PATIENCE, RpcError, attached, eventually

INVALID_PARAMS, INVALID_REQUEST, CANCELLED, FAILED = -32602, -32600, -32800, -32803
DOCUMENT = {"uri": "file:///a.py"}
HOVER = {"textDocument": DOCUMENT, "position": {"line": 0, "character": 0}}


@attrs.define
class Order:
    what_kind: str
    how_many: int = 1


@attrs.define
class Optional:
    how_many: int = 7


async def test_cancelling_a_command_cancels_its_coroutine(server: EditorServer) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    @server.command("test.wait")
    async def wait(ls: EditorServer) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with attached(server) as editor:
        await editor.initialize()
        msg_id, answer = editor.begin("workspace/executeCommand", {"command": "test.wait"})
        await asyncio.wait_for(begun.wait(), PATIENCE)
        editor.notify("$/cancelRequest", {"id": msg_id})
        with pytest.raises(RpcError) as caught:
            await asyncio.wait_for(answer, PATIENCE)
        assert caught.value.code == CANCELLED
        await asyncio.wait_for(ended.wait(), PATIENCE)


async def test_request_futures_do_not_grow(server: EditorServer) -> None:
    """pygls #608."""
    changes = 0

    @server.command("test.echo")
    async def echo(ls: EditorServer, params: Order) -> int:
        return params.how_many

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(ls: EditorServer, params: types.DidChangeTextDocumentParams) -> None:
        nonlocal changes
        await asyncio.sleep(0)
        changes += 1

    async with attached(server) as editor:
        await editor.initialize()
        editor.open(DOCUMENT["uri"], "")
        for version in range(1000):
            editor.change(DOCUMENT["uri"], version, {"text": "x" * version})
        for number in range(50):
            assert await editor.command("test.echo", {"whatKind": "k", "howMany": number}) == number
        await eventually(lambda: changes == 1000)
        document = server.documents.get(DOCUMENT["uri"])
        assert document is not None and document.source == "x" * 999
        await eventually(lambda: not server.protocol._request_futures)
        assert server.protocol._request_futures == {}
        assert server.protocol._result_types == {}


async def test_progress_tokens_do_not_grow(server: EditorServer) -> None:
    """pygls #607."""
    async with attached(server) as editor:
        await editor.initialize()
        shown = server.work_done_progress
        for token in ("a", "b"):
            await shown.create_async(token)
            shown.begin(token, types.WorkDoneProgressBegin("t"))
            shown.end(token, types.WorkDoneProgressEnd())
        await editor.until(lambda: len(editor.all("$/progress")) == 4)
        assert shown.tokens == {}


async def test_an_answer_to_a_request_that_was_given_up_is_dropped(server: EditorServer) -> None:
    """pygls #621."""
    async with attached(server) as editor:
        await editor.initialize()
        del editor.answers["workspace/configuration"]
        items = types.ConfigurationParams([types.ConfigurationItem()])
        waiting = asyncio.create_task(server.workspace_configuration_async(items))
        await editor.wait_for("workspace/configuration")
        (msg_id,) = server.protocol._request_futures
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await eventually(lambda: not server.protocol._request_futures)
        editor.send({"jsonrpc": "2.0", "id": msg_id, "result": [None]})
        with pytest.raises(RpcError):
            await editor.command("no.such.command")
        assert server.protocol._result_types == {}
        assert editor.all("window/showMessage") == []


async def test_an_error_answer_reaches_who_asked_and_leaves_nothing(server: EditorServer) -> None:
    async with attached(server) as editor:
        await editor.initialize()
        del editor.answers["workspace/configuration"]
        items = types.ConfigurationParams([types.ConfigurationItem()])
        waiting = asyncio.create_task(server.workspace_configuration_async(items))
        await editor.wait_for("workspace/configuration")
        (msg_id,) = server.protocol._request_futures
        editor.send({"jsonrpc": "2.0", "id": msg_id, "error": {"code": -32601, "message": "no"}})
        with pytest.raises(Exception, match="no"):
            await asyncio.wait_for(waiting, PATIENCE)
        assert server.protocol._request_futures == {} == server.protocol._result_types


async def test_case_11_a_request_cancelled_before_its_turn_never_runs(server: EditorServer) -> None:
    """pygls #517: a busy loop finds the request and, behind it, its cancellation."""
    ran: list[str] = []

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(ls: EditorServer, params: types.HoverParams) -> None:
        ran.append("hover")

    async with attached(server) as editor:
        await editor.initialize()
        msg_id, answer = editor.begin("textDocument/hover", HOVER)
        editor.notify("$/cancelRequest", {"id": msg_id})
        _, other = editor.begin("textDocument/hover", HOVER)
        with pytest.raises(RpcError) as caught:
            await asyncio.wait_for(answer, PATIENCE)
        assert caught.value.code == CANCELLED
        assert await asyncio.wait_for(other, PATIENCE) is None
        assert ran == ["hover"]
        assert server.protocol._cancelled_early == set()


@pytest.mark.parametrize(
    "params",
    [
        None,
        {},
        {"textDocument": DOCUMENT},
        {**HOVER, "position": {"line": "MY-SECRET", "character": 0}},
        {**HOVER, "position": None},
        ["x"],
        "x",
        7,
    ],
)
async def test_malformed_params_are_answered(server: EditorServer, params: Any) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(ls: EditorServer, params: types.HoverParams) -> None:
        return None

    async with attached(server) as editor:
        await editor.initialize()
        future = editor.expect("x")
        editor.send({"jsonrpc": "2.0", "id": "x", "method": "textDocument/hover", "params": params})
        with pytest.raises(RpcError) as caught:
            await asyncio.wait_for(future, PATIENCE)
        assert caught.value.code == INVALID_PARAMS
        assert "SECRET" not in str(caught.value)
        assert await editor.request("textDocument/hover", HOVER) is None


async def test_malformed_notifications_hurt_nobody(server: EditorServer) -> None:
    async with attached(server) as editor:
        await editor.initialize()
        editor.notify("textDocument/didChange", {"textDocument": 3})
        editor.notify("$/cancelRequest", {"id": {"a": 1}})
        editor.notify("$/cancelRequest", [])
        editor.notify("$/unknown", {"a": 1})
        editor.send({"jsonrpc": "2.0", "id": "never asked", "result": 1})
        editor.send({"jsonrpc": "2.0"})
        editor.open(DOCUMENT["uri"], "x")
        await eventually(lambda: server.documents.get(DOCUMENT["uri"]))
        assert editor.all("window/showMessage") == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{not json", -32700),
        (b"[]", INVALID_REQUEST),
        (b"7", INVALID_REQUEST),
        (b'{"id": null, "method": "x", "jsonrpc": "1.0"}', INVALID_REQUEST),
        (b'{"id": null, "method": "textDocument/hover", "jsonrpc": "2.0"}', INVALID_REQUEST),
        (b"[" * 100_000, -32700),
    ],
)
async def test_messages_that_are_none_are_answered(server: EditorServer, body: bytes, code: int) -> None:
    async with attached(server) as editor:
        await editor.initialize()
        answer = editor.expect(None)
        editor.send_raw(body)
        with pytest.raises(RpcError) as caught:
            await asyncio.wait_for(answer, PATIENCE)
        assert caught.value.code == code


async def test_custom_messages_are_typed_and_need_no_params(server: EditorServer) -> None:
    heard: list[Any] = []

    @server.feature("ideAgent/test")
    async def typed(ls: EditorServer, params: Order) -> int:
        heard.append(params)
        return params.how_many

    @server.feature("ideAgent/optional")
    def optional(ls: EditorServer, params: Optional) -> int:
        return params.how_many

    async with attached(server) as editor:
        await editor.initialize()
        assert await editor.request("ideAgent/test", {"whatKind": "k", "howMany": 3}) == 3
        assert heard == [Order("k", 3)]
        with pytest.raises(RpcError) as caught:
            await editor.request("ideAgent/test")
        assert caught.value.code == INVALID_PARAMS
        assert await editor.request("ideAgent/optional") == 7
        assert await editor.request("ideAgent/optional", {"other": [1]}) == 7
        with pytest.raises(RpcError) as caught:
            await editor.request("ideAgent/none")
        assert caught.value.code == -32601


async def test_commands_take_one_object_or_nothing(server: EditorServer) -> None:
    @server.command("test.order")
    def order(ls: EditorServer, params: Order) -> str:
        return f"{params.how_many} {params.what_kind}"

    @server.command("test.bare")
    def bare(ls: EditorServer) -> str:
        return "bare"

    async with attached(server) as editor:
        capabilities = await editor.initialize()
        assert "test.order" in capabilities["executeCommandProvider"]["commands"]
        assert await editor.command("test.order", {"whatKind": "k"}) == "1 k"
        assert await editor.command("test.bare") == "bare"
        assert await editor.request("workspace/executeCommand", {"command": "test.bare"}) == "bare"
        for command, arguments in [
            ("test.order", []),
            ("test.order", [{"howMany": "many", "whatKind": "k"}]),
            ("test.order", [{"whatKind": "k"}, {}]),
            ("test.none", []),
        ]:
            with pytest.raises(RpcError) as caught:
                await editor.command(command, *arguments)
            assert caught.value.code == INVALID_PARAMS


async def test_errors_of_ours_are_answered_in_the_users_language(server: EditorServer) -> None:
    @server.command("test.fail")
    async def fail(ls: EditorServer) -> None:
        raise ModelNotFound(name="m")

    async with attached(server) as editor:
        await editor.initialize(locale="tr-TR")
        with pytest.raises(RpcError) as caught:
            await editor.command("test.fail")
        assert caught.value.code == FAILED
        assert caught.value.message == ModelNotFound(name="m").message("tr")
        assert caught.value.data["code"] == "error.model.not_found"


async def test_a_result_without_a_json_form_is_answered_with_an_error(server: EditorServer) -> None:
    @server.command("test.odd")
    async def odd(ls: EditorServer) -> object:
        return {"x": object.__new__(type("Slotted", (), {"__slots__": ()}))}

    async with attached(server) as editor:
        await editor.initialize()
        with pytest.raises(RpcError) as caught:
            await editor.command("test.odd")
        assert caught.value.code == -32603


async def test_requests_before_initialize_and_after_shutdown_are_refused(server: EditorServer) -> None:
    async with attached(server) as editor:
        with pytest.raises(RpcError) as caught:
            await editor.request("textDocument/hover", HOVER)
        assert caught.value.code == -32002
        await editor.initialize()
        with pytest.raises(RpcError) as caught:
            await editor.initialize()
        assert caught.value.code == INVALID_REQUEST
        assert await editor.request("shutdown") is None
        with pytest.raises(RpcError) as caught:
            await editor.request("textDocument/hover", HOVER)
        assert caught.value.code == INVALID_REQUEST
        editor.notify("exit")
        await asyncio.wait_for(editor.ended.wait(), PATIENCE)
        assert server.exited is not None and server.exited.result() == 0


async def test_shutdown_cancels_what_runs(server: EditorServer) -> None:
    began = asyncio.Event()

    @server.command("test.wait")
    async def wait(ls: EditorServer) -> None:
        began.set()
        await asyncio.Event().wait()

    async with attached(server) as editor:
        del editor.answers["workspace/configuration"]
        await editor.initialize({"workspace": {"configuration": True}})
        await editor.wait_for("workspace/configuration")  # a request of ours that is never answered
        waiting = [editor.begin("workspace/executeCommand", {"command": "test.wait"})[1] for _ in range(3)]
        await asyncio.wait_for(began.wait(), PATIENCE)
        assert await editor.request("shutdown") is None
        ends = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), PATIENCE)
        assert [end.code for end in ends if isinstance(end, RpcError)] == [CANCELLED] * 3


async def test_threaded_handlers_answer_through_the_loop(server: EditorServer) -> None:
    writers: set[int] = set()

    @server.thread()
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(ls: EditorServer, params: types.HoverParams) -> None:
        time.sleep(0.01)  # so that the answer is not ready when the callback is attached
        ls.say("from a thread")

    async with attached(server) as editor:
        await editor.initialize()
        assert server.protocol.writer is not None
        write = server.protocol.writer.write

        def spy(data: bytes) -> None:
            writers.add(threading.get_ident())
            write(data)

        server.protocol.writer.write = spy  # type: ignore[method-assign]
        assert await editor.request("textDocument/hover", HOVER) is None
        await editor.wait_for("window/showMessage")
        assert writers == {threading.get_ident()}


async def test_the_workspace_is_ours_from_the_first_handler_on(server: EditorServer) -> None:
    seen: list[Any] = []

    @server.feature(types.INITIALIZE)
    def initialize(ls: EditorServer, params: types.InitializeParams) -> None:
        seen.append(type(ls.workspace).__name__)

    async with attached(server) as editor:
        await editor.initialize()
        assert seen == ["EditorWorkspace"]


def test_explain_names_the_place_but_never_the_value(server_converter: Callable[[Any], Exception]) -> None:
    failure = server_converter({"whatKind": "k", "howMany": "MY-SECRET"})
    (reason,) = explain(failure)
    assert "int" in reason and "how_many" in reason and "SECRET" not in reason


@pytest.fixture
def server_converter() -> Callable[[Any], Exception]:
    from pygls.protocol import default_converter

    def fail(data: Any) -> Exception:
        with pytest.raises(Exception) as caught:
            default_converter().structure(data, Order)
        assert isinstance(caught.value, Exception)
        return caught.value

    return fail

"""LSP as pygls 2.1.1 speaks it, with its defects worked round. All of the work-arounds are in this module.

| defect | upstream | here |
|---|---|---|
| a request that was cancelled before its turn runs anyway | #517 | `foresee`, `receive` |
| a command answers its cancellation, but its coroutine goes on | none | `lsp_workspace__execute_command` |
| `_request_futures` keeps every didChange and async command | #608 | `_execute_handler` |
| `progress.tokens` keeps every token | #607 | `EditorProgress` |
| a reply to a request that we gave up raises | #621 | `send_request`, `_receive_response` |
| an error reply leaves its entry in `_result_types` | none | `_receive_response` |
| malformed params, or none to a custom request: no answer at all | none | `receive`, `_structure` |
| a result that cannot be serialised: no answer at all | none | `_send_handler_result` |
| requests before `initialize` or after `shutdown`: no answer or a wrong one | none | `_refusal` |
| `shutdown` changes the table of requests while it walks it | none | `lsp_shutdown` |
| threaded handlers write to the transport from their thread | none | `_execute_handler`, `_send_data` |
| the workspace class cannot be chosen | none | `lsp_initialize` |
| custom messages arrive as named tuples | none | `custom_types` |
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import threading
import uuid
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import cattrs
from lsprotocol import types
from pygls.capabilities import ServerCapabilitiesBuilder
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcParseError,
    JsonRpcRequestCancelled,
    JsonRpcServerNotInitialized,
)
from pygls.feature_manager import is_thread_function
from pygls.progress import Progress
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    LanguageServerProtocol,
    lsp_method,
)
from pygls.uris import from_fs_path

from ide_agent.editor.documents import EditorWorkspace
from ide_agent.errors import IdeAgentError

if TYPE_CHECKING:
    from ide_agent.editor.server import EditorServer

log = logging.getLogger(__name__)
_LAST_WORDS_SECONDS = 1.0

WORK_DONE_TOKEN: ContextVar[int | str | None] = ContextVar("work_done_token", default=None)
"""The progress token that the client sent along with the command that is running."""


class EditorProgress(Progress):
    """Work-done progress that forgets its tokens."""

    def end(self, token: int | str, value: types.WorkDoneProgressEnd) -> None:
        """Notify the end of the work and forget `token` (pygls #607)."""
        super().end(token, value)
        self.tokens.pop(token, None)


class EditorProtocol(LanguageServerProtocol):
    """The language server protocol of this server.

    Attributes:
        custom_types: the attrs class of the params, by method, of messages that LSP does not know.
        command_types: the attrs class of the argument of each command; None for commands that take none.
    """

    _server: EditorServer

    def __init__(self, server: EditorServer, converter: cattrs.Converter) -> None:
        super().__init__(server, converter)
        self.custom_types: dict[str, type] = {}
        self.command_types: dict[str, type | None] = {}
        self.progress = EditorProgress(self)
        self._cancelled_early: set[int | str] = set()
        self.initialized = False
        """Whether a client has said `initialize`."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.get_ident()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say on which loop, and with that on which thread, messages are handled."""
        self._loop = loop
        self._thread = threading.get_ident()

    @property
    def shutting_down(self) -> bool:
        """Whether the client has asked for the shutdown."""
        return self._shutdown

    @property
    def workspace(self) -> EditorWorkspace:
        """The workspace; RuntimeError before `initialize`."""
        if not isinstance(self._workspace, EditorWorkspace):
            raise RuntimeError("there is no workspace before initialize")
        return self._workspace

    # -- what comes in

    def foresee(self, message: Any) -> None:
        """Note a cancellation whose turn has not come; called from the reading thread (pygls #517)."""
        if isinstance(message, dict) and message.get("method") == types.CANCEL_REQUEST:
            params = message.get("params")
            msg_id = params.get("id") if isinstance(params, dict) else None
            if isinstance(msg_id, int | str):
                self._cancelled_early.add(msg_id)

    def receive_garbage(self) -> None:
        """Answer a message that is not JSON."""
        self._refuse(None, JsonRpcParseError("Parse Error"))

    def receive(self, data: Any) -> None:
        """Handle one message. Nothing escapes: a request is answered, whatever it holds."""
        msg_id = data.get("id") if isinstance(data, dict) else None
        wants_answer = isinstance(data, dict) and "id" in data and "method" in data
        try:
            self._receive(data)
        except JsonRpcException as failure:
            log.warning("message refused: %s", type(failure).__name__)
            if wants_answer or not isinstance(data, dict):
                self._refuse(msg_id, failure)
        except Exception as failure:
            log.exception("a message could not be handled")
            if wants_answer:
                self._refuse(msg_id, JsonRpcInternalError(type(failure).__name__))

    def _refuse(self, msg_id: Any, failure: JsonRpcException) -> None:
        """Answer with an error. JSON-RPC wants an id there, null when none could be read."""
        readable = msg_id if isinstance(msg_id, int | str) else None
        self._send_data({"jsonrpc": self.VERSION, "id": readable, "error": failure.to_response_error()})

    def _receive(self, data: Any) -> None:
        if not isinstance(data, dict) or data.get("jsonrpc") != self.VERSION:
            raise JsonRpcInvalidRequest("not a JSON-RPC 2.0 message")
        msg_id, method = data.get("id"), data.get("method")
        if method is None:
            self._receive_response(data)
            return
        if not isinstance(method, str) or ("id" in data and not isinstance(msg_id, int | str)):
            raise JsonRpcInvalidRequest("malformed id or method")
        if "id" in data:
            if msg_id in self._cancelled_early:
                raise JsonRpcRequestCancelled("cancelled before it ran")
            if (refusal := self._refusal(method)) is not None:
                raise refusal
        elif (self._shutdown or not self.initialized) and method != types.EXIT:
            return
        elif method == types.CANCEL_REQUEST:
            params = data.get("params")
            cancelled = params.get("id") if isinstance(params, dict) else None
            if isinstance(cancelled, int | str):
                self._cancelled_early.discard(cancelled)
                self._handle_cancel_notification(cancelled)
            return
        self.handle_message(self._structure(data))

    def _refusal(self, method: str) -> JsonRpcException | None:
        if self._shutdown:
            return JsonRpcInvalidRequest("the server is shutting down")
        if method == types.INITIALIZE:
            return JsonRpcInvalidRequest("initialized already") if self.initialized else None
        return None if self.initialized else JsonRpcServerNotInitialized("initialize comes first")

    def _structure(self, data: dict[str, Any]) -> Any:
        method: str = data["method"]
        params = data.get("params")
        known = self.get_message_type(method)
        try:
            if known is not None:
                return self._converter.structure(data, known)
            params = {} if params is None else params
            if (params_type := self.custom_types.get(method)) is not None:
                params = self._converter.structure(params, params_type)
        except Exception as failure:
            raise JsonRpcInvalidParams("Invalid Params: " + "; ".join(explain(failure))) from failure
        if "id" in data:
            return JsonRPCRequestMessage(data["id"], method, self.VERSION, params)
        return JsonRPCNotification(method, self.VERSION, params)

    def _receive_response(self, data: dict[str, Any]) -> None:
        msg_id = data.get("id")
        if not isinstance(msg_id, int | str) or msg_id not in self._result_types:
            log.warning("response to an unknown request")
            return
        result_type = self._result_types.pop(msg_id)
        future = self._request_futures.pop(msg_id, None)
        if future is None or future.done():
            return
        try:
            if (error := data.get("error")) is not None:
                message = self._converter.structure(error, types.ResponseError)
                future.set_exception(JsonRpcException.from_error(message))
            elif result_type is None:
                future.set_result(data.get("result"))
            else:
                future.set_result(self._converter.structure(data, result_type).result)
        except Exception as failure:
            future.set_exception(JsonRpcInvalidParams("; ".join(explain(failure))))

    def _handle_cancel_notification(self, msg_id: int | str) -> None:
        future = self._request_futures.get(msg_id)
        if future is not None and msg_id not in self._result_types:
            future.cancel()

    # -- handlers

    def _execute_handler(
        self,
        msg_id: int | str,
        handler: Callable[..., Any],
        callback: Callable[[Future[Any]], None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        def finish(future: Future[Any]) -> None:
            self._request_futures.pop(msg_id, None)
            callback(future)

        def done(future: Future[Any]) -> None:
            if self._loop is not None and threading.get_ident() != self._thread:
                self._loop.call_soon_threadsafe(finish, future)
            else:
                finish(future)

        super()._execute_handler(msg_id, handler, done, args, kwargs)

    def _send_handler_result(self, future: Future[Any], *, msg_id: int | str) -> None:
        if future.cancelled():
            self._send_response(msg_id, error=JsonRpcRequestCancelled("cancelled").to_response_error())
            return
        failure = future.exception()
        if failure is None:
            try:
                self._send_response(msg_id, result=future.result())
            except (TypeError, ValueError, AttributeError) as wrong:
                failure = wrong
            else:
                return
        self._send_response(msg_id, error=self._response_error(failure))

    def _response_error(self, failure: BaseException) -> types.ResponseError:
        if isinstance(failure, IdeAgentError):
            message = failure.message(self._server.language)
            return types.ResponseError(types.LSPErrorCodes.RequestFailed, message, failure.as_wire())
        if isinstance(failure, JsonRpcException):
            return failure.to_response_error()
        log.error("a request failed", exc_info=failure)
        return types.ResponseError(types.ErrorCodes.InternalError, f"{type(failure).__name__}: {failure}")

    def _check_handler_result(self, future: Future[Any]) -> None:
        if not future.cancelled() and (failure := future.exception()) is not None:
            self._server.report_failure(failure)

    # -- what goes out

    def _send_data(self, data: Any) -> None:
        """Send `data`; raises TypeError, ValueError or AttributeError when it has no JSON form."""
        body = json.dumps(data, default=self._serialize_message, separators=(",", ":")).encode()
        frame = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        if self._loop is not None and threading.get_ident() != self._thread:
            self._loop.call_soon_threadsafe(self._write, frame)
        else:
            self._write(frame)

    def _write(self, frame: bytes) -> None:
        if self.writer is None:
            log.error("nobody to send to")
            return
        try:
            self.writer.write(frame)
        except OSError:
            self._server.leave(1)

    def send_request(
        self,
        method: str,
        params: Any | None = None,
        callback: Callable[[Any], None] | None = None,
        msg_id: int | str | None = None,
    ) -> Future[Any]:
        """Send a request; giving up its future forgets it (pygls #621)."""
        sent_id = msg_id if msg_id is not None else str(uuid.uuid4())
        future = super().send_request(method, params, callback, sent_id)

        def forget(future: Future[Any]) -> None:
            if future.cancelled():
                self._request_futures.pop(sent_id, None)

        future.add_done_callback(forget)
        return future

    # -- built-in methods

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        """As in pygls, with a workspace of ours."""
        server = self._server
        server.process_id = params.process_id
        self.client_capabilities = params.capabilities
        encoding = ServerCapabilitiesBuilder.choose_position_encoding(params.capabilities)
        root = params.root_uri or (from_fs_path(params.root_path) if params.root_path else None)
        self._workspace = EditorWorkspace(
            root, server._text_document_sync_kind, params.workspace_folders or [], encoding
        )
        server.prepare(params)
        if (user_handler := self.fm.features.get(types.INITIALIZE)) is not None:
            yield user_handler, (params,), None
        self.server_capabilities = ServerCapabilitiesBuilder(
            params.capabilities,
            {*self.fm.features, *self.fm.builtin_features} - server.scoped.later(params.capabilities),
            self.fm.feature_options,
            list(self.fm.commands),
            server._text_document_sync_kind,
            server._notebook_document_sync,
            encoding,
        ).build()  # type: ignore[no-untyped-call]
        self.initialized = True
        return types.InitializeResult(self.server_capabilities, self.server_info)

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *args: Any) -> Generator[Any, Any, None]:
        """Cancel what is running and accept nothing more."""
        if (user_handler := self.fm.features.get(types.SHUTDOWN)) is not None:
            yield user_handler, args, None
        this = self.msg_id
        running = [future for msg_id, future in list(self._request_futures.items()) if msg_id != this]
        for future in running:
            future.cancel()
        yield self._answered, ([task for task in running if isinstance(task, asyncio.Task)],), None
        self._shutdown = True

    async def _answered(self, cancelled: list[asyncio.Task[Any]]) -> None:
        """Let the cancelled requests say so before the client hears that all is over."""
        if cancelled:
            await asyncio.wait(cancelled, timeout=_LAST_WORDS_SECONDS)

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: Any) -> None:  # type: ignore[override]
        """Leave at once, whatever is running."""
        self._server.leave(0 if self._shutdown else 1)

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(  # type: ignore[override]
        self, params: types.ExecuteCommandParams
    ) -> Any:
        """Run a command in the task of its request, so that cancelling the request cancels the command."""
        handler = self.fm.commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams(f"there is no command {params.command!r}")
        args = self._command_arguments(params)
        WORK_DONE_TOKEN.set(params.work_done_token)
        if is_thread_function(handler):  # type: ignore[no-untyped-call]
            pool = self._server.thread_pool
            return await asyncio.get_running_loop().run_in_executor(pool, handler, *args)
        result = handler(*args)
        return await result if inspect.isawaitable(result) else result

    def _command_arguments(self, params: types.ExecuteCommandParams) -> tuple[Any, ...]:
        given = params.arguments or []
        wanted = self.command_types.get(params.command)
        if len(given) > 1:
            raise JsonRpcInvalidParams(f"{params.command} takes one object")
        if wanted is None:
            return ()
        argument = given[0] if given and given[0] is not None else {}
        try:
            return (self._converter.structure(argument, wanted),)
        except Exception as failure:
            raise JsonRpcInvalidParams("Invalid Params: " + "; ".join(explain(failure))) from failure


def explain(failure: Exception) -> list[str]:
    """What is wrong with a message, by path and type; never the values, which may be secret."""
    return [reason.partition(" (")[0] for reason in cattrs.transform_error(failure)]

"""A language client that speaks raw JSON, so that tests see what is on the wire."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from ide_agent.editor.server import EditorServer
from ide_agent.editor.transport import FrameParser, serve_stream

PATIENCE = 60.0
JSON = dict[str, Any]


class RpcError(Exception):
    """An error answer."""

    def __init__(self, error: JSON) -> None:
        super().__init__(error.get("message"))
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data: Any = error.get("data")


class Editor:
    """One client.

    Attributes:
        answers: what to answer the server's requests with, by method: a value, an `RpcError`,
            or a function of the params.
        seen: notifications and requests from the server, in order: (method, params).
    """

    def __init__(self, reader: asyncio.StreamReader, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._reader = reader
        self._last = 0
        self._waiting: dict[Any, asyncio.Future[Any]] = {}
        self._news = asyncio.Event()
        self.answers: dict[str, Any] = {
            "client/registerCapability": None,
            "window/workDoneProgress/create": None,
            "workspace/configuration": lambda params: [None for _ in params["items"]],
        }
        self.seen: list[tuple[str, Any]] = []
        self.ended = asyncio.Event()
        self.errors = ""
        self._task = asyncio.create_task(self._read())

    # -- to the server

    def send(self, message: Any) -> None:
        """Send any JSON value."""
        self.send_raw(json.dumps(message).encode())

    def send_raw(self, body: bytes) -> None:
        """Send one frame."""
        self._write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def notify(self, method: str, params: Any = None) -> None:
        """Send a notification."""
        self.send({"jsonrpc": "2.0", "method": method, "params": {} if params is None else params})

    def begin(self, method: str, params: Any = None) -> tuple[int, asyncio.Future[Any]]:
        """Send a request; its id and the future of its result."""
        self._last += 1
        future = self.expect(self._last)
        body = {} if params is None else {"params": params}
        self.send({"jsonrpc": "2.0", "id": self._last, "method": method, **body})
        return self._last, future

    def expect(self, msg_id: Any) -> asyncio.Future[Any]:
        """The future of the answer with this id."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[msg_id] = future
        return future

    async def request(self, method: str, params: Any = None) -> Any:
        """Send a request and wait for its result."""
        return await asyncio.wait_for(self.begin(method, params)[1], PATIENCE)

    async def command(self, command: str, *arguments: Any, **extra: Any) -> Any:
        """Run a command."""
        params = {"command": command, "arguments": list(arguments), **extra}
        return await self.request("workspace/executeCommand", params)

    async def initialize(self, capabilities: JSON | None = None, **params: Any) -> JSON:
        """Shake hands; the server's capabilities."""
        wanted = {"processId": None, "rootUri": None, "capabilities": capabilities or {}, **params}
        result = await self.request("initialize", wanted)
        self.notify("initialized")
        answer: JSON = result["capabilities"]
        return answer

    def open(self, uri: str, text: str, language: str = "python", version: int = 1) -> None:
        """Open a document."""
        item = {"uri": uri, "languageId": language, "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, uri: str, version: int, *changes: JSON) -> None:
        """Change a document."""
        document = {"uri": uri, "version": version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)})

    # -- from the server

    def all(self, method: str) -> list[Any]:
        """The params of all `method` messages so far."""
        return [params for name, params in self.seen if name == method]

    async def until(self, holds: Callable[[], Any]) -> Any:
        """Wait until `holds()` is true, checked whenever a message has come; its value."""

        async def wait() -> Any:
            while not (value := holds()):
                self._news.clear()
                await self._news.wait()
            return value

        return await asyncio.wait_for(wait(), PATIENCE)

    async def wait_for(self, method: str, wanted: Callable[[Any], bool] = lambda _: True) -> Any:
        """The params of the first `method` message, past or to come, that is `wanted`."""
        found = await self.until(lambda: [p for p in self.all(method) if wanted(p)])
        return found[0]

    async def close(self) -> None:
        """Stop reading."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _read(self) -> None:
        parser = FrameParser()
        with suppress(ConnectionError):  # how a socket ends whose other end was closed with something unread
            while data := await self._reader.read(1 << 16):
                for body in parser.feed(data):
                    self._take(json.loads(body))
                    self._news.set()
        self.ended.set()

    def _take(self, message: JSON) -> None:
        if "method" not in message:
            future = self._waiting.pop(message.get("id"), None)
            if future is None or future.done():
                return
            if "error" in message:
                future.set_exception(RpcError(message["error"]))
            else:
                future.set_result(message.get("result"))
            return
        method, params = message["method"], message.get("params")
        self.seen.append((method, params))
        if "id" in message and method in self.answers:
            answer = self.answers[method]
            result = answer(params) if callable(answer) else answer
            if isinstance(result, RpcError):
                error = {"code": result.code, "message": result.message}
                self.send({"jsonrpc": "2.0", "id": message["id"], "error": error})
            else:
                self.send({"jsonrpc": "2.0", "id": message["id"], "result": result})


async def eventually(holds: Callable[[], Any]) -> Any:
    """Wait until `holds()` is true; its value."""

    async def wait() -> Any:
        while not (value := holds()):
            await asyncio.sleep(0.005)
        return value

    return await asyncio.wait_for(wait(), PATIENCE)


@asynccontextmanager
async def attached(server: EditorServer) -> AsyncIterator[Editor]:
    """A client of `server`, both in this loop, connected by a socket pair."""
    ours, theirs = socket.socketpair()
    there = asyncio.create_task(_serve(server, theirs))
    reader, writer = await asyncio.open_connection(sock=ours)
    editor = Editor(reader, writer.write)
    try:
        yield editor
    finally:
        await editor.close()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        await asyncio.wait_for(there, PATIENCE)
        await server.host.aclose()


async def _serve(server: EditorServer, sock: socket.socket) -> int:
    reader, writer = await asyncio.open_connection(sock=sock)
    try:
        return await serve_stream(server, reader, writer)
    finally:
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def process(
    env: dict[str, str], *arguments: str
) -> AsyncIterator[tuple[Editor, asyncio.subprocess.Process]]:
    """A client of a real `ide-agent lsp` process; its stderr is in `editor.errors` at the end."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ide_agent",
        "lsp",
        *arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **env},
    )
    assert child.stdin and child.stdout and child.stderr
    errors = asyncio.create_task(child.stderr.read())
    editor = Editor(child.stdout, child.stdin.write)
    try:
        yield editor, child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()
        editor.errors = (await errors).decode(errors="replace")
        await editor.close()
        child.stdin.close()
        with suppress(ConnectionError):
            await child.stdin.wait_closed()

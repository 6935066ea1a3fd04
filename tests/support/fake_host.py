"""A host that answers as a test says: HTTP/1.1 by hand, so that it can also misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from ide_agent import __version__
from ide_agent.versions import PROTOCOL

JSON = dict[str, Any]


@dataclass
class Call:
    """One request, and the means to answer it."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    writer: asyncio.StreamWriter
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, body: Any, status: int = 200) -> None:
        """Answer with JSON."""
        data = json.dumps(body).encode()
        self.writer.write(
            b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (status, len(data), data)
        )

    def head(self) -> None:
        """Begin an event stream."""
        self.writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )

    def raw(self, data: bytes) -> None:
        """Send a chunk of the stream."""
        self.writer.write(b"%x\r\n%b\r\n" % (len(data), data))

    def event(self, event: JSON) -> None:
        """Send one event."""
        self.raw(b"data: " + json.dumps(event).encode() + b"\n\n")

    def end(self) -> None:
        """End the stream properly."""
        self.writer.write(b"0\r\n\r\n")


Route = Callable[[Call], Awaitable[None] | None]


@dataclass(frozen=True)
class Address:
    """Where it listens."""

    url: str
    headers: dict[str, str]


class FakeHost:
    """Serves `routes`, keyed ``"GET /status"``; unknown ones are answered with 404.

    Attributes:
        calls: all requests that came, `/events` included.
        token: what a request must carry.
    """

    def __init__(self) -> None:
        self.routes: dict[str, Route] = {"GET /events": self._events, "GET /status": _status}
        self.calls: list[Call] = []
        self.token = "secret"
        self.attached = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._events_open: list[Call] = []

    @property
    def listening(self) -> bool:
        """Whether it runs."""
        return self._server is not None

    async def start(self) -> Address:
        """Listen on a free port."""
        self.attached.clear()
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return Address(f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {self.token}"})

    def paths(self) -> list[str]:
        """Method and path of all requests but `/events`."""
        return [f"{c.method} {c.path}" for c in self.calls if c.path not in ("/events", "/health")]

    def publish(self, event: JSON) -> None:
        """Send `event` to all who listen."""
        for call in self._events_open:
            call.event(event)

    def stop(self) -> None:
        """End as a host does that was asked to: streams are ended, then it is gone."""
        for call in self._events_open:
            call.end()
        self._close()

    def kill(self) -> None:
        """End as by kill -9."""
        for writer in list(self._open):
            writer.transport.abort()
        self._close()

    async def aclose(self) -> None:
        """Leave nothing behind."""
        self.kill()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _close(self) -> None:
        self._events_open.clear()
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._open.add(writer)
        try:
            rest = b""
            while call := await _read_call(reader, writer, rest):
                self.calls.append(call)
                rest = await self._answer(call, reader)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(writer)
            for call in self.calls:
                if call.writer is writer:
                    call.gone.set()
            writer.close()

    async def _answer(self, call: Call, reader: asyncio.StreamReader) -> bytes:
        """Answer; what has been read of the next request, whose sender may be quicker than this task."""
        if call.path == "/health":
            call.answer({"status": "ok", "version": __version__, "protocol": PROTOCOL})
            return b""
        if call.headers.get("authorization") != f"Bearer {self.token}":
            call.answer(
                {"error": {"message": "no", "type": "HostError", "code": "error.x", "params": {}}}, 401
            )
            return b""
        route = self.routes.get(f"{call.method} {call.path}")
        if route is None:
            call.answer({"error": {"message": "no such route"}}, 404)
            return b""
        work = asyncio.ensure_future(_maybe(route(call)))
        watch = asyncio.ensure_future(reader.read(1))
        await asyncio.wait((work, watch), return_when=asyncio.FIRST_COMPLETED)
        watch.cancel()
        [came] = await asyncio.gather(watch, return_exceptions=True)
        rest = came if isinstance(came, bytes) else b""
        if not work.done() or not (rest or watch.cancelled()):
            call.gone.set()
            work.cancel()
            raise ConnectionResetError
        work.result()
        return rest

    async def _events(self, call: Call) -> None:
        call.head()
        self._events_open.append(call)
        self.attached.set()
        await call.gone.wait()


async def _maybe(result: Awaitable[None] | None) -> None:
    if result is not None:
        await result


def _status(call: Call) -> None:
    call.answer({"version": "0.1.0", "pid": 1})


async def _read_call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, begun: bytes) -> Call | None:
    head = begun + await reader.readuntil(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    headers = dict(line.lower().split(": ", 1) for line in rest if ": " in line)
    headers["authorization"] = next(
        (line[15:] for line in rest if line.lower().startswith("authorization")), ""
    )
    length = int(headers.get("content-length", "0"))
    body = json.loads(await reader.readexactly(length)) if length else None
    return Call(method, path, headers, body, writer)

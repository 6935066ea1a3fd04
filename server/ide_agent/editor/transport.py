"""Messages in and out: JSON-RPC frames over stdio or TCP.

pygls reads stdin in its worker pool, one header line at a time, and its exit waits for that pool. Here a
thread of its own reads; because it reads on while a handler is busy, it sees a `$/cancelRequest` before the
request that it cancels has run (pygls #517).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ide_agent.editor.protocol import EditorProtocol
    from ide_agent.editor.server import EditorServer

log = logging.getLogger(__name__)
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_CHUNK = 1 << 16


class FrameParser:
    """Cuts a byte stream into the bodies of its ``Content-Length`` frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._length = -1

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bodies that are complete now. A header without a length is skipped."""
        self._buffer += data
        while True:
            if self._length < 0:
                end = self._buffer.find(b"\r\n\r\n")
                if end < 0:
                    return
                found = _LENGTH.search(self._buffer[:end])
                del self._buffer[: end + 4]
                if found is None:
                    log.error("a message without Content-Length was skipped")
                    continue
                self._length = int(found[1])
            if len(self._buffer) < self._length:
                return
            body = bytes(self._buffer[: self._length])
            del self._buffer[: self._length]
            self._length = -1
            yield body


class Inbox:
    """Takes bytes from any thread, gives messages to the protocol on the loop's thread, in order."""

    def __init__(self, protocol: EditorProtocol, loop: asyncio.AbstractEventLoop) -> None:
        self._protocol = protocol
        self._loop = loop
        self._parser = FrameParser()

    def feed(self, data: bytes) -> None:
        """Parse `data`; cancellations count from now on, the messages themselves wait for their turn."""
        for body in self._parser.feed(data):
            try:
                message: Any = json.loads(body)
            except (ValueError, RecursionError):
                self._loop.call_soon_threadsafe(self._protocol.receive_garbage)
                continue
            self._protocol.foresee(message)
            self._loop.call_soon_threadsafe(self._protocol.receive, message)


def read_in_thread(fd: int, inbox: Inbox, on_end: Callable[[], None]) -> None:
    """Read the file descriptor `fd` until it ends, in a daemon thread, which then calls `on_end`."""

    def read() -> None:
        try:
            while data := os.read(fd, _CHUNK):
                inbox.feed(data)
        except (OSError, RuntimeError) as failure:  # the descriptor or the loop was closed
            log.warning("reading from the client ended: %s", failure)
        on_end()

    threading.Thread(target=read, name="stdin", daemon=True).start()


class FdWriter:
    """Writes to a file descriptor, whole messages at a time."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def write(self, data: bytes) -> None:
        """Write all of `data`; raises BrokenPipeError when the client is gone."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]

    def close(self) -> None:
        """Nothing to do: every message was written when `write` returned."""


class SocketWriter:
    """Writes to an asyncio stream without waiting for it."""

    def __init__(self, stream: asyncio.StreamWriter) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        """Queue `data`."""
        self._stream.write(data)

    def close(self) -> None:
        """Close the connection once all is sent."""
        self._stream.close()


async def serve_stdio(server: EditorServer, fd_in: int, fd_out: int, on_end: Callable[[], None]) -> int:
    """Serve a client over two file descriptors; the exit status.

    Args:
        server: who answers.
        fd_in: what the client writes; its end ends the server.
        fd_out: what the client reads.
        on_end: called in the reading thread after `fd_in` has ended and the server was told.
    """
    loop = asyncio.get_running_loop()
    exited = server.start(FdWriter(fd_out))

    def ended() -> None:
        loop.call_soon_threadsafe(server.leave, 0 if server.protocol.shutting_down else 1)
        on_end()

    read_in_thread(fd_in, Inbox(server.protocol, loop), ended)
    return await exited


async def serve_tcp(server: EditorServer, host: str, port: int) -> int:
    """Serve the first client that connects to `host`:`port`; the exit status."""
    first: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
        asyncio.get_running_loop().create_future()
    )

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if first.done():
            writer.close()
        else:
            first.set_result((reader, writer))

    listener = await asyncio.start_server(connected, host, port)
    log.warning("listening on %s", listener.sockets[0].getsockname()[:2])
    reader, writer = await first
    listener.close()
    return await serve_stream(server, reader, writer)


async def serve_stream(
    server: EditorServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> int:
    """Serve a client over an asyncio connection; the exit status."""
    exited = server.start(SocketWriter(writer))
    inbox = Inbox(server.protocol, asyncio.get_running_loop())

    async def read() -> None:
        while data := await reader.read(_CHUNK):
            inbox.feed(data)
        server.leave(0 if server.protocol.shutting_down else 1)

    reading = asyncio.create_task(read())
    try:
        return await exited
    finally:
        reading.cancel()
        writer.close()

"""One HTTP request to a program on this machine, on a connection of its own.

A token passes here on its way to whoever waits for it. With a general client (httpx, httpcore on anyio and
h11) the host adds 0.30 ms to each, with httptools' parser right behind the socket 0.17 ms:
docs/performance.md. There are no redirects, cookies, proxies, names to look up or certificates here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import cast

import httptools

_HIGH, _LOW = 1 << 20, 1 << 18  # bytes that nobody read yet: no more of them are taken from the socket


class Broken(Exception):
    """Nobody listens, the connection broke, or this is no HTTP."""


class Exchange(asyncio.Protocol):
    """A request and its answer; each is for one. To be closed, whatever `send` came to.

    Attributes:
        status: HTTP status; 0 until the head of the answer is there.
    """

    def __init__(self) -> None:
        self.status = 0
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: deque[bytes] = deque()
        self._unread = 0
        self._measured = False
        self._ended = False
        self._closed = False
        self._failure: Broken | None = None
        self._news: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._paused = False

    async def send(self, host: str, port: int, request: bytes, connect_seconds: float) -> None:
        """Connect, send `request`, wait for the head of the answer.

        Args:
            host: an address, not a name.
            port: TCP port.
            request: head and body.
            connect_seconds: longest wait for the connection; the answer may take as long as it likes.

        Raises:
            Broken.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(connect_seconds):
                transport, _ = await loop.create_connection(lambda: self, host, port)
        except OSError as failure:  # TimeoutError is one
            raise Broken(f"{type(failure).__name__}: {failure}") from failure
        if self._closed:  # while it connected
            transport.abort()
        transport.write(request)
        while not self.status:
            await self._more()

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The body as it comes.

        Raises:
            Broken: it ended before it was whole.
        """
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._unread -= len(piece)
                self._resume()
                yield piece
            if self._ended:
                return
            await self._more()

    async def body(self) -> bytes:
        """All of it; raises as `chunks` does."""
        return b"".join([chunk async for chunk in self.chunks()])

    def close(self) -> None:
        """Let go of the connection, by which the other side learns that nobody reads any more."""
        self._closed = True
        if self._transport is not None:
            self._transport.abort()  # or it would stay until the other side has read what was sent

    async def _more(self) -> None:
        """Until something has come."""
        if self._failure is not None:
            raise self._failure
        self._news = asyncio.get_running_loop().create_future()
        try:
            await self._news
        finally:
            self._news = None

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _resume(self) -> None:
        if self._paused and self._unread < _LOW and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See the base class."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by descent

    def data_received(self, data: bytes) -> None:
        """See the base class."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as failure:
            self._fail(f"{type(failure).__name__}: {failure}")
            self.close()
        if self._unread > _HIGH and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, failure: Exception | None) -> None:
        """See the base class."""
        if self.status and not (self._measured or self._closed) and failure is None:
            self._ended = True  # an answer that says no length is as long as its connection
        if not self._ended:
            self._fail(str(failure or "the connection was closed"))
        self._wake()

    def _fail(self, reason: str) -> None:
        self._failure = self._failure or Broken(reason)

    # -- httptools

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of the head."""
        self._measured = self._measured or name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        """The head is there."""
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._pieces.append(body)
        self._unread += len(body)

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._ended = True

"""The body of an answer as it arrives: taken in large pieces, and kept in a thread while more arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

import httpcore
import httpx

from ide_agent.features.hub.waiting import in_thread

_BLOCK = 1 << 20
_READ = 1 << 18  # what the event loop takes from a socket at once


async def pieces(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """The body as it is on the wire, in pieces of at most 256 KiB.

    httpx takes 64 KiB at a time through its parser, which copies them four times. A body of known length
    needs no parser once its first piece is here, and with that all that was read together with the headers:
    the rest is taken from the connection itself, which cannot be used again after that.

    Raises:
        httpx.RequestError: as httpx would: the connection broke, ended early, or was silent for too long.
    """
    body = response.aiter_raw()  # must live until the end: it closes the connection when it goes
    length = response.headers.get("Content-Length", "")
    stream = response.extensions.get("network_stream")
    if not length.isdecimal() or "Transfer-Encoding" in response.headers or stream is None:
        async for piece in body:
            yield piece
        return
    first = await anext(body, b"")
    yield first
    left = int(length) - len(first)
    patience = response.request.extensions.get("timeout", {}).get("read")
    while left > 0:
        try:
            piece = await stream.read(min(left, _READ), timeout=patience)
        except httpcore.ReadTimeout as late:
            raise httpx.ReadTimeout(str(late)) from late
        except httpcore.NetworkError as broken:
            raise httpx.ReadError(str(broken)) from broken
        if not piece:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")
        left -= len(piece)
        yield piece


class Sink:
    """Where pieces go: a mebibyte of them is kept in a thread while the next one arrives.

    Args:
        keep: keeps pieces, in their order; called in a thread, never twice at once.
    """

    def __init__(self, keep: Callable[[Sequence[bytes]], None]) -> None:
        self._keep = keep
        self._pieces: list[bytes] = []
        self._size = 0
        self._keeping: asyncio.Future[None] | None = None

    async def put(self, piece: bytes) -> None:
        """Take `piece`; waits where those before it are not kept yet.

        Raises:
            OSError: what came earlier could not be kept.
        """
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size >= _BLOCK:
            if await self._cancelled():
                raise asyncio.CancelledError
            self._start()

    async def close(self) -> None:
        """Keep what is left, also when cancelled. Nothing follows a block that could not be kept.

        Raises:
            OSError: it could not be kept.
        """
        cancelled = await self._cancelled()
        self._start()
        if await self._cancelled() or cancelled:
            raise asyncio.CancelledError

    def _start(self) -> None:
        pieces, self._pieces, self._size = self._pieces, [], 0
        self._keeping = asyncio.ensure_future(in_thread(lambda: self._keep(pieces)))

    async def _cancelled(self) -> bool:
        """Wait until the thread is idle, and fail as it did; whether somebody cancelled that meanwhile."""
        cancelled = False
        while self._keeping is not None and not self._keeping.done():
            try:
                await asyncio.wait([self._keeping])
            except asyncio.CancelledError:
                cancelled = True
        if self._keeping is not None:
            self._keeping.result()
        return cancelled

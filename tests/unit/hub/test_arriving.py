"""Bodies in large pieces, and the thread that keeps them."""

from __future__ import annotations

import asyncio
import errno
import random
import threading
from collections.abc import Iterator, Sequence

import httpx
import pytest

from ide_agent.features.hub.arriving import Sink, pieces
from support.editor import eventually
from support.http_server import Behaviour, Exchange, FileServer, cut_after, no_length, stall_after

CONTENT = random.Random(11).randbytes(3_000_000)
MEBIBYTE = bytes(1 << 20)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer(CONTENT).running() as running:
        yield running


async def body(server: FileServer, behaviour: Behaviour, silence: float = 60.0) -> tuple[bytes, bool]:
    """What `pieces` makes of an answer, and whether they were larger than httpx gives them."""
    server.script.append(behaviour)
    found: list[bytes] = []
    try:
        async with (
            httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(60, read=silence)) as client,
            client.stream("GET", server.url) as response,
        ):
            async for piece in pieces(response):
                found.append(piece)
    finally:
        assert CONTENT.startswith(b"".join(found))
    return b"".join(found), any(len(piece) > 1 << 16 for piece in found)


async def test_a_body_of_known_length_comes_in_large_pieces(server: FileServer) -> None:
    def behave(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": str(len(CONTENT))})
        exchange.wfile.write(CONTENT)

    assert await body(server, behave) == (CONTENT, True)


@pytest.mark.parametrize("first", [0, 1, 1000, 70_000, 3_000_000])
async def test_what_comes_with_the_headers_is_not_lost_nor_what_follows_the_body_taken(
    server: FileServer, first: int
) -> None:
    def behave(exchange: Exchange) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(CONTENT)}\r\n\r\n".encode()
        exchange.connection.sendall(head + CONTENT[:first])
        exchange.connection.sendall(CONTENT[first:] + b"HTTP/1.1 200 OK\r\n\r\n")

    assert (await body(server, behave))[0] == CONTENT


async def test_a_body_without_a_length_or_with_one_and_none_arrives(server: FileServer) -> None:
    def nothing(exchange: Exchange) -> None:
        exchange.head(200, {"Content-Length": "0"})

    def chunked(exchange: Exchange) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        exchange.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(CONTENT), CONTENT))

    assert (await body(server, no_length))[0] == CONTENT
    assert (await body(server, chunked))[0] == CONTENT
    assert (await body(server, nothing))[0] == b""


@pytest.mark.parametrize("count", [0, 1_200_000])
async def test_a_body_that_ends_early_is_not_taken_for_whole(server: FileServer, count: int) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await body(server, cut_after(count))


async def test_silence_ends_like_that_of_httpx(server: FileServer) -> None:
    with pytest.raises(httpx.ReadTimeout):
        await body(server, stall_after(1_200_000), silence=0.2)


async def test_pieces_are_kept_in_their_order_and_never_twice_at_once() -> None:
    kept: list[bytes] = []
    busy = threading.Lock()

    def keep(pieces: Sequence[bytes]) -> None:
        assert busy.acquire(blocking=False)
        kept.extend(pieces)
        busy.release()

    sink, given = Sink(keep), [bytes([number]) * 300_000 for number in range(50)]
    for piece in given:
        await sink.put(piece)
    await sink.close()
    assert kept == given


async def test_nothing_follows_what_could_not_be_kept() -> None:
    tried: list[int] = []

    def full(pieces: Sequence[bytes]) -> None:
        tried.append(len(pieces))
        raise OSError(errno.ENOSPC, "No space left on device")

    sink = Sink(full)
    await sink.put(MEBIBYTE)
    with pytest.raises(OSError, match="space"):
        await sink.put(MEBIBYTE)
    with pytest.raises(OSError, match="space"):
        await sink.close()
    assert tried == [1]


async def test_closing_waits_for_the_thread_however_often_it_is_cancelled() -> None:
    begun, go, kept = threading.Event(), threading.Event(), list[int]()

    def slow(pieces: Sequence[bytes]) -> None:
        begun.set()
        assert go.wait(60)
        kept.append(len(pieces))

    sink = Sink(slow)
    await sink.put(MEBIBYTE)
    await sink.put(b"the rest")
    closing = asyncio.create_task(sink.close())
    await eventually(begun.is_set)
    for _ in range(3):
        closing.cancel()
        await asyncio.sleep(0)
    assert not closing.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert kept == [1, 1]

"""One HTTP request to a program on this machine, against a server that writes what it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.inference.client import EngineClient, EngineGone
from ide_agent.inference.exchange import Broken, Exchange

HEAD = b"HTTP/1.1 200 OK\r\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(answer: bytes | Serve) -> AsyncGenerator[int]:
    """A port where a request gets `answer`, then the connection ends."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            await reader.readuntil(b"\r\n\r\n")
            if callable(answer):
                await answer(reader, writer)
            else:
                writer.write(answer)
                await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def begun(port: int, request: bytes = REQUEST) -> Exchange:
    exchange = Exchange()
    await exchange.send("127.0.0.1", port, request, 10)
    return exchange


async def ask(port: int) -> tuple[int, bytes]:
    exchange = await begun(port)
    with closing(exchange):
        return exchange.status, await exchange.body()


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (HEAD + b"Content-Length: 3\r\n\r\nabc", 200, b"abc"),
        (HEAD + b"Content-Length: 0\r\n\r\n", 200, b""),
        (CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 200, b"abcde"),
        (HEAD + b"Connection: close\r\n\r\nabc", 200, b"abc"),
        (b"HTTP/1.0 200 OK\r\n\r\nabc", 200, b"abc"),
        (b"HTTP/1.1 101 Other\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc", 101, b""),
        (b"HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nno", 503, b"no"),
    ],
)
async def test_an_answer_of_each_form_is_read(answer: bytes, status: int, body: bytes) -> None:
    async with serving(answer) as port:
        assert await ask(port) == (status, body)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 O",
        HEAD + b"Content-Length: 3\r\n\r\nab",
        CHUNKED + b"3\r\nabc\r\n",
        CHUNKED + b"3\r\nabc\r\nzz\r\n",
        b"\x00\x01\x02 what is this\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
    ],
)
async def test_what_is_no_whole_answer_is_broken(answer: bytes) -> None:
    async with serving(answer) as port:
        with pytest.raises(Broken):
            await ask(port)


async def test_where_nobody_listens_it_is_broken() -> None:
    async with serving(b"") as port:
        pass
    with pytest.raises(Broken, match="Connect"):
        await ask(port)


async def test_the_body_comes_as_it_is_written() -> None:
    go_on = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + b"1\r\na\r\n")
        await go_on.wait()
        writer.write(b"1\r\nb\r\n0\r\n\r\n")
        await writer.drain()

    async with serving(serve) as port:
        exchange = await begun(port)
        with closing(exchange):
            chunks = exchange.chunks()
            assert await anext(chunks) == b"a"
            go_on.set()
            assert [chunk async for chunk in chunks] == [b"b"]


async def test_who_closes_is_noticed_by_the_other_side() -> None:
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED)
        await writer.drain()
        with suppress(ConnectionError):
            assert await reader.read() == b""
        gone.set()

    async with serving(serve) as port:
        exchange = await begun(port)
        exchange.close()
        await asyncio.wait_for(gone.wait(), 30)


@pytest.mark.parametrize("head", [CHUNKED, HEAD + b"\r\n"], ids=["measured", "as long as it lasts"])
async def test_who_is_closed_while_another_reads_is_broken(head: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        with suppress(ConnectionError):
            await reader.read()

    async with serving(serve) as port:
        exchange = await begun(port)
        reading = asyncio.create_task(exchange.body())
        await asyncio.sleep(0)
        exchange.close()
        with pytest.raises(Broken):
            await reading


async def test_who_closes_does_not_wait_for_what_was_not_read() -> None:
    read = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read.wait()
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readexactly(60 << 20)
            raise AssertionError("all of it came")

    async with serving(serve) as port:
        exchange = Exchange()
        sending = asyncio.create_task(
            exchange.send("127.0.0.1", port, REQUEST + bytes(64 << 20), connect_seconds=10)
        )
        while exchange._transport is None:
            await asyncio.sleep(0)
        exchange.close()
        with pytest.raises(Broken):
            await sending
        read.set()


async def test_who_is_closed_before_the_answer_is_broken() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()

    async with serving(serve) as port:
        client = EngineClient(f"http://127.0.0.1:{port}", "key")
        asking = asyncio.create_task(client.request("GET", "/props"))
        while not any(exchange._transport for exchange in client._open):
            await asyncio.sleep(0)
        await client.close()
        with pytest.raises(EngineGone):
            await asking


async def test_what_nobody_reads_is_left_with_the_other_side() -> None:
    size = 64 << 20
    written = 0

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % size)
        while written < size:
            writer.write(bytes(1 << 16))
            await writer.drain()
            written += 1 << 16

    async with serving(serve) as port:
        exchange = await begun(port)
        with closing(exchange):
            before = -1
            while written != before:  # until the other side is stuck
                before = written
                for _ in range(1000):
                    await asyncio.sleep(0)
            assert written < size
            assert len(await exchange.body()) == size


@given(st.binary(max_size=2000), st.integers(1, 40))
async def test_however_it_is_cut_it_is_the_same_body(body: bytes, cut: int) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        whole = HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
        for start in range(0, len(whole), len(whole) // cut + 1):
            writer.write(whole[start : start + len(whole) // cut + 1])
            await asyncio.sleep(0)
        await writer.drain()

    async with serving(serve) as port:
        assert await ask(port) == (200, body)

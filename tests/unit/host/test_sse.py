import asyncio
import gc
import json
from collections.abc import AsyncGenerator, MutableMapping
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from ide_agent.errors import EngineCrashed, from_wire
from ide_agent.host import sse
from ide_agent.host.services import Services
from ide_agent.host.sse import EventStream


def serve(services: Services, events: AsyncGenerator[dict[str, Any]]) -> None:
    @services.app.get("/stream")
    async def stream() -> Response:
        return EventStream(events)


def parsed(body: str) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in body.split("\n\n") if line]


async def test_objects_arrive_whole_and_ascii(services: Services, host: httpx.AsyncClient) -> None:
    texts = ["ğüşiöç", "\u2028\u0085\r\n", "🙂", "data: x\n\n", ""]

    async def events() -> AsyncGenerator[dict[str, Any]]:
        for text in texts:
            yield {"text": text}

    serve(services, events())
    answer = await host.get("/stream")
    assert answer.content.isascii()
    assert [event["text"] for event in parsed(answer.text)] == texts


async def test_events_arrive_when_they_are_made(services: Services, host: httpx.AsyncClient) -> None:
    go = asyncio.Event()

    async def events() -> AsyncGenerator[dict[str, Any]]:
        yield {"n": 1}
        await go.wait()
        yield {"n": 2}

    serve(services, events())
    async with host.stream("GET", "/stream") as answer:
        chunks = answer.aiter_text()
        assert parsed(await anext(chunks)) == [{"n": 1}]
        go.set()
        assert parsed(await anext(chunks)) == [{"n": 2}]


@pytest.mark.parametrize(
    ("failure", "code"),
    [(EngineCrashed(model="m", reason="r"), "error.engine.crashed"), (KeyError("private"), "error.unknown")],
)
async def test_failure_is_the_last_event(
    services: Services, host: httpx.AsyncClient, failure: Exception, code: str
) -> None:
    async def events() -> AsyncGenerator[dict[str, Any]]:
        yield {"n": 1}
        raise failure

    serve(services, events())
    answer = await host.get("/stream?language=tr")
    first, last = parsed(answer.text)
    assert first == {"n": 1}
    assert last["type"] == "error"
    assert last["error"]["code"] == code
    assert last["error"]["message"] == from_wire(last["error"]).message("tr")
    assert "private" not in answer.text


async def test_reader_that_leaves_closes_the_generator(services: Services, host: httpx.AsyncClient) -> None:
    closed = asyncio.Event()

    async def events() -> AsyncGenerator[dict[str, Any]]:
        try:
            yield {"n": 1}
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # cleaning up may wait
            closed.set()

    serve(services, events())
    async with host.stream("GET", "/stream") as answer:
        await anext(answer.aiter_raw())
    await asyncio.wait_for(closed.wait(), 60)
    while services.activity.reasons():
        await asyncio.sleep(0.005)


async def test_silence_is_filled_with_comments(
    services: Services, host: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "_QUIET_SECONDS", 0.01)
    go = asyncio.Event()

    async def events() -> AsyncGenerator[dict[str, Any]]:
        yield {"n": 1}
        await go.wait()
        yield {"n": 2}

    serve(services, events())
    read = b""
    async with host.stream("GET", "/stream") as answer:
        async for chunk in answer.aiter_raw():
            read += chunk
            if read.count(b": still there") == 3:
                go.set()
    lines = [line for line in read.decode().split("\n\n") if line]
    assert lines[0] == 'data: {"n":1}'
    assert lines[-1] == 'data: {"n":2}'
    assert set(lines[1:-1]) == {": still there"}


async def test_a_comment_that_cannot_be_sent_is_no_loose_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_QUIET_SECONDS", 0.0)
    begun, loose = asyncio.Event(), list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: loose.append(context))

    async def events() -> AsyncGenerator[dict[str, Any]]:
        await begun.wait()
        yield {"n": 1}

    async def receive() -> dict[str, Any]:
        return await asyncio.Event().wait() or {}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message.get("body", b"").startswith(b":"):
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                raise OSError  # the client went just now

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    await EventStream(events())(scope, receive, send)
    gc.collect()
    await asyncio.sleep(0)
    assert not loose


async def test_no_comment_comes_between_events_that_follow_each_other(
    services: Services, host: httpx.AsyncClient
) -> None:
    async def events() -> AsyncGenerator[dict[str, Any]]:
        for number in range(100):
            await asyncio.sleep(0)
            yield {"n": number}

    serve(services, events())
    answer = await host.get("/stream")
    assert [event["n"] for event in parsed(answer.text)] == list(range(100))

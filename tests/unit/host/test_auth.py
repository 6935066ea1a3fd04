from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from ide_agent.host.auth import Auth, is_loopback
from ide_agent.panels.visitors import Visitors

TOKEN = "right-token"
SESSION = "right-session"


class _Visitors(Visitors):
    def __init__(self) -> None:
        pass

    def admits(self, session: str) -> bool:
        return session == SESSION


VISITORS = _Visitors()


async def ask(path: str = "/status", **headers: str | list[str]) -> int:
    """The status that a request with these headers gets; 204 when it is let through."""
    passed = False
    sent: list[dict[str, Any]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal passed
        passed = True

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [
        (name.encode(), value.encode())
        for name, values in headers.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    scope = {"type": "http", "method": "GET", "path": path, "headers": raw}
    await Auth(app, TOKEN, VISITORS)(scope, receive, send)
    if passed:
        assert not sent
        return 204
    return int(sent[0]["status"])


GOOD = {"host": "127.0.0.1:4711", "authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize("host", ["127.0.0.1:4711", "localhost:4711", "LOCALHOST", "[::1]:4711", "127.0.0.1"])
async def test_loopback_hosts_pass(host: str) -> None:
    assert await ask(**{**GOOD, "host": host}) == 204


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example:80",
        "",
        "127.0.0.1@evil.example",
        "localhost:notaport",
        "10.0.0.1",
        "[::2]:1",
        "localhost@127.0.0.1",
        "\x80",
    ],
)
async def test_other_hosts_do_not_even_for_health(host: str) -> None:
    assert await ask(**{**GOOD, "host": host}) == 403
    assert await ask("/health", host=host) == 403


async def test_two_hosts_or_none_do_not_pass() -> None:
    assert await ask(authorization=GOOD["authorization"]) == 403
    assert await ask(host=["localhost", "localhost"], authorization=GOOD["authorization"]) == 403


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:8080", "https://[::1]"])
async def test_loopback_origins_pass(origin: str) -> None:
    assert await ask(**GOOD, origin=origin) == 204


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "file://",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
    ],
)
async def test_other_origins_do_not(origin: str) -> None:
    assert await ask(**GOOD, origin=origin) == 403
    assert await ask(**GOOD, origin=["http://localhost", origin]) == 403


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer wrong", f"bearer {TOKEN}", TOKEN, f"Bearer {TOKEN} ", f"Bearer  {TOKEN}"]
)
async def test_wrong_token(value: str) -> None:
    assert await ask(host="localhost", authorization=value) == 401


async def test_no_token_or_two() -> None:
    assert await ask(host="localhost") == 401
    assert await ask(host="localhost", authorization=[GOOD["authorization"]] * 2) == 401


async def test_health_needs_no_token() -> None:
    assert await ask("/health", host="localhost") == 204


async def test_health_in_another_spelling_needs_one() -> None:
    assert await ask("/health/", host="localhost") == 401
    assert await ask("//health", host="localhost") == 401


VISITOR = {"host": "localhost", "authorization": f"Bearer {SESSION}"}


@pytest.mark.parametrize("path", ["/panels/hub", "/panels/hub/events", "/panels/hub/event"])
async def test_visitors_see_panels(path: str) -> None:
    assert await ask(path, **VISITOR) == 204
    assert await ask(path, host="localhost") == 401
    assert await ask(path, **{**VISITOR, "authorization": "Bearer other"}) == 401
    assert await ask(path, **{**VISITOR, "authorization": SESSION}) == 401
    assert await ask(path, **VISITOR, origin="https://evil.example") == 403


@pytest.mark.parametrize(
    "path",
    [
        "/status",
        "/panels",
        "/panels/hub/link",
        "/panels/hub/",
        "/panels/hub/events/x",
        "/x/panels/hub",
        "/panels/assets/event.js",
    ],
)
async def test_visitors_see_nothing_else(path: str) -> None:
    assert await ask(path, **VISITOR) == 401


@pytest.mark.parametrize("path", ["/panels/enter", "/panels/hub/page", "/panels/assets/panel.js"])
async def test_the_page_needs_no_token(path: str) -> None:
    assert await ask(path, host="localhost") == 204
    assert await ask(path, host="evil.example") == 403
    assert await ask(path + "/", host="localhost") == 401


def test_is_loopback_reads_origins() -> None:
    assert is_loopback(b"http://localhost:1")
    assert not is_loopback(b"http://example.org")

"""Who may talk to the host: pure ASGI, so that streams and disconnects pass through untouched.

A web page can make a browser send requests to loopback. The Host check stops DNS rebinding, the Origin check
foreign pages, the bearer token everybody who cannot read the runtime file.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from ide_agent.errors import HostError
from ide_agent.host.errors import error_response

_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_OPEN_PATHS = frozenset({"/health"})


class Unauthorized(HostError):
    """No token, or not ours."""

    key = "error.host.token"
    http_status = 401


class Forbidden(HostError):
    """The request comes from or is meant for somewhere else."""

    key = "error.host.foreign"
    http_status = 403


class Auth:
    """ASGI middleware; see the module."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is allowed, answer the rest."""
        if scope["type"] == "http":
            problem = self._problem(scope)
            if problem is not None:
                await error_response(problem)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _problem(self, scope: Scope) -> HostError | None:
        hosts: list[bytes] = []
        origins: list[bytes] = []
        tokens: list[bytes] = []
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value)
            elif name == b"origin":
                origins.append(value)
            elif name == b"authorization":
                tokens.append(value)
        if len(hosts) != 1 or not is_loopback(b"//" + hosts[0]):
            return Forbidden(header="Host")
        if any(not is_loopback(origin) for origin in origins):
            return Forbidden(header="Origin")
        if scope["path"] in _OPEN_PATHS:
            return None
        if len(tokens) != 1 or not hmac.compare_digest(tokens[0], self._expected):
            return Unauthorized()
        return None


def is_loopback(url: bytes) -> bool:
    """Whether the host part of `url` (an origin, or ``//host:port``) is a loopback name."""
    try:
        parts = urlsplit(url.decode("ascii"))
        return parts.hostname in _LOOPBACK_NAMES and parts.username is None and (parts.port or 0) >= 0
    except ValueError:
        return False

"""Who may talk to the host: pure ASGI, so that streams and disconnects pass through untouched.

A web page can make a browser send requests to loopback. The Host check stops DNS rebinding, the Origin check
foreign pages, the bearer token everybody who cannot read the runtime file. The page that shows panels in a
browser is open, for it holds nothing; what it shows is for who has a session (`panels.visitors`).
"""

from __future__ import annotations

import hmac
import re
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from ide_agent.errors import HostError
from ide_agent.host.errors import error_response
from ide_agent.panels.visitors import Visitors

_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_OPEN = re.compile(r"/health|/panels/(?:enter|prove|assets/panel\.(?:js|css)|[a-z]+/page)")
_VISITORS = re.compile(r"/panels/[a-z]+(?:/events?)?")
_BEARER = b"Bearer "


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

    def __init__(self, app: ASGIApp, token: str, visitors: Visitors) -> None:
        self._app = app
        self._expected = _BEARER + token.encode()
        self._visitors = visitors

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
        if _OPEN.fullmatch(scope["path"]):
            return None
        if len(tokens) != 1:
            return Unauthorized()
        if hmac.compare_digest(tokens[0], self._expected):
            return None
        if _VISITORS.fullmatch(scope["path"]) and self._is_visitor(tokens[0]):
            return None
        return Unauthorized()

    def _is_visitor(self, token: bytes) -> bool:
        return token.startswith(_BEARER) and self._visitors.admits(token[len(_BEARER) :].decode("latin-1"))


def is_loopback(url: bytes) -> bool:
    """Whether the host part of `url` (an origin, or ``//host:port``) is a loopback name."""
    try:
        parts = urlsplit(url.decode("ascii"))
        return parts.hostname in _LOOPBACK_NAMES and parts.username is None and (parts.port or 0) >= 0
    except ValueError:
        return False

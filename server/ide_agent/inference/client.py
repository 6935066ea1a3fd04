"""HTTP to one engine process."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from ide_agent.errors import EngineError
from ide_agent.inference.exchange import Broken, Exchange
from ide_agent.inference.sse import EventDecoder

_CONNECT_SECONDS = 10.0


class EngineGone(Exception):
    """The connection broke or the answer made no sense: the engine died, or is about to."""


class EngineClient:
    """An engine's HTTP dialect. Requests wait as long as the engine works; they end when it dies.

    Each has a connection of its own: a kept one may be closed by the engine just as it is used again, which
    could not be told from a crash. On loopback a new one costs 0.1 ms.

    Args:
        url: base address.
        api_key: goes with every request.
    """

    def __init__(self, url: str, api_key: str) -> None:
        self.url = url
        self.api_key = api_key
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._head = f"Host: {parts.netloc}\r\nAccept: */*\r\nConnection: close\r\n"
        self._head += f"Authorization: Bearer {api_key}\r\n"
        self._open: set[Exchange] = set()

    async def stream(self, path: str, payload: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """POST `payload` and yield the events of the answer as they come.

        Closing the generator closes the connection, by which the engine learns to stop.

        Raises:
            EngineGone: the engine died.
            EngineError: the engine refused the request.
        """
        decoder = EventDecoder()
        try:
            async with self._exchange("POST", path, {**payload, "stream": True}) as exchange:
                if exchange.status >= 400:
                    raise _refusal(await exchange.body(), exchange.status)
                async with aclosing(exchange.chunks()) as chunks:
                    async for chunk in chunks:
                        for event in decoder.feed(chunk):
                            if "error" in event and len(event) == 1:
                                raise _refusal(json.dumps(event).encode(), exchange.status)
                            yield event
        except (Broken, ValueError) as failure:
            raise EngineGone(f"{type(failure).__name__}: {failure}") from failure

    async def request(self, method: str, path: str, payload: dict[str, Any] | None = None) -> Any:
        """One JSON request, one JSON answer.

        Raises:
            EngineGone: the engine died.
            EngineError: the engine refused the request.
        """
        try:
            async with self._exchange(method, path, payload) as exchange:
                body = await exchange.body()
            if exchange.status >= 400:
                raise _refusal(body, exchange.status)
            return json.loads(body)
        except (Broken, ValueError) as failure:
            raise EngineGone(f"{type(failure).__name__}: {failure}") from failure

    async def close(self) -> None:
        """Close all connections."""
        for exchange in self._open:
            exchange.close()

    @asynccontextmanager
    async def _exchange(
        self, method: str, path: str, payload: dict[str, Any] | None
    ) -> AsyncGenerator[Exchange]:
        head, body = f"{method} {path} HTTP/1.1\r\n{self._head}", b""
        if payload is not None:
            body = json.dumps(payload, separators=(",", ":")).encode()
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        request = head.encode("ascii") + b"\r\n" + body
        exchange = Exchange()
        self._open.add(exchange)
        try:
            await exchange.send(self._host, self._port, request, _CONNECT_SECONDS)
            yield exchange
        finally:
            self._open.discard(exchange)
            exchange.close()

    async def healthy(self) -> bool:
        """Whether the engine says that it is well: by the status alone, for what else it says, if anything,
        is each engine's own.
        """
        try:
            async with self._exchange("GET", "/health", None) as exchange:
                return 200 <= exchange.status < 300
        except Broken:
            return False


def _refusal(body: bytes, status: int) -> EngineError:
    try:
        error = json.loads(body)["error"]
        reason = error["message"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError):
        reason = body[:200].decode("utf-8", "replace")
    return EngineError("error.engine.refused", reason=str(reason)[:500], status=status)

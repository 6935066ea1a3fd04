"""HTTP to one engine process."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator
from typing import Any

import httpx

from ide_agent.errors import EngineError
from ide_agent.inference.sse import EventDecoder

_CONNECT_SECONDS = 10.0


class EngineGone(Exception):
    """The connection broke or the answer made no sense: the engine died, or is about to."""


class EngineClient:
    """An engine's HTTP dialect. Requests wait as long as the engine works; they end when it dies."""

    def __init__(self, url: str, api_key: str) -> None:
        self.url = url
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS),
            # A connection of its own for every request: a kept one may be closed by the engine just as it is
            # used again, which could not be told from a crash. On loopback a new one costs 0.1 ms.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            trust_env=False,
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # plain HTTP: no need to load all certificates
        )

    async def stream(self, path: str, payload: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """POST `payload` and yield the events of the answer as they come.

        Closing the generator closes the connection, by which the engine learns to stop.

        Raises:
            EngineGone: the engine died.
            EngineError: the engine refused the request.
        """
        decoder = EventDecoder()
        try:
            async with self._http.stream("POST", path, json={**payload, "stream": True}) as response:
                if response.status_code >= 400:
                    raise _refusal(await response.aread())
                async for chunk in response.aiter_raw():
                    for event in decoder.feed(chunk):
                        if "error" in event and len(event) == 1:
                            raise _refusal(json.dumps(event).encode())
                        yield event
        except (httpx.HTTPError, ValueError) as failure:
            raise EngineGone(f"{type(failure).__name__}: {failure}") from failure

    async def request(self, method: str, path: str, payload: dict[str, Any] | None = None) -> Any:
        """One JSON request, one JSON answer.

        Raises:
            EngineGone: the engine died.
            EngineError: the engine refused the request.
        """
        try:
            response = await self._http.request(method, path, json=payload)
            if response.status_code >= 400:
                raise _refusal(response.content)
            return response.json()
        except (httpx.HTTPError, ValueError) as failure:
            raise EngineGone(f"{type(failure).__name__}: {failure}") from failure

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()


def _refusal(body: bytes) -> EngineError:
    try:
        error = json.loads(body)["error"]
        reason = error["message"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError):
        reason = body[:200].decode("utf-8", "replace")
    return EngineError("error.engine.refused", reason=str(reason)[:500])

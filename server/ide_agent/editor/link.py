"""HTTP to the host: one connection pool, answers that stream, server-sent events.

Built on httpcore, the part of httpx that speaks HTTP: httpx itself brings its command line along, and with it
eleven megabytes into every editor's process.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import httpcore

_CONNECT_SECONDS = 5.0


class Host(Protocol):
    """Where a host listens; `ide_agent.runtime.RuntimeInfo` is one."""

    @property
    def url(self) -> str:
        """Base URL without a slash at its end."""
        ...

    @property
    def headers(self) -> dict[str, str]:
        """What every request must carry."""
        ...


class Refused(Exception):
    """Nobody listens: nothing of the request was sent."""


class Broken(Exception):
    """The connection broke: the request may have been worked on."""


class Silent(Broken):
    """The host holds the connection and says nothing: it may still be at work on the request."""


class Link:
    """The connections to one host. Nothing of the environment is read: no proxy, no certificates."""

    def __init__(self, host: Host) -> None:
        import httpcore

        self._refusals = (httpcore.ConnectError, httpcore.ConnectTimeout)
        self._failures = (httpcore.NetworkError, httpcore.ProtocolError)
        self._silences = httpcore.TimeoutException
        self._request = httpcore.Request
        self._url = host.url
        self._headers = {**host.headers, "Host": host.url.partition("://")[2], "Accept": "*/*"}
        self._pool = httpcore.AsyncConnectionPool(max_connections=None, max_keepalive_connections=8)

    async def send(self, method: str, path: str, body: Any, silence: float | None) -> Answer:
        """Send a request.

        Args:
            method: HTTP method.
            path: with a leading slash.
            body: a JSON value; None for no body.
            silence: longest silence of the host, in seconds; None: for ever.

        Raises:
            Refused, Broken, Silent.
        """
        headers = self._headers
        content = None
        if body is not None:
            content = json.dumps(body, separators=(",", ":")).encode()
            headers = {**headers, "Content-Type": "application/json", "Content-Length": str(len(content))}
        timeouts = {"connect": _CONNECT_SECONDS, "read": silence, "write": silence, "pool": None}
        request = self._request(
            method,
            self._url + path,
            headers=list(headers.items()),
            content=content,
            extensions={"timeout": timeouts},
        )
        try:
            response = await self._pool.handle_async_request(request)
        except self._refusals as failure:
            raise Refused from failure
        except self._silences as failure:
            raise Silent from failure
        except self._failures as failure:
            raise Broken from failure
        return Answer(response, (*self._failures, self._silences))

    async def aclose(self) -> None:
        """Close all connections; who still reads from one gets Broken."""
        await self._pool.aclose()


class Answer:
    """The head of an answer, whose body is yet to be read. To be closed.

    Attributes:
        status: HTTP status.
    """

    def __init__(self, response: httpcore.Response, failures: tuple[type[Exception], ...]) -> None:
        self._response = response
        self._failures = failures
        self.status = response.status

    async def read(self) -> bytes:
        """The whole body; raises Broken."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes; raises Broken."""
        try:
            async for chunk in self._response.aiter_stream():
                yield chunk
        except self._failures as failure:
            raise Broken from failure

    def events(self) -> AsyncGenerator[dict[str, Any]]:
        """The body as server-sent events; raises Broken."""
        return parse_events(self.chunks())

    async def aclose(self) -> None:
        """Let go of the connection; closes it unless the body was read to its end."""
        await self._response.aclose()


async def parse_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[dict[str, Any]]:
    """The JSON objects of an SSE byte stream.

    The bytes are cut at blank lines before they are decoded: a character may lie in two chunks, and a string
    method would also cut at U+2028.
    """
    buffer = b""
    async for chunk in chunks:
        buffer = (buffer + chunk).replace(b"\r\n", b"\n")
        *blocks, buffer = buffer.split(b"\n\n")
        for block in blocks:
            data = b"\n".join(line[5:] for line in block.split(b"\n") if line.startswith(b"data:"))
            if data:
                yield json.loads(data)

"""The way from an editor to the host: requests, streams, and a watch over the host's life.

One connection pool on loopback. `/events` stays open: when it breaks the host has died, and is started again;
when the host ends it properly, somebody stopped the host, and it comes back with the next request.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

from ide_agent.errors import HostStartError, HostUnavailable, IdeAgentError, from_wire

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)
_START_SECONDS = 30.0
_STABLE_SECONDS = 30.0
_LONGEST_PAUSE = 30.0


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


class Listener(Protocol):
    """Whom the host client tells what happens."""

    def host_event(self, event: dict[str, Any]) -> None:
        """The host published `event`."""

    def host_ready(self) -> None:
        """The host answers; told after every start."""

    def host_lost(self) -> None:
        """The host died and is being restarted; told once until it has been stable again."""

    def host_failed(self, error: IdeAgentError) -> None:
        """The host could not be started."""


class HostClient:
    """The host, as an editor process sees it. All methods belong to one event loop."""

    def __init__(self, listener: Listener, ensure: Callable[[float], Host] | None = None) -> None:
        self._listener = listener
        self._ensure = ensure or _ensure_host
        self._client: httpx.AsyncClient | None = None
        self._connecting: asyncio.Task[httpx.AsyncClient] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._dismissed: httpx.AsyncClient | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._deaths = 0
        self._not_before = 0.0

    @property
    def connected(self) -> bool:
        """Whether a host is known and nothing says that it is gone."""
        return self._client is not None

    def start(self) -> None:
        """Find or start the host in the background."""
        self._wanted.set()
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep())

    async def aclose(self) -> None:
        """Let go of the host; it goes on running."""
        tasks = [t for t in (self._keeper, self._connecting, *self._tasks) if t is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def request(
        self, method: str, path: str, json: Any = None, *, timeout: float = 30.0
    ) -> dict[str, Any]:
        """Ask the host, which is started if it does not run.

        Args:
            method: ``GET`` or ``POST``.
            path: route, from docs/protocol.md.
            json: the body.
            timeout: longest silence of the host, in seconds.

        Raises:
            IdeAgentError: what the host answered, or HostUnavailable.
        """
        response = await self._open(method, path, json, timeout)
        try:
            body = await _read(response)
        finally:
            await response.aclose()
        return _parse(body)

    async def stream(self, path: str, json: Any) -> AsyncGenerator[dict[str, Any]]:
        """The events that a POST answers with.

        Closing the generator, or cancelling the task that waits for it, closes the connection at once, which
        cancels the work behind it. Use `contextlib.aclosing` where a loop over it may be left early.

        Raises:
            IdeAgentError: what the host answered or sent as an event of type ``error``, or HostUnavailable.
        """
        import httpx

        response = await self._open("POST", path, json, None)
        try:
            async with aclosing(parse_events(response.aiter_raw())) as events:
                async for event in events:
                    if event.get("type") == "error":
                        raise from_wire(event.get("error") or {})
                    yield event
        except httpx.HTTPError as failure:
            raise HostUnavailable() from failure
        finally:
            await response.aclose()

    async def restart(self) -> None:
        """Stop the host and start it again.

        Raises:
            IdeAgentError: it did not stop, or did not come up.
        """
        from ide_agent.runtime import stop_host

        self._dismissed, self._client = self._client, None
        self._wanted.clear()
        await asyncio.to_thread(stop_host)
        self._deaths, self._not_before = 0, 0.0
        await self._connect()

    # -- one request

    async def _open(self, method: str, path: str, body: Any, timeout: float | None) -> httpx.Response:
        """The head of the answer. Sends again only when nothing of the request can have been worked on."""
        import httpx

        limits = httpx.Timeout(timeout, connect=5.0)
        content = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        stale = method == "GET"  # may be sent again when a kept connection turns out to be dead
        refused = False
        while True:
            client = await self._connect()
            request = client.build_request(method, path, content=content, timeout=limits)
            try:
                response = await client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout, RuntimeError) as failure:
                self._forget(client)  # a RuntimeError says that the pool was closed meanwhile
                if refused:
                    raise HostUnavailable() from failure
                refused = True
                continue
            except httpx.HTTPError as failure:
                if not stale:
                    raise HostUnavailable() from failure
                stale = False
                continue
            if response.status_code == 401 and not refused:
                refused = True
                await response.aclose()
                self._forget(client)
                continue
            if response.status_code >= 400:
                try:
                    raise _error(await _read(response), response.status_code)
                finally:
                    await response.aclose()
            return response

    # -- the host's life

    async def _connect(self) -> httpx.AsyncClient:
        """The connection pool; starts the host when there is none, once for all who wait."""
        self.start()
        if self._client is not None:
            return self._client
        if self._connecting is None:
            if asyncio.get_running_loop().time() < self._not_before:
                raise HostUnavailable()
            self._connecting = asyncio.create_task(self._find())
            self._connecting.add_done_callback(self._found)
        return await asyncio.shield(self._connecting)

    async def _find(self) -> httpx.AsyncClient:
        try:
            host = await asyncio.to_thread(self._ensure, _START_SECONDS)
        except OSError as failure:  # of the state folder or its lock
            raise HostStartError(reason=str(failure)) from failure
        self._client = await asyncio.to_thread(_new_client, host)
        return self._client

    def _found(self, task: asyncio.Task[httpx.AsyncClient]) -> None:
        self._connecting = None
        if task.cancelled() or (failure := task.exception()) is None:
            return
        self._back_off()
        if isinstance(failure, IdeAgentError):
            self._listener.host_failed(failure)

    async def _keep(self) -> None:
        """Hold `/events` open for as long as the process lives; bring the host back when it dies."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wanted.wait()
            await asyncio.sleep(max(0.0, self._not_before - loop.time()))
            try:
                client = await self._connect()
            except IdeAgentError:
                continue  # `_found` has told the listener
            begun = loop.time()
            ended_well = await self._listen(client)
            self._forget(client)
            if client is self._dismissed:
                self._dismissed = None
                continue
            if ended_well:
                if self._client is None:
                    self._wanted.clear()
                continue
            if loop.time() - begun >= _STABLE_SECONDS:
                self._deaths = 0
            if self._deaths == 0:
                self._listener.host_lost()
            self._back_off()

    async def _listen(self, client: httpx.AsyncClient) -> bool:
        """Pass on the host's events; whether they ended by the host's own will."""
        import httpx

        try:
            async with client.stream("GET", "/events", timeout=httpx.Timeout(None, connect=5.0)) as response:
                if response.status_code != 200:
                    return False
                self._listener.host_ready()
                async for event in parse_events(response.aiter_raw()):
                    self._listener.host_event(event)
            return True
        except (httpx.HTTPError, RuntimeError, ValueError) as failure:
            log.info("the host's events broke off: %s", type(failure).__name__)
            return False

    def _back_off(self) -> None:
        """The first restart is at once, those after it ever later."""
        pause = 0.0 if self._deaths == 0 else min(0.5 * 2 ** (self._deaths - 1), _LONGEST_PAUSE)
        self._deaths += 1
        self._not_before = asyncio.get_running_loop().time() + pause

    def _forget(self, client: httpx.AsyncClient) -> None:
        if self._client is client:
            self._client = None
        self._spawn(client.aclose())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


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


def _ensure_host(timeout: float) -> Host:
    from ide_agent.runtime import ensure_host

    return ensure_host(timeout)


def _new_client(host: Host) -> httpx.AsyncClient:
    import ssl

    import httpx

    return httpx.AsyncClient(
        base_url=host.url,
        headers={**host.headers, "Content-Type": "application/json", "Accept-Encoding": "identity"},
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=8),
        trust_env=False,
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # empty: loopback has no TLS, and CA files take time
    )


async def _read(response: httpx.Response) -> bytes:
    import httpx

    try:
        return await response.aread()
    except httpx.HTTPError as failure:
        raise HostUnavailable() from failure


def _parse(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError as failure:
        raise HostUnavailable() from failure
    return answer if isinstance(answer, dict) else {"value": answer}


def _error(body: bytes, status: int) -> IdeAgentError:
    try:
        return from_wire(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return HostUnavailable("error.foreign", message=f"HTTP {status}")

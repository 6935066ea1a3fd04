"""The way from an editor to the host: requests, streams, and a watch over the host's life.

One connection pool on loopback. `/events` stays open: when it breaks the host has died, and is started again;
when the host ends it properly, somebody stopped the host, and it comes back with the next request. A host
that falls silent there hangs: it is let go of, so that nobody waits for it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Protocol

from ide_agent.editor.link import Answer, Broken, Host, Link, Refused, Silent
from ide_agent.errors import HostStartError, HostUnavailable, IdeAgentError, from_wire
from ide_agent.reasons import reason_of

log = logging.getLogger(__name__)
_START_SECONDS = 30.0
_STABLE_SECONDS = 30.0
_LONGEST_PAUSE = 30.0
# Before a broken request is sent again: at once, for a kept connection may be dead; then while a host that is
# being killed still takes connections and drops them.
_PAUSES = (0.0, 0.05, 0.3)
_LONGEST_SILENCE = 45.0  # of `/events`, in seconds; a host that runs says something every ten


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


class Clock:
    """The time by which restarts are put off."""

    def time(self) -> float:
        """Seconds since some moment."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class HostClient:
    """The host, as an editor process sees it. All methods belong to one event loop.

    Args:
        listener: is told what happens.
        ensure: finds or starts the host within so many seconds; `ide_agent.runtime.ensure_host` unless given.
        clock: the real one unless given.
    """

    def __init__(
        self,
        listener: Listener,
        ensure: Callable[[float], Host] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._listener = listener
        self._ensure = ensure or _ensure_host
        self._clock = clock or Clock()
        self._link: Link | None = None
        self._connecting: asyncio.Task[Link] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._dismissed: Link | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._deaths = 0
        self._not_before = 0.0

    @property
    def connected(self) -> bool:
        """Whether a host is known and nothing says that it is gone."""
        return self._link is not None

    @property
    def connection(self) -> object | None:
        """What is another object for every start of the host; None while none is known."""
        return self._link

    def start(self) -> None:
        """Find or start the host in the background."""
        self._wanted.set()
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep())

    async def aclose(self) -> None:
        """Let go of the host; it goes on running."""
        ending = [task for task in (self._keeper, self._connecting) if task is not None]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        if self._link is not None:
            self._forget(self._link)
        await asyncio.gather(*self._closing)

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
        answer = await self._open(method, path, json, timeout)
        try:
            body = await answer.read()
        except Broken as failure:
            raise HostUnavailable() from failure
        finally:
            await answer.aclose()
        return _parse(body)

    async def stream(
        self, path: str, json: Any, *, method: str = "POST", repeatable: bool = False
    ) -> AsyncGenerator[dict[str, Any]]:
        """The events that a request answers with.

        Args:
            path: route, from docs/protocol.md.
            json: the body.
            method: ``GET`` or ``POST``.
            repeatable: it may be worked on twice; sent again where the connection breaks before the answer.

        Closing the generator, or cancelling the task that waits for it, closes the connection at once, which
        cancels the work behind it. Use `contextlib.aclosing` where a loop over it may be left early.

        Raises:
            IdeAgentError: what the host answered or sent as an event of type ``error``, or HostUnavailable.
        """
        answer = await self._open(method, path, json, None, repeatable)
        try:
            async with aclosing(answer.events()) as events:
                async for event in events:
                    if event.get("type") == "error":
                        raise from_wire(event.get("error") or {})
                    yield event
        except Broken as failure:
            raise HostUnavailable() from failure
        finally:
            await answer.aclose()

    async def restart(self) -> None:
        """Stop the host and start it again.

        Raises:
            IdeAgentError: it did not stop, or did not come up.
        """
        from ide_agent.runtime import stop_host

        self._dismissed, self._link = self._link, None
        self._wanted.clear()
        await asyncio.to_thread(stop_host)
        self._deaths, self._not_before = 0, 0.0
        await self._connect()

    # -- one request

    async def _open(
        self, method: str, path: str, body: Any, timeout: float | None, repeatable: bool = False
    ) -> Answer:
        """The head of the answer.

        What is not `repeatable`, as a GET always is, is sent again only when nobody can have worked on it. A
        host that is silent may still be at it, and gets nothing twice; one that comes after it was sent gets
        it once.
        """
        pauses = iter(_PAUSES if repeatable or method == "GET" else ())
        refused = False
        first: Link | None = None
        while True:
            link = await self._connect()
            first = first or link
            try:
                answer = await link.send(method, path, body, timeout)
            except Refused as failure:
                self._forget(link)
                if refused:
                    raise HostUnavailable() from failure
                refused = True
                continue
            except Broken as failure:
                last = isinstance(failure, Silent) or link is not first
                pause = None if last else next(pauses, None)
                if pause is None:
                    raise HostUnavailable() from failure
                await self._clock.sleep(pause)
                continue
            if answer.status == 401 and not refused:
                refused = True
                await answer.aclose()
                self._forget(link)
                continue
            if answer.status >= 400:
                raise await _error(answer)
            return answer

    # -- the host's life

    async def _connect(self) -> Link:
        """The connections; starts the host when there is none, once for all who wait."""
        self.start()
        if self._link is not None:
            return self._link
        if self._connecting is None:
            if self._clock.time() < self._not_before:
                raise HostUnavailable()
            self._connecting = asyncio.create_task(self._find())
            self._connecting.add_done_callback(self._found)
        return await asyncio.shield(self._connecting)

    async def _find(self) -> Link:
        try:
            host = await asyncio.to_thread(self._ensure, _START_SECONDS)
        except OSError as failure:  # of the state folder or its lock
            raise HostStartError(reason=reason_of(failure, where=True)) from failure
        self._link = await asyncio.to_thread(Link, host)
        return self._link

    def _found(self, task: asyncio.Task[Link]) -> None:
        self._connecting = None
        if task.cancelled() or (failure := task.exception()) is None:
            return
        self._back_off()
        if isinstance(failure, IdeAgentError):
            self._listener.host_failed(failure)

    async def _keep(self) -> None:
        """Hold `/events` open for as long as the process lives; bring the host back when it dies."""
        while True:
            await self._wanted.wait()
            await self._clock.sleep(max(0.0, self._not_before - self._clock.time()))
            try:
                link = await self._connect()
            except IdeAgentError:
                continue  # `_found` has told the listener
            begun = self._clock.time()
            ended_well = await self._listen(link)
            self._forget(link)
            if link is self._dismissed:
                self._dismissed = None
                continue
            if ended_well:
                if self._link is None:
                    self._wanted.clear()
                continue
            if self._clock.time() - begun >= _STABLE_SECONDS:
                self._deaths = 0
            if self._deaths == 0:
                self._listener.host_lost()
            self._back_off()

    async def _listen(self, link: Link) -> bool:
        """Pass on the host's events; whether they ended by the host's own will."""
        try:
            answer = await link.send("GET", "/events", None, _LONGEST_SILENCE)
            try:
                if answer.status != 200:
                    return False
                self._listener.host_ready()
                async with aclosing(answer.events()) as events:
                    async for event in events:
                        self._listener.host_event(event)
                return True
            finally:
                await answer.aclose()
        except (Refused, Broken, ValueError) as failure:
            log.info("the host's events broke off: %s", type(failure).__name__)
            return False

    def _back_off(self) -> None:
        """The first restart is at once, those after it ever later."""
        pause = 0.0 if self._deaths == 0 else min(0.5 * 2 ** (self._deaths - 1), _LONGEST_PAUSE)
        self._deaths += 1
        self._not_before = self._clock.time() + pause

    def _forget(self, link: Link) -> None:
        if self._link is link:
            self._link = None
        task = asyncio.create_task(link.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _ensure_host(timeout: float) -> Host:
    from ide_agent.runtime import ensure_host

    return ensure_host(timeout)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError as failure:
        raise HostUnavailable() from failure
    return answer if isinstance(answer, dict) else {"value": answer}


async def _error(answer: Answer) -> IdeAgentError:
    try:
        return from_wire(json.loads(await answer.read())["error"])
    except (Broken, ValueError, KeyError, TypeError, AttributeError):
        return HostUnavailable("error.foreign", message=f"HTTP {answer.status}")
    finally:
        await answer.aclose()

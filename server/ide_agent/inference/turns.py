"""Who goes first: what a person waits for, what may be useful later, or what other programs ask."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Literal

Priority = Literal["foreground", "background", "api"]
TYPING_SECONDS = 120.0
"""Nobody types any more who has not for so long."""


class Turns:
    """Foreground requests never wait here; the others start only while none of them runs.

    Args:
        limit: background requests that may run at once, and as many of the API; neither waits for the other.
        alone: those of the API while nobody types; None: no more than else.
    """

    def __init__(self, limit: int = 1, alone: int | None = None) -> None:
        self._limit = limit
        self._alone = limit if alone is None else alone
        self._typing = False
        self._rest: asyncio.TimerHandle | None = None
        self._running: Counter[Priority] = Counter()
        self._waiting: deque[tuple[Priority, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def take(self, priority: Priority) -> AsyncGenerator[None, None]:
        """Hold a turn for the time of the block."""
        if priority == "foreground":
            self._running[priority] += 1
            self._typing = True
        else:
            await self._wait(priority)
        try:
            yield
        finally:
            self._running[priority] -= 1
            if priority == "foreground":
                self._rest_later()
            self._admit()

    async def _wait(self, priority: Priority) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((priority, mine))
        self._admit()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._running[priority] -= 1
                self._admit()
            else:
                with suppress(ValueError):  # somebody who left just now has passed it over
                    self._waiting.remove((priority, mine))
            raise

    def _rest_later(self) -> None:
        def rest() -> None:
            self._typing = bool(self._running["foreground"])
            self._admit()

        if self._rest is not None:
            self._rest.cancel()
        self._rest = asyncio.get_running_loop().call_later(TYPING_SECONDS, rest)

    def _admit(self) -> None:
        for waiting in list(self._waiting):
            priority, its = waiting
            limit = self._alone if priority == "api" and not self._typing else self._limit
            if self._running["foreground"] or self._running[priority] >= limit:
                continue
            self._waiting.remove(waiting)
            if not its.cancelled():
                self._running[priority] += 1
                its.set_result(None)

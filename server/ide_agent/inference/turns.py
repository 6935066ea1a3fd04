"""Who goes first: what a person waits for, or what may be useful later."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Literal

Priority = Literal["foreground", "background"]


class Turns:
    """Foreground requests never wait here; background ones start only while none of them runs.

    Args:
        background: background requests that may run at once.
    """

    def __init__(self, background: int = 1) -> None:
        self._limit = background
        self._foreground = 0
        self._background = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def take(self, priority: Priority) -> AsyncGenerator[None, None]:
        """Hold a turn for the time of the block."""
        if priority == "foreground":
            self._foreground += 1
        else:
            await self._wait()
        try:
            yield
        finally:
            if priority == "foreground":
                self._foreground -= 1
            else:
                self._background -= 1
            self._admit()

    async def _wait(self) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        self._admit()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._background -= 1
                self._admit()
            else:
                with suppress(ValueError):  # somebody who left just now has passed it over
                    self._waiting.remove(mine)
            raise

    def _admit(self) -> None:
        while self._waiting and not self._foreground and self._background < self._limit:
            first = self._waiting.popleft()
            if not first.cancelled():
                self._background += 1
                first.set_result(None)

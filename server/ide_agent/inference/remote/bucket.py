"""How often a remote model may be asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

_INSTANT = 1e-6


class Bucket:
    """Two token buckets in one: for a second and for a minute. Who comes too early waits in line.

    Args:
        per_second: requests a second.
        per_minute: requests a minute.
        clock: monotonic seconds.
        sleep: waits.
    """

    def __init__(
        self,
        per_second: float,
        per_minute: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rates = (per_second, per_minute / 60)
        self._sizes = (max(per_second, 1.0), float(per_minute))
        self._levels = list(self._sizes)
        self._clock = clock
        self._sleep = sleep
        self._seen = clock()
        self._not_before = self._seen
        self._line = asyncio.Lock()
        self.waiting = 0

    def delay(self) -> float:
        """Seconds that who comes now will wait."""
        self._fill()
        rates = zip(self._levels, self._rates, strict=True)
        held = self._not_before - self._seen
        return max(0.0, held, *((self.waiting + 1 - level) / rate for level, rate in rates))

    def hold(self, seconds: float) -> None:
        """Let nobody pass for so long."""
        self._not_before = max(self._not_before, self._clock() + seconds)

    async def take(self) -> None:
        """Return when it is this request's turn."""
        self.waiting += 1
        try:
            async with self._line:
                while (pause := self._missing()) > 0:
                    await self._sleep(pause)
                self._levels = [level - 1 for level in self._levels]
        finally:
            self.waiting -= 1

    def _missing(self) -> float:
        self._fill()
        rates = zip(self._levels, self._rates, strict=True)
        held = self._not_before - self._seen
        pause = max(held, *(max(1 - level, 0.0) / rate for level, rate in rates))
        return pause if pause > _INSTANT else 0.0

    def _fill(self) -> None:
        now = self._clock()
        passed, self._seen = now - self._seen, now
        self._levels = [
            min(level + passed * rate, size)
            for level, rate, size in zip(self._levels, self._rates, self._sizes, strict=True)
        ]

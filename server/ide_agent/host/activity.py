"""What keeps the host from leaving."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Activity:
    """Counts reasons to stay: requests in flight, attached editors, long work."""

    def __init__(self) -> None:
        self._reasons: Counter[str] = Counter()
        self._free = asyncio.Event()
        self._free.set()
        self._since = time.monotonic()

    @contextmanager
    def busy(self, reason: str) -> Iterator[None]:
        """The host stays while the block runs, and its idle time starts anew afterwards."""
        self._reasons[reason] += 1
        self._free.clear()
        try:
            yield
        finally:
            self._reasons[reason] -= 1
            if not self._reasons[reason]:
                del self._reasons[reason]
            self._since = time.monotonic()
            if not self._reasons:
                self._free.set()

    def reasons(self) -> dict[str, int]:
        """Why the host stays now, with counts."""
        return dict(self._reasons)

    async def idle(self, seconds: float) -> None:
        """Return once nothing has happened for `seconds`."""
        while True:
            await self._free.wait()
            remaining = self._since + seconds - time.monotonic()
            if remaining <= 0:
                return
            await asyncio.sleep(remaining)

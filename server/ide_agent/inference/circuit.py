"""When to try again after a crash, and when to stop trying for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

from ide_agent.reasons import Reason

_FIRST_DELAY = 0.25
_LONGEST_DELAY = 5.0


class Circuit:
    """Counts crashes in a row.

    Args:
        limit: crashes in a row that open the circuit.
        open_seconds: how long it stays open; after that one more try is let through.
        clock: monotonic seconds.
    """

    def __init__(
        self, limit: int = 3, open_seconds: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._open_seconds = open_seconds
        self._clock = clock
        self._last = 0.0
        self.crashes = 0
        self.reason: Reason = ""

    def crashed(self, reason: Reason) -> None:
        """The engine died by itself, or did not come up."""
        self.crashes += 1
        self.reason = reason
        self._last = self._clock()

    def worked(self) -> None:
        """The engine answered a request; what was before no longer counts."""
        self.crashes = 0

    def open_for(self) -> float:
        """Seconds for which nothing may be tried; 0 when the circuit is closed."""
        if self.crashes < self._limit:
            return 0.0
        return max(self._last + self._open_seconds - self._clock(), 0.0)

    @property
    def half_open(self) -> bool:
        """Whether one try is due that decides."""
        return self.crashes >= self._limit and not self.open_for()

    def delay(self) -> float:
        """Seconds to wait before the next start: doubles with every crash."""
        if self.crashes == 0:
            return 0.0
        pause = min(_FIRST_DELAY * 2.0 ** min(self.crashes - 1, 16), _LONGEST_DELAY)
        return max(self._last + pause - self._clock(), 0.0)

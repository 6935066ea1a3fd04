"""Work that waits for a pause in typing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Pauses:
    """One waiting piece of work a key; asking again starts its pause anew."""

    def __init__(self) -> None:
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def after(
        self, seconds: float, work: Callable[[str], Coroutine[Any, Any, None]], uri: str, *, key: str = ""
    ) -> None:
        """Run ``work(uri)`` after a pause. `key`: where not each document has a pause of its own."""
        key = key or uri
        self.drop(key)

        def begin() -> None:
            self._timers.pop(key, None)
            task = asyncio.ensure_future(work(uri))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self._timers[key] = asyncio.get_running_loop().call_later(seconds, begin)

    def waiting(self, key: str) -> bool:
        """Whether a pause is under way."""
        return key in self._timers

    def drop(self, key: str) -> None:
        """Forget what waits."""
        if timer := self._timers.pop(key, None):
            timer.cancel()

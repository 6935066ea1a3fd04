"""Those who wait for a place in memory, in the order in which they will be served."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ide_agent.errors import ModelError
from ide_agent.inference.models import ModelFile
from ide_agent.inference.plan import Wish

_LOOK_SECONDS = 1.0
"""Memory comes free, and a model becomes long unused, without anybody telling."""


@dataclass(eq=False)
class Waiting:
    """Somebody who waits.

    Attributes:
        wish: for what.
        model: the same, as it lies on the disk.
        reason: why not yet; None until it was looked into.
        ended: somebody does not want the model in memory any longer.
    """

    wish: Wish
    model: ModelFile
    reason: ModelError | None = None
    ended: bool = False


@dataclass
class Queue:
    """Foreground first, background last; among equals whoever came first."""

    _line: list[Waiting] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(self._line)

    @contextmanager
    def stand(self, wish: Wish, model: ModelFile) -> Iterator[Waiting]:
        """Wait for the time of the block."""
        mine = Waiting(wish, model)
        later = (at for at, other in enumerate(self._line) if other.wish.rank > wish.rank)
        self._line.insert(next(later, len(self._line)), mine)
        try:
            yield mine
        finally:
            self._line.remove(mine)
            self.look()

    def ahead(self, mine: Waiting) -> Waiting | None:
        """Who is served before `mine`; who wants the same as the first in the line stands with him."""
        first = self._line[0]
        return None if first.wish.key == mine.wish.key else first

    def end(self, files: Set[Path]) -> int:
        """Send away who waits for one of `files`; how many there were."""
        ended = [waiting for waiting in self._line if waiting.wish.key[0] in files]
        for waiting in ended:
            waiting.ended = True
        self.look()
        return len(ended)

    def look(self) -> None:
        """Something has changed: whoever waits looks again."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def change(self) -> None:
        """Return when it may be worth looking again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):  # wait_for may swallow a cancellation
                await self._news.wait()

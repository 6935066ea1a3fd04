"""What is going on in one document: at most one generation, and for whom."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .cursor import CursorContext, Offer
from .debounce import Debounce
from .generation import Generation

if TYPE_CHECKING:
    from .alternatives import Alternatives

# How long an edit that agrees with a generation keeps it without a request that takes it up: VS Code asks
# 50 ms after a keystroke, and cancels the old request before.
GRACE_S = 0.15

Grow = Callable[[Offer], None]
"""Called with the longer offer each time a line is added."""


@dataclass(slots=True)
class Activity:
    """One document's share of the service."""

    debounce: Debounce
    turn: int = 0
    asked: CursorContext | None = None
    generation: Generation | None = None
    follows: str = ""
    """Id of the suggestion after which `generation` looks ahead; '' when it answers the user."""
    watcher: tuple[CursorContext, Grow | None] | None = None
    """For which position `generation` answers, and who sees it grow there."""
    model: str = ""
    """The model that answered last."""
    local: bool = True
    """Whether that is on this machine. Elsewhere nothing is asked for ahead of the user: it costs money."""
    alternatives: Alternatives | None = None
    """What was suggested at the position where others were asked for last."""
    _lapse: asyncio.TimerHandle | None = None
    _overtaken: asyncio.Event = field(default_factory=asyncio.Event)

    def next_turn(self) -> int:
        """Begin another request, or none: who waits for the one before learns at once that it is over."""
        self.turn += 1
        self._overtaken.set()
        self._overtaken = asyncio.Event()
        return self.turn

    async def wait(self, event: Awaitable[object], turn: int) -> None:
        """Wait for `event`, or until `turn` is over, which it may be already."""
        tasks = [asyncio.ensure_future(each) for each in (event, self._overtaken.wait())]
        try:
            if turn == self.turn:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    @property
    def live(self) -> Generation | None:
        """The generation under way."""
        return self.generation if self.generation and not self.generation.done else None

    @property
    def lapsing(self) -> bool:
        """Whether the generation ends soon unless `keep` is called."""
        return self._lapse is not None

    def lapse(self, stop: Callable[[Activity], None]) -> None:
        """Call ``stop(self)`` in a while; asking again starts that while anew."""
        self.keep()
        self._lapse = asyncio.get_running_loop().call_later(GRACE_S, stop, self)

    def keep(self) -> None:
        """Let the generation go on."""
        if self._lapse is not None:
            self._lapse.cancel()
            self._lapse = None

    def answer(self, context: CursorContext, grow: Grow | None) -> None:
        """The generation now answers the user, at `context`."""
        self.keep()
        self.follows = ""
        self.watcher = (context, grow)

    def stop(self) -> None:
        """End the generation, if there is one."""
        self.keep()
        if self.generation is not None:
            self.generation.cancel()
            self.generation = None
        self.watcher = None
        self.follows = ""

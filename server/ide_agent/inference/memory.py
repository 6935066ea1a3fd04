"""The engines in memory, those on their way in and out, and the line of those who wait for a place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from ide_agent.errors import NotEnoughMemory
from ide_agent.inference.engine import Engine
from ide_agent.inference.models import ModelFile
from ide_agent.inference.plan import Key, Place, Wish, decide, idle
from ide_agent.inference.queue import Queue, Waiting
from ide_agent.inference.resources import check_memory, spare_memory

_DRAIN_SECONDS = 60.0


@dataclass(frozen=True)
class Load:
    """A model on its way into memory.

    Attributes:
        wish: for what it was begun.
        model: the same, as it lies on the disk.
        task: does it.
    """

    wish: Wish
    model: ModelFile
    task: asyncio.Task[Engine]


class Memory:
    """Acts on what `plan` decides.

    Args:
        limit: models that may be there at once.

    Attributes:
        engines: those that are there; unloaded and broken ones, which take no memory, among them.
        loads: those on their way in.
        leaving: those on their way out, once their work is done.
        kept: what somebody activated, there or not.
        queue: who waits.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.engines: dict[Key, Engine] = {}
        self.loads: dict[Key, Load] = {}
        self.leaving: dict[Engine, asyncio.Task[None]] = {}
        self.kept: set[Key] = set()
        self.queue = Queue()

    def find(self, key: Key, model: ModelFile) -> Engine | None:
        """The engine for `model` if it is there, or cannot be started for a while and says why when it is."""
        found = self.engines.get(key)
        return found if found and found.model == model and (found.alive or found.given_up) else None

    async def enter(
        self,
        wish: Wish,
        model: ModelFile,
        load: Callable[[list[Engine]], asyncio.Task[Engine]],
        on_wait: Callable[[Waiting], None],
    ) -> None:
        """Begin to load `model` as soon as there is room. Returns early when somebody else has.

        Args:
            wish: what is wanted.
            model: the same, as it lies on the disk.
            load: begins it; is given the engines that have to end first.
            on_wait: told whenever it was looked into in vain.
        """
        with self.queue.stand(wish, model) as mine:
            while wish.key not in self.loads and self.find(wish.key, model) is None:
                verdict = decide(wish, self.held(wish.key), limit=self._limit, free=spare_memory())
                mine.reason = verdict.waits
                if verdict.waits is None and self.queue.first(mine):
                    task = load([self.engines.pop(place.key) for place in verdict.ends])
                    self.loads[wish.key] = Load(wish, model, task)
                    task.add_done_callback(lambda done: self._loaded(wish.key, done))
                    return
                on_wait(mine)
                await self.queue.change()

    async def make_room(self, model: ModelFile, wish: Wish) -> None:
        """Where the machine has less memory than was planned with, end more of what nobody uses."""
        while ready := idle(wish, self.held(wish.key)):
            try:
                check_memory(model, wish.bytes)
            except NotEnoughMemory:
                await self.engines.pop(ready[0].key).close()
            else:
                return

    def held(self, wanted: Key) -> list[Place]:
        """What takes memory, `wanted` left out."""
        places = [_place(key, engine) for key, engine in self.engines.items() if engine.alive]
        places += [_place(_key(engine), engine, leaving=True) for engine in self.leaving]
        # an engine that is started again is in both
        places = [place for place in places if place.key not in self.loads]
        places += [
            Place(key, load.wish.name, load.wish.bytes, "loading", kept=key in self.kept)
            for key, load in self.loads.items()
        ]
        return [place for place in places if place.key != wanted]

    def retire(self, engine: Engine) -> asyncio.Task[None]:
        """Let `engine`, which nobody is given any more, come to the end of its work, then end it."""
        task = self.leaving[engine] = asyncio.create_task(_retire(engine))
        task.add_done_callback(lambda _: self._left(engine))
        return task

    async def close(self) -> None:
        """End all."""
        for load in list(self.loads.values()):
            load.task.cancel()
            await asyncio.wait([load.task])
        engines = list(self.engines.values())
        self.engines.clear()
        await asyncio.gather(*(engine.close() for engine in engines))
        leaving = list(self.leaving.values())
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)

    def _loaded(self, key: Key, task: asyncio.Task[Engine]) -> None:
        del self.loads[key]
        if not task.cancelled():
            task.exception()  # everybody who asked may be gone by now
        self.queue.look()

    def _left(self, engine: Engine) -> None:
        del self.leaving[engine]
        self.queue.look()


def _key(engine: Engine) -> Key:
    return engine.model.file, engine.purpose


def _place(key: Key, engine: Engine, *, leaving: bool = False) -> Place:
    return Place(
        key,
        engine.model.name,
        engine.part.bytes,
        "leaving" if leaving else "busy" if engine.busy else "idle",
        kept=engine.kept,
        foreground=engine.foreground,
        rested=time.monotonic() - engine.last_used,
    )


async def _retire(engine: Engine) -> None:
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            await engine.drained()
    except TimeoutError:
        pass
    finally:
        await engine.close()

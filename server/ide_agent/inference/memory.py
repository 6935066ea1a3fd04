"""The engines in memory, those on their way in and out, and the line of those who wait for a place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from ide_agent.errors import EngineClosed, ModelError, ModelNotFound
from ide_agent.inference.beside import Beside
from ide_agent.inference.engine import Engine
from ide_agent.inference.models import ModelFile
from ide_agent.inference.plan import Key, Place, Wish, called, decide, idle
from ide_agent.inference.queue import Queue, Waiting
from ide_agent.inference.resources import spare_memory

_DRAIN_SECONDS = 60.0


@dataclass(frozen=True)
class Load:
    """A model on its way into memory.

    Attributes:
        wish: for what it was begun.
        model: the same, as it lies on the disk.
        task: does it.
        asked: who waits for it; each holds the engine from the moment in which it is there.
    """

    wish: Wish
    model: ModelFile
    task: asyncio.Task[Engine]
    asked: list[ExitStack] = field(default_factory=list)


class Memory:
    """Acts on what `plan` decides.

    Args:
        limit: models that may be there at once.
        on_end: told of each engine that is ended while others go on.

    Attributes:
        engines: those that are there; unloaded and broken ones, which take no memory, among them.
        loads: those on their way in.
        leaving: those on their way out, once their work is done.
        kept: what somebody activated, there or not.
        queue: who waits.
    """

    def __init__(self, limit: int, on_end: Callable[[Engine], None] = lambda _: None) -> None:
        self._limit = limit
        self._on_end = on_end
        self.engines: dict[Key, Engine] = {}
        self.loads: dict[Key, Load] = {}
        self.leaving: dict[Engine, asyncio.Task[None]] = {}
        self.kept: set[Key] = set()
        self.queue = Queue()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    def find(self, key: Key, model: ModelFile, beside: Beside) -> Engine | None:
        """The engine for `model`, loaded with `beside`.

        None unless it is there, or cannot be started for a while and says why when it is.
        """
        found = self.engines.get(key)
        if found is None or (found.model, found.beside) != (model, beside):
            return None
        return found if found.alive or found.given_up else None

    async def enter(
        self,
        wish: Wish,
        model: ModelFile,
        load: Callable[[list[asyncio.Future[None]]], asyncio.Task[Engine]],
        on_wait: Callable[[Waiting], asyncio.Future[None] | None],
    ) -> None:
        """Begin to load `model` as soon as there is room. Returns early when somebody else has.

        Args:
            wish: what is wanted.
            model: the same, as it lies on the disk.
            load: begins it; is given what has to come first, such as the ends of other engines.
            on_wait: told whenever it was looked into in vain, and when it begins, then without a reason; what
                it returns then has to come first.

        Raises:
            NotEnoughMemory: it would not fit, however long it waited.
            ModelNotFound: its file was removed.
            ModelError: somebody deactivated it meanwhile.
            EngineClosed: all engines were ended.
        """
        with self.queue.stand(wish, model) as mine:
            while wish.key not in self.loads and self.find(wish.key, model, wish.beside) is None:
                if self._closed:
                    raise EngineClosed(model=wish.name)
                if mine.ended:
                    raise ModelError("error.model.deactivated", name=wish.name)
                if not model.file.exists():
                    raise ModelNotFound(name=wish.name)
                verdict = decide(wish, self.held(wish.key), limit=self._limit, free=spare_memory())
                if verdict.refused is not None:
                    raise verdict.refused
                mine.reason = verdict.waits or self._behind(mine)
                if mine.reason is None:
                    first = on_wait(mine)
                    ends = [self.end(self.engines.pop(place.key)) for place in verdict.ends]
                    task = load([*ends, first] if first is not None else [*ends])
                    self.loads[wish.key] = Load(wish, model, task)
                    task.add_done_callback(lambda done: self._loaded(wish.key, done))
                    return
                on_wait(mine)
                await self.queue.change()

    async def make_room(self, wish: Wish) -> None:
        """Where there is less memory than was planned with, end more of what nobody uses, if that helps."""
        while ready := idle(wish, self.held(wish.key)):
            free = spare_memory()
            if not free < wish.bytes <= free + sum(place.bytes for place in ready):
                return
            await asyncio.wait([self.end(self.engines.pop(ready[0].key))])

    def held(self, wanted: Key) -> list[Place]:
        """What takes memory, `wanted` left out."""
        places = [_place(key, engine) for key, engine in self.engines.items() if _takes_place(engine)]
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
        task = self.leaving[engine] = asyncio.create_task(self._retire(engine))
        task.add_done_callback(lambda _: self._left(engine))
        return task

    def end(self, engine: Engine) -> asyncio.Task[None]:
        """End `engine` now; from here on nobody is given it. Whoever waits for that may be cancelled."""
        engine.put_away()
        if not self._closed:
            self._on_end(engine)
        task = asyncio.create_task(engine.close())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        return task

    async def close(self) -> None:
        """End all, for good."""
        self._closed = True
        self.queue.look()
        for load in list(self.loads.values()):
            load.task.cancel()
            await asyncio.wait([load.task])
        leaving = list(self.leaving.items())
        for _, task in leaving:
            task.cancel()
        for engine in [*self.engines.values(), *(engine for engine, _ in leaving)]:
            self.end(engine)
        self.engines.clear()
        await asyncio.gather(*(task for _, task in leaving), return_exceptions=True)
        await asyncio.gather(*self._ending)

    def _behind(self, mine: Waiting) -> ModelError | None:
        other = self.queue.ahead(mine)
        if other is None:
            return None
        return ModelError("error.model.waits_behind", model=called(mine.wish), other=called(other.wish))

    def _loaded(self, key: Key, task: asyncio.Task[Engine]) -> None:
        load = self.loads.pop(key)
        if not task.cancelled() and task.exception() is None:
            for stack in load.asked:  # or somebody else would take its place before they come to it
                stack.enter_context(task.result().lease())
        self.queue.look()

    async def _retire(self, engine: Engine) -> None:
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await engine.drained()
        except TimeoutError:
            pass
        finally:
            await asyncio.wait([self.end(engine)])

    def _left(self, engine: Engine) -> None:
        del self.leaving[engine]
        self.queue.look()


def _key(engine: Engine) -> Key:
    return engine.model.file, engine.purpose


def _takes_place(engine: Engine) -> bool:
    """Whether it is in memory, or may come back by itself: for who holds it, or because it is to stay."""
    return engine.alive or ((engine.busy > 0 or engine.kept) and not engine.given_up)


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

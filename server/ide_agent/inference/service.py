"""The engine room's front desk: hands out engines, loads them when needed, keeps them within the machine.

Which models stay in memory `plan` decides and `memory` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ide_agent.config import InferenceSettings
from ide_agent.errors import EngineStartError, IdeAgentError, ModelError, ModelFileInvalid, NotEnoughMemory
from ide_agent.inference.adapted import called, check_adapter
from ide_agent.inference.backends import Purpose
from ide_agent.inference.beside import Beside, beside
from ide_agent.inference.building import Builder
from ide_agent.inference.engine import Engine, EngineState
from ide_agent.inference.kinds import check_purpose, purpose_of
from ide_agent.inference.memory import Load, Memory
from ide_agent.inference.model import Model
from ide_agent.inference.models import ModelFile, ModelStore
from ide_agent.inference.plan import Key, Wish
from ide_agent.inference.queue import Waiting
from ide_agent.inference.running import Running, format_of, of_engine, without_engine
from ide_agent.inference.status import Status
from ide_agent.inference.turns import Priority

if TYPE_CHECKING:
    from ide_agent.inference.remote.service import Remotes


@dataclass(frozen=True)
class _Wanted:
    """What somebody asks for: by its name, and as it lies on the disk."""

    name: str
    file: ModelFile
    purpose: Purpose
    beside: Beside

    @property
    def key(self) -> Key:
        return self.file.file, self.purpose


class Inference:
    """All engines of this machine.

    Args:
        settings: the user's.
        models: the models folder.
        publish: gets a status object of the protocol at every change: ``{"type": "status", "state", "model",
            "engine", "format"}``; with an error, and why a model waits, as ``message`` in English and
            ``error``, its wire form. A model that left memory is ``ready`` with ``"loaded": False``; an empty
            ``model``: there is nothing to say of any.
    """

    def __init__(
        self, settings: InferenceSettings, models: ModelStore, publish: Callable[[dict[str, Any]], None]
    ) -> None:
        self._settings = settings
        self._models = models
        self._status = Status(publish)
        self._memory = Memory(settings.active_models, lambda engine: self._gone(engine.model))
        self._builder = Builder(settings, self._tell, self._memory.queue.look)
        self.remotes: Remotes | None = None
        self.building = asyncio.Lock()  # one build of the native engine at a time

    @asynccontextmanager
    async def hold(
        self, model: str = "", purpose: Purpose = "text", priority: Priority = "api"
    ) -> AsyncGenerator[Engine]:
        """The engine for `model`, loaded if it is not, and held for the time of the block.

        Asked for by many at once it is loaded once. Where there is no room for it, it waits for that; cancel
        the task to give up.

        Args:
            model: a name `ModelStore.find` knows; empty: the default one.
            purpose: an engine does one of them; two need two of them.
            priority: whose place it may take, and who is served first.

        Raises:
            ModelNotFound, ModelFileInvalid, NotEnoughMemory: what is wrong with the model.
            ModelError: somebody deactivated it while it waited.
            EngineStartError, EngineUnavailable: what is wrong with the engine.
            EngineClosed: all engines were ended.
        """
        self._notice()
        wanted = await asyncio.to_thread(self._find, model, purpose)
        with ExitStack() as stack:
            yield await self._get(wanted, priority, self._status.tell_wait, stack)

    async def engine(self, model: str = "", purpose: Purpose = "text", priority: Priority = "api") -> Engine:
        """As `hold`, but nobody holds it: it may be ended before you use it."""
        async with self.hold(model, purpose, priority) as engine:
            return engine

    async def activate(
        self,
        model: str,
        on_wait: Callable[[IdeAgentError | None], asyncio.Future[None] | None] = lambda _: None,
    ) -> Engine:
        """The engine for `model`, which stays until `release`. Waits like `hold`.

        Args:
            model: a name `ModelStore.find` knows.
            on_wait: told why it waits, again and again; None when it begins to be loaded, which what is
                returned then goes before.

        Raises:
            IdeAgentError: see `hold`.
        """
        self._notice()
        wanted = await asyncio.to_thread(self._find, model)
        key = wanted.key

        def tell(waiting: Waiting) -> asyncio.Future[None] | None:
            self._status.tell_wait(waiting)
            return on_wait(waiting.reason)

        with ExitStack() as stack:
            engine = await self._get(wanted, "api", tell, stack)
            if self._memory.engines.get(key) is not engine:  # released just now
                raise ModelError("error.model.deactivated", name=wanted.file.name)
            self._memory.kept.add(key)
            engine.kept = True
        return engine

    @asynccontextmanager
    async def model(
        self,
        name: str = "",
        purpose: Purpose = "text",
        *,
        private: bool = False,
        priority: Priority = "api",
        asked: str = "",
    ) -> AsyncGenerator[Model]:
        """The model called `name`: of an endpoint where it begins with the name of one, else an engine's,
        held for the time of the block.

        Args:
            name: as clients say it; empty: the default one.
            purpose: of an engine.
            private: never one of another machine, whatever the settings have become meanwhile.
            priority: of an engine, see `hold`. Unless it is ``api``, an endpoint answers soon or not at all.
            asked: what for, e.g. ``/chat/completions``; noted where nothing may be sent to an endpoint.

        Raises:
            ModelNotFound: it is private, and that model is on another machine.
            RemoteError: it is on another machine and must not, or cannot, be asked.
            ModelError, EngineError: as `hold`.
        """
        if self.remotes is not None:
            hurried = priority != "api"
            remote = await self.remotes.find(name, private=private, hurried=hurried, asked=asked)
            if remote is not None:
                yield remote
                return
        async with self.hold(name, purpose, priority) as engine:
            yield called(engine, name or self._settings.model)

    def snapshot(self) -> list[EngineState]:
        """How all engines stand."""
        self._notice()
        return [engine.snapshot() for engine in self._memory.engines.values()]

    def running(self) -> list[Running]:
        """The models in memory, those on their way in and out, and those that wait for a place."""
        self._notice()
        memory = self._memory
        here = {key: engine for key, engine in memory.engines.items() if engine.alive}
        rows = [of_engine(engine, engine.state) for engine in here.values()]
        rows += [of_engine(engine, "leaving") for engine in memory.leaving]
        seen = set(here)
        coming: list[Load | Waiting] = [*memory.loads.values(), *memory.queue]
        for each in coming:
            key, model = each.wish.key, each.model
            if key not in seen:
                seen.add(key)
                waiting = each if isinstance(each, Waiting) else None
                part = self._builder.share(model, key[1], each.wish.beside)
                rows.append(without_engine(model, key[1], part, waiting))
        broken = [it for key, it in memory.engines.items() if it.state == "error" and key not in seen]
        return [*rows, *(of_engine(engine, engine.state) for engine in broken)]

    def trial(self, engine: str) -> Inference:
        """Another front desk over the same models, which uses that one engine and tells nobody."""
        return Inference(self._settings.model_copy(update={"engine": engine}), self._models, lambda _: None)

    async def forget(self) -> None:
        """End the engines that nobody uses, so that the next request chooses anew (another backend, say).

        Those that somebody activated stay as they are.
        """
        memory = self._memory
        unused = [
            key
            for key, engine in memory.engines.items()
            if not (engine.busy or engine.kept or key in memory.loads)
        ]
        if ends := [memory.end(memory.engines.pop(key)) for key in unused]:
            await asyncio.wait(ends)
        memory.queue.look()

    async def release(self, model: str) -> int:
        """End the engines of `model` once their work is done, so that its files can go; send away who waits.

        Returns how many there were.

        Args:
            model: its name, or that of a folder for all models in it.
        """
        memory = self._memory
        files = {each.file for each in self._models.list() if model in (each.name, each.file.parent.name)}
        waits = memory.queue.end(files)
        if loading := [load.task for key, load in memory.loads.items() if key[0] in files]:
            await asyncio.wait(loading)
        memory.kept -= {key for key in memory.kept if key[0] in files}
        engines = [memory.engines.pop(key) for key in list(memory.engines) if key[0] in files]
        await asyncio.gather(*(asyncio.shield(memory.retire(engine)) for engine in engines))
        if self._status.is_of({each.name for each in self._models.list() if each.file in files}):
            self._status.settle({})  # whatever was told of it, it is as if nobody had asked for it
        return len(engines) + waits

    async def close(self) -> None:
        """End all engines."""
        await self._memory.close()

    def _notice(self) -> None:
        """End the engines whose file was removed: as long as they run, the system keeps its space taken."""
        memory = self._memory
        for key in [key for key, engine in memory.engines.items() if not engine.model.file.exists()]:
            memory.kept.discard(key)
            memory.retire(memory.engines.pop(key))

    def _find(self, name: str, purpose: Purpose | None = None) -> _Wanted:
        """The model called `name`; where nobody says what for, for what it was made for.

        Lists folders and reads headers.
        """
        file = self._models.find(name, purpose=purpose or "text")
        purpose = purpose or purpose_of(file)
        return _Wanted(name or self._settings.model, file, purpose, beside(file, purpose))

    async def _get(
        self,
        wanted: _Wanted,
        priority: Priority,
        on_wait: Callable[[Waiting], asyncio.Future[None] | None],
        stack: ExitStack,
    ) -> Engine:
        """The engine for what is `wanted`, which `stack` holds."""
        key = wanted.key
        while (load := self._memory.loads.get(key)) is None:
            if (found := self._memory.find(key, wanted.file, wanted.beside)) is not None:
                stack.enter_context(found.lease())
                await found.start()
                return found
            await self._enter(wanted, priority, on_wait)
        load.asked.append(stack)
        try:
            return await asyncio.shield(load.task)
        finally:
            load.asked.remove(stack)

    async def _enter(
        self,
        wanted: _Wanted,
        priority: Priority,
        on_wait: Callable[[Waiting], asyncio.Future[None] | None],
    ) -> None:
        """Begin to load what is `wanted` as soon as there is room for it."""
        key, file = wanted.key, wanted.file
        try:
            await asyncio.to_thread(lambda: file.header)
            check_purpose(file, key[1])
            # before another one goes for it
            check_adapter(wanted.name, file, self._builder.suited(file, key[1], wanted.beside)[0])
        except (ModelError, EngineStartError) as failure:
            self._tell(file, "", "error", failure)
            raise
        part = self._builder.share(file, key[1], wanted.beside)
        wish = Wish(key, file.name, part.bytes, priority, wanted.beside)

        def load(first: list[asyncio.Future[None]]) -> asyncio.Task[Engine]:
            self._builder.promise(key, part)  # now: who asks next must know
            task = asyncio.create_task(self._load(wish, file, first))
            task.add_done_callback(lambda _: self._builder.drop(key))
            return task

        try:
            await self._memory.enter(wish, file, load, on_wait)
        except NotEnoughMemory as failure:
            self._tell(file, "", "error", failure)
            raise
        except BaseException:
            self._status.waits_no_more(file)
            raise

    async def _load(self, wish: Wish, file: ModelFile, first: list[asyncio.Future[None]]) -> Engine:
        memory, key = self._memory, wish.key
        if first:
            await asyncio.wait(first)
        old = memory.engines.get(key)
        if old is not None and (old.model, old.beside) != (file, wish.beside):  # files were replaced
            memory.retire(memory.engines.pop(key))
        if before := [task for engine, task in memory.leaving.items() if engine.model.file == key[0]]:
            await asyncio.wait(before)
        await memory.make_room(wish)
        if old is not None and memory.engines.get(key) is old:
            await old.start()
            old.kept = key in memory.kept
            return old
        try:
            backends = self._builder.suited(file, key[1], wish.beside)
        except IdeAgentError as failure:
            self._tell(file, "", "error", failure)
            raise
        engine = self._builder.build(file, backends, key[1], wish.beside)
        try:
            await engine.start()
        except (EngineStartError, ModelFileInvalid):
            memory.engines[key] = engine  # it remembers how often it failed, or that it always will
            raise
        except BaseException:
            await engine.close()
            raise
        memory.engines[key] = engine
        engine.kept = key in memory.kept
        return engine

    def _gone(self, model: ModelFile) -> None:
        """`model` left memory: what was told of it does not hold any more."""
        if not self._status.is_of({model.name}):
            return
        about: dict[str, Any] = {}
        engines = self._memory.engines.values()
        other = next((each for each in engines if each.alive and each.state == "ready"), None)
        if other is not None:
            about = {"model": other.model.name, "engine": other.backend, "format": format_of(other.model)}
        elif model.file.exists():
            about = {"model": model.name, "engine": "", "format": format_of(model), "loaded": False}
        self._status.settle(about)

    def _tell(self, model: ModelFile, engine: str, state: str, error: IdeAgentError | None) -> None:
        if state == "unloaded":
            self._gone(model)
        self._status.tell(model, engine, state, error)

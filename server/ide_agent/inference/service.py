"""The engine room's front desk: hands out engines, loads them when needed, keeps them within the machine."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ide_agent.config import InferenceSettings
from ide_agent.errors import EngineStartError, IdeAgentError, ModelFileInvalid, NotEnoughMemory
from ide_agent.inference.backends import Backend, EngineSpec, Purpose, usable
from ide_agent.inference.engine import Engine, EngineState
from ide_agent.inference.model import Model
from ide_agent.inference.models import ModelFile, ModelStore
from ide_agent.inference.resources import Share, check_memory, share
from ide_agent.inference.supervisor import State, Supervisor

if TYPE_CHECKING:
    from ide_agent.inference.remote.service import Remotes

_TOLD = ("loading", "ready", "error")
_DRAIN_SECONDS = 60.0
_Key = tuple[Path, Purpose]


class Inference:
    """All engines of this machine.

    Args:
        settings: the user's.
        models: the models folder.
        publish: gets a status object of the protocol at every change: ``{"type": "status", "state", "model",
            "engine"}``, in case of an error with ``message`` in English and ``error``, its wire form.
    """

    def __init__(
        self, settings: InferenceSettings, models: ModelStore, publish: Callable[[dict[str, Any]], None]
    ) -> None:
        self._settings = settings
        self._models = models
        self._publish = publish
        self._engines: dict[_Key, Engine] = {}
        self._loading: dict[_Key, asyncio.Task[Engine]] = {}
        self._retiring: set[asyncio.Task[None]] = set()
        self.remotes: Remotes | None = None
        self.building = asyncio.Lock()  # one build of the native engine at a time

    async def engine(self, model: str = "", purpose: Purpose = "text") -> Engine:
        """The engine for `model`, loaded if it is not. Asked for by many at once it is loaded once.

        Args:
            model: a name `ModelStore.find` knows; empty: the default one.
            purpose: an engine does one or the other; both need two of them.

        Raises:
            ModelNotFound, ModelFileInvalid, NotEnoughMemory: what is wrong with the model.
            EngineStartError, EngineUnavailable: what is wrong with the engine.
        """
        self._notice()
        file = self._models.find(model)
        key: _Key = (file.file, purpose)
        found = self._engines.get(key)
        if found is not None and found.model == file:
            await found.start()
            return found
        if key not in self._loading:
            task = asyncio.create_task(self._load(key, file))
            self._loading[key] = task
            task.add_done_callback(lambda done: self._loaded(key, done))
        return await asyncio.shield(self._loading[key])

    async def model(self, name: str = "", purpose: Purpose = "text") -> Model:
        """The model called `name`: of an endpoint where it begins with the name of one, else an engine's.

        Raises:
            RemoteError: it is on another machine and must not, or cannot, be asked.
            ModelError, EngineError: as `engine`.
        """
        remote = await self.remotes.find(name) if self.remotes is not None else None
        return remote or await self.engine(name, purpose)

    def snapshot(self) -> list[EngineState]:
        """How all engines stand."""
        self._notice()
        return [engine.snapshot() for engine in self._engines.values()]

    def trial(self, engine: str) -> Inference:
        """Another front desk over the same models, which uses that one engine and tells nobody."""
        return Inference(self._settings.model_copy(update={"engine": engine}), self._models, lambda _: None)

    async def forget(self) -> None:
        """End the engines that nobody uses, so that the next request chooses anew (another backend, say)."""
        for key, engine in list(self._engines.items()):
            if not engine.busy:
                del self._engines[key]
                await engine.close()

    async def release(self, model: str) -> int:
        """End the engines of `model` once their work is done, so that its files can go; how many there were.

        Args:
            model: its name, or that of a folder for all models in it.
        """
        files = {each.file for each in self._models.list() if model in (each.name, each.file.parent.name)}
        if loading := [task for key, task in self._loading.items() if key[0] in files]:
            await asyncio.wait(loading)
        engines = [self._engines.pop(key) for key in list(self._engines) if key[0] in files]
        await asyncio.gather(*map(_retire, engines))
        return len(engines)

    async def close(self) -> None:
        """End all engines."""
        for task in list(self._loading.values()):
            task.cancel()
            await asyncio.wait([task])
        engines = list(self._engines.values())
        self._engines.clear()
        await asyncio.gather(*(engine.close() for engine in engines))
        for retiring in self._retiring:
            retiring.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)

    def _notice(self) -> None:
        """End the engines whose file was removed: as long as they run, the system keeps its space taken."""
        for key in [key for key, engine in self._engines.items() if not engine.model.file.exists()]:
            task = asyncio.create_task(_retire(self._engines.pop(key)))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    async def _load(self, key: _Key, file: ModelFile) -> Engine:
        old = self._engines.pop(key, None)
        if old is not None:
            await _retire(old)  # its file was replaced
        try:
            await asyncio.to_thread(lambda: file.header)
            backends = usable(self._settings.engine, file.name)
        except IdeAgentError as failure:
            self._tell(file.name, "", "error", failure)
            raise
        await self._make_room(file, key[1])
        engine = self._engine(file, backends, key[1])
        try:
            await engine.start()
        except (EngineStartError, ModelFileInvalid):
            self._engines[key] = engine  # it remembers how often it failed, or that it always will
            raise
        except BaseException:
            await engine.close()
            raise
        self._engines[key] = engine
        return engine

    def _loaded(self, key: _Key, task: asyncio.Task[Engine]) -> None:
        self._loading.pop(key, None)
        if not task.cancelled():
            task.exception()  # everybody who asked may be gone by now

    def _engine(self, file: ModelFile, backends: list[Backend], purpose: Purpose) -> Engine:
        slots = self._settings.slots if purpose == "text" else 1

        def make_spec() -> EngineSpec:
            part = self._share(file, purpose)
            check_memory(file, part.bytes)
            return EngineSpec(
                model=os.fspath(file.file),
                context=part.context,
                slots=slots,
                threads=part.threads,
                batch=part.batch,
                api_key=secrets.token_urlsafe(24),
                parent=os.getpid(),
                embedding=purpose == "embedding",
                mean_pooling=purpose == "embedding" and not file.header.pooling_type,
            )

        def on_state(state: State, error: IdeAgentError | None) -> None:
            self._tell(file.name, supervisor.backend.name, state, error)

        supervisor = Supervisor(file.name, backends, make_spec, on_state)
        idle = self._settings.idle_unload_seconds
        return Engine(file, purpose, supervisor, slots=slots, idle_seconds=idle)

    def _share(self, file: ModelFile, purpose: Purpose) -> Share:
        embedding = purpose == "embedding"
        return share(
            file,
            context_tokens=min(self._settings.context_tokens, 2048)
            if embedding
            else self._settings.context_tokens,
            slots=1 if embedding else self._settings.slots,
            threads=self._settings.threads,
            embedding=embedding,
        )

    async def _make_room(self, file: ModelFile, purpose: Purpose) -> None:
        """Where memory is short, end engines that nobody uses, the longest unused first."""
        need = self._share(file, purpose).bytes
        idle = [
            (engine.last_used, key) for key, engine in self._engines.items() if not engine.busy and engine.url
        ]
        for _, key in sorted(idle, key=lambda item: item[0]):
            try:
                check_memory(file, need)
            except NotEnoughMemory:
                engine = self._engines.get(key)
                if engine is not None and not engine.busy:
                    del self._engines[key]
                    await engine.close()
            else:
                return

    def _tell(self, model: str, engine: str, state: State, error: IdeAgentError | None) -> None:
        if state not in _TOLD:
            return
        status: dict[str, Any] = {"type": "status", "state": state, "model": model, "engine": engine}
        if error is not None:
            status |= {"message": str(error), "error": error.as_wire()}
        self._publish(status)


async def _retire(engine: Engine) -> None:
    """Let the requests that it works on come to their end, then end it."""
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            await engine.drained()
    except TimeoutError:
        pass
    finally:
        await engine.close()

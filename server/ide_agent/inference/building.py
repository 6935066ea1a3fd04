"""How the engine for a model is made: what it is told, what part of the machine it gets, what can run it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import replace

from ide_agent.config import InferenceSettings
from ide_agent.errors import IdeAgentError
from ide_agent.inference import gpus
from ide_agent.inference.backends import Backend, Costs, EngineSpec, Purpose, costs, costs_of, suited
from ide_agent.inference.beside import Beside
from ide_agent.inference.engine import Engine
from ide_agent.inference.gpus import Promises
from ide_agent.inference.models import ModelFile, note_use
from ide_agent.inference.plan import Key
from ide_agent.inference.resources import Share, check_memory, share
from ide_agent.inference.supervisor import State, Supervisor

Told = Callable[[ModelFile, str, State, IdeAgentError | None], None]
"""Gets the model, the engine's name, its state and what is wrong with it, if anything is."""


class Builder:
    """Makes engines.

    Args:
        settings: the user's.
        on_state: told of every change of an engine.
        on_free: called when nobody uses an engine any more.
    """

    def __init__(self, settings: InferenceSettings, on_state: Told, on_free: Callable[[], None]) -> None:
        self._settings = settings
        self._on_state = on_state
        self._on_free = on_free
        self._promises = Promises()

    def build(self, file: ModelFile, backends: list[Backend], purpose: Purpose, beside: Beside) -> Engine:
        """An engine for `file`, not started yet, by the first of `backends` that comes up."""
        slots = self._settings.slots if purpose == "text" else 1

        def make_spec(backend: Backend) -> EngineSpec:
            # that of this very start: another backend costs more, and GPUs may be full by now
            engine.part = part = self.share(file, purpose, beside, costs_of(backend, self._settings))
            check_memory(file, part.bytes)
            self.promise((file.file, purpose), part)
            projector = beside.projector if backend.projectors else None
            adapters = beside.adapters if backend.adapters else ()
            layers = part.gpu.layers if part.gpu else self._settings.gpu_layers
            return EngineSpec(
                model=os.fspath(file.file),
                context=part.context,
                slots=slots,
                threads=part.threads,
                batch=part.batch,
                api_key=secrets.token_urlsafe(24),
                parent=os.getpid(),
                embedding=purpose == "embedding",
                projector=os.fspath(projector.file) if projector is not None else "",
                adapters={adapter.name: os.fspath(adapter.folder) for adapter in adapters},
                adapter_rank=max((adapter.rank for adapter in adapters), default=0),
                reranking=purpose == "reranking",
                mean_pooling=purpose == "embedding" and not file.header.pooling_type,
                gpu_layers=layers,
                kv_bytes=part.kv,
            )

        def on_state(state: State, error: IdeAgentError | None) -> None:
            if state == "ready":
                self._promises.take((file.file, purpose))
            elif state != "loading":
                self._promises.drop((file.file, purpose))
            if state in ("ready", "unloaded"):
                note_use(file)
            self._on_state(file, supervisor.backend.name, state, error)

        supervisor = Supervisor(file.name, backends, make_spec, on_state)
        engine = Engine(
            file,
            purpose,
            supervisor,
            part=self.share(file, purpose, beside, costs_of(backends[0], self._settings)),
            beside=beside,
            slots=slots,
            idle_seconds=self._settings.idle_unload_seconds,
            on_free=self._on_free,
        )
        return engine

    def suited(self, file: ModelFile, purpose: Purpose, beside: Beside) -> list[Backend]:
        """The backends to try, in this order; see `suited`."""
        projector = beside.projector is not None
        return suited(self._settings, file.name, file.format, purpose, projector=projector)

    def share(self, file: ModelFile, purpose: Purpose, beside: Beside, costs_: Costs | None = None) -> Share:
        """What an engine for `file` gets of the machine; without `costs_` by the first backend for it."""
        writes = purpose == "text"
        projector = beside.projector is not None
        found = costs_ or costs(self._settings, file.format, purpose, projector=projector)
        return share(
            file,
            context_tokens=self._settings.context_tokens
            if writes
            else min(self._settings.context_tokens, 2048),
            slots=self._settings.slots if writes else 1,
            threads=self._settings.threads,
            embedding=not writes,
            costs=replace(found, gpu_room=self._promises.left(found.gpu_room, (file.file, purpose))),
            beside=beside,
        )

    def promise(self, key: Key, part: Share) -> None:
        """`part` of the GPUs is for `key`, which is on its way in."""
        if part.gpu is not None:
            self._promises.give(key, part.gpu.bytes, gpus.room())

    def drop(self, key: Key) -> None:
        """Nothing of the GPUs is promised to `key` any longer."""
        self._promises.drop(key)

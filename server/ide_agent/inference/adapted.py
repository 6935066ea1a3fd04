"""A model with one of its adapters, as clients ask for it: ``MODEL:ADAPTER``."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Any

from ide_agent.errors import ModelError
from ide_agent.inference.backends import Backend, Dialect
from ide_agent.inference.engine import Engine
from ide_agent.inference.models import ModelFile, folded
from ide_agent.inference.turns import Priority


def check_adapter(name: str, model: ModelFile, backend: Backend) -> None:
    """Refuse `name`, by which `model` was found, where `backend` would load it without the adapter.

    Raises:
        ModelError: it is an adapter's, and `backend` loads none.
    """
    if _is_adapter(name, model.name) and not backend.adapters:
        raise ModelError("error.model.no_adapters", name=name, engine=backend.name)


def called(engine: Engine, name: str) -> Engine | Adapted:
    """What `name` stands for, which `engine` was found by: itself, or one of its adapters.

    Raises:
        ModelError: an adapter, which this engine does not load.
    """
    if not _is_adapter(name, engine.name):
        return engine
    for fold in (str, folded):
        for adapter in engine.adapters:
            if fold(adapter) == fold(name):
                return Adapted(engine, adapter)
    raise ModelError("error.model.no_adapters", name=name, engine=engine.backend)


def _is_adapter(name: str, model: str) -> bool:
    """Whether `name` is that of an adapter of `model`; case does not count, as in names of models."""
    return folded(name).startswith(folded(f"{model}:"))


class Adapted:
    """An engine's model with one of its adapters; a `Model`."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name

    @property
    def name(self) -> str:
        """What clients call it."""
        return self._name

    @property
    def backend(self) -> str:
        """The engine's implementation."""
        return self._engine.backend

    @property
    def dialect(self) -> Dialect:
        """What the engine speaks."""
        return self._engine.dialect

    @property
    def chats(self) -> bool:
        """As the engine's."""
        return self._engine.chats

    def turn(self, priority: Priority) -> AbstractAsyncContextManager[None]:
        """As the engine's."""
        return self._engine.turn(priority)

    def stream(self, path: str, payload: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """As the engine's."""
        return self._engine.stream(path, {**payload, "model": self._name})

    async def request(self, method: str, path: str, json: dict[str, Any] | None = None) -> Any:
        """As the engine's."""
        return await self._engine.request(method, path, json and {**json, "model": self._name})

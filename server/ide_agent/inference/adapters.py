"""LoRA adapters of a model: folders as PEFT writes them, ``adapters/<name>/`` below the model's own.

Only what vLLM can serve counts: LoRA in safetensors, without DoRA, whole modules or biases.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ide_agent.errors import ModelError, ModelFileInvalid
from ide_agent.inference.reader import reading

if TYPE_CHECKING:
    from ide_agent.inference.backends import Dialect
    from ide_agent.inference.engine import Engine
    from ide_agent.inference.models import ModelFile
    from ide_agent.inference.turns import Priority

FOLDER = "adapters"
_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_NAME = re.compile(r"[\w-][\w.-]{0,63}")
_MOST_RANK = 512  # that vLLM takes
_MAX_JSON = 1 << 20


@dataclass(frozen=True)
class Adapter:
    """An adapter.

    Attributes:
        name: what clients and vLLM call it: ``MODEL:ADAPTER``.
        folder: where it lies.
        rank: of its matrices.
        bytes: of its weights.
    """

    name: str
    folder: Path
    rank: int
    bytes: int


def adapters_of(model: ModelFile) -> list[Adapter]:
    """Those of `model`, by name; what is no adapter, or none that can be served, is left out."""
    if model.format != "safetensors":
        return []
    try:
        folders = sorted((model.file.parent / FOLDER).iterdir())
    except OSError:
        return []
    return [found for folder in folders if (found := _adapter(model.name, folder)) is not None]


def called(engine: Engine, name: str) -> Engine | Adapted:
    """What `name` stands for, which `engine` was found by: itself, or one of its adapters.

    Raises:
        ModelError: an adapter, which this engine does not load.
    """
    if not name.startswith(f"{engine.name}:"):
        return engine
    if name not in engine.adapters:
        raise ModelError("error.model.no_adapters", name=name, engine=engine.backend)
    return Adapted(engine, name)


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


def _adapter(model: str, folder: Path) -> Adapter | None:
    try:
        with reading(folder / _CONFIG) as reader:
            config = json.loads(reader.take(reader.size)) if reader.size <= _MAX_JSON else None
        size = (folder / _WEIGHTS).stat().st_size
    except (ModelFileInvalid, OSError, ValueError, RecursionError):
        return None
    if not (isinstance(config, dict) and _NAME.fullmatch(folder.name) and config.get("peft_type") == "LORA"):
        return None
    rank = config.get("r")
    if not isinstance(rank, int) or not 1 <= rank <= _MOST_RANK:
        return None
    if config.get("use_dora") or config.get("modules_to_save") or config.get("bias") not in (None, "none"):
        return None
    return Adapter(f"{model}:{folder.name}", folder, rank, size)

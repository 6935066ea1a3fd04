"""The engine room: models on this machine and the processes that run them.

Nothing is imported until it is asked for; the names below are the room's public surface.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ide_agent.inference.engine import Engine, EngineState
    from ide_agent.inference.gguf import GgufHeader, read_header
    from ide_agent.inference.models import ModelFile, ModelStore
    from ide_agent.inference.service import Inference
    from ide_agent.inference.vocabulary import special_texts, token_texts

__all__ = [
    "Engine",
    "EngineState",
    "GgufHeader",
    "Inference",
    "ModelFile",
    "ModelStore",
    "read_header",
    "special_texts",
    "token_texts",
]

_HOMES = {
    "Engine": "engine",
    "EngineState": "engine",
    "GgufHeader": "gguf",
    "read_header": "gguf",
    "special_texts": "vocabulary",
    "token_texts": "vocabulary",
    "ModelFile": "models",
    "ModelStore": "models",
    "Inference": "service",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)

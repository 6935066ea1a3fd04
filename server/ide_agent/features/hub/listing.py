"""What there is to say of a model that is here, and what can run it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from ide_agent.config import InferenceSettings
from ide_agent.errors import IdeAgentError, ModelFileInvalid
from ide_agent.features.hub import manifest
from ide_agent.features.hub.filters import source_of
from ide_agent.inference.backends import engine_for, runnable
from ide_agent.inference.kinds import kind_of
from ide_agent.inference.models import ModelFile, ModelStore

__all__ = ["default_name", "described", "engine_for", "runnable"]


def described(model: ModelFile, settings: InferenceSettings) -> dict[str, Any]:
    """Name, file, size, format and kind of `model`, and the ``engine`` for it, empty where none is here.

    One that cannot be read has a ``problem`` instead of a kind.
    """
    noted = manifest.read(model.file.parent)
    known: dict[str, Any] = {
        "name": model.name,
        "file": str(model.file),
        "bytes": model.bytes,
        "format": model.format,
        "engine": engine_for(model.format, settings),
        "source": source_of(noted.source if noted is not None and noted.file == model.file.name else ""),
    }
    try:
        header = model.header
        return {**known, "architecture": header.architecture, "fim": header.has_fim, "kind": kind_of(model)}
    except ModelFileInvalid as failure:
        return {**known, "architecture": "", "fim": False, "kind": "", "problem": failure.as_wire()}


def default_name(folder: Path, settings: InferenceSettings) -> str:
    """Name of the model in `folder` that answers who names none; empty where there is none."""
    with suppress(IdeAgentError):
        return ModelStore(folder, settings.model).find().name
    return ""

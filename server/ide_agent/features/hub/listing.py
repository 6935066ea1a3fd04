"""What there is to say of a model that is here, and what can run it."""

from __future__ import annotations

from typing import Any

from ide_agent.config import InferenceSettings
from ide_agent.errors import ModelFileInvalid
from ide_agent.features.hub import manifest
from ide_agent.features.hub.filters import source_of
from ide_agent.inference.backends import engine_for, runnable
from ide_agent.inference.kinds import kind_of
from ide_agent.inference.models import ModelFile

__all__ = ["described", "engine_for", "runnable"]


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
        able = {"fim": header.has_fim, "chat": bool(header.chat_template)}
        return {**known, "architecture": header.architecture, **able, "kind": kind_of(model)}
    except ModelFileInvalid as failure:
        unable = {"fim": False, "chat": False, "kind": ""}
        return {**known, "architecture": "", **unable, "problem": failure.as_wire()}

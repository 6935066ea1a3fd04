"""What there is to say of a model that is here."""

from __future__ import annotations

from typing import Any

from ide_agent.errors import ModelFileInvalid
from ide_agent.features.hub import manifest
from ide_agent.features.hub.filters import source_of
from ide_agent.inference.kinds import kind_of
from ide_agent.inference.models import ModelFile


def described(model: ModelFile) -> dict[str, Any]:
    """Name, file, size and kind of `model`; an unreadable file has a `problem` instead of a kind."""
    noted = manifest.read(model.file.parent)
    known: dict[str, Any] = {
        "name": model.name,
        "file": str(model.file),
        "bytes": model.bytes,
        "source": source_of(noted.source if noted is not None and noted.file == model.file.name else ""),
    }
    try:
        header = model.header
        return {**known, "architecture": header.architecture, "fim": header.has_fim, "kind": kind_of(model)}
    except ModelFileInvalid as failure:
        return {**known, "architecture": "", "fim": False, "kind": "", "problem": failure.as_wire()}

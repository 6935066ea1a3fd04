"""What there is to say of a model that is here."""

from __future__ import annotations

from typing import Any

from ide_agent.errors import ModelFileInvalid
from ide_agent.inference.models import ModelFile


def described(model: ModelFile) -> dict[str, Any]:
    """Name, file, size and kind of `model`; an unreadable file has a `problem` and no architecture."""
    known: dict[str, Any] = {"name": model.name, "file": str(model.file), "bytes": model.bytes}
    try:
        return {**known, "architecture": model.header.architecture, "fim": model.header.has_fim}
    except ModelFileInvalid as failure:
        return {**known, "architecture": "", "fim": False, "problem": failure.as_wire()}

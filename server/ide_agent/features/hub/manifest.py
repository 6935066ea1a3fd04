"""``model.json`` beside a model: where it came from and what its file was when it came."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ide_agent.features.hub.catalogue import Entry

NAME = "model.json"


class Manifest(BaseModel):
    """What was known when the model was pulled.

    Attributes:
        file: name of the GGUF file.
        source: where from, for people; no login in it.
        sha256: hash of the file, lower-case hex.
        size: its length in bytes.
        licence: SPDX id; empty when unknown.
        pulled: when.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    source: str
    sha256: str
    size: int
    licence: str = ""
    pulled: datetime

    def write(self, folder: Path) -> None:
        """Put it into `folder`, in one step."""
        draft = folder / f"{NAME}.new"
        draft.write_text(json.dumps(self.model_dump(mode="json"), indent=2), encoding="utf-8")
        draft.replace(folder / NAME)


def of(entry: Entry, file: Path, sha256: str) -> Manifest:
    """For `file`, which was just pulled as `entry`."""
    return Manifest(
        file=file.name,
        source=entry.origin,
        sha256=sha256,
        size=file.stat().st_size,
        licence=entry.licence,
        pulled=datetime.now(UTC),
    )


def read(folder: Path) -> Manifest | None:
    """That of the model in `folder`; None when there is none that makes sense."""
    try:
        return Manifest.model_validate_json((folder / NAME).read_bytes())
    except (OSError, ValidationError):
        return None

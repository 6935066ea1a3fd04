"""``model.json`` beside a model: where it came from and what its files were when it came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ide_agent.features.hub.catalogue import MANIFEST, Entry

NAME = MANIFEST
_INSIDE = r"^\w[\w.-]*(/\w[\w.-]*)*$"


class Noted(BaseModel):
    """A file, as it was when it came.

    Attributes:
        file: its name, or its path inside the model's folder, with ``/``; never one that leads out of it.
        sha256: its hash, lower-case hex.
        size: its length in bytes.
    """

    model_config = ConfigDict(frozen=True)

    file: str = Field(pattern=_INSIDE)
    sha256: str
    size: int


class Manifest(Noted):
    """What was known when the model was pulled; of the file that stands for it, and of the others.

    Attributes:
        source: where from, for people; no login in it.
        licence: SPDX id; empty when unknown.
        pulled: when.
        more: the other files. Older versions noted none.
    """

    source: str
    licence: str = ""
    pulled: datetime
    more: tuple[Noted, ...] = ()

    @property
    def files(self) -> tuple[Noted, ...]:
        """All files."""
        return (self, *self.more)

    def write(self, folder: Path) -> None:
        """Put it into `folder`, in one step."""
        draft = folder / f"{NAME}.new"
        draft.write_text(json.dumps(self.model_dump(mode="json"), indent=2), encoding="utf-8")
        draft.replace(folder / NAME)


def of(entry: Entry, folder: Path, hashes: Mapping[str, str]) -> Manifest:
    """For what was just pulled as `entry` into `folder`, with the SHA-256 of each file."""
    main, *more = (
        Noted(file=item.file, sha256=hashes[item.file], size=(folder / item.file).stat().st_size)
        for item in entry.items
    )
    return Manifest(
        **main.model_dump(),
        source=entry.origin,
        licence=entry.licence,
        pulled=datetime.now(UTC),
        more=tuple(more),
    )


def read(folder: Path) -> Manifest | None:
    """That of the model in `folder`; None when there is none that makes sense."""
    try:
        return Manifest.model_validate_json((folder / NAME).read_bytes())
    except (OSError, ValidationError):
        return None

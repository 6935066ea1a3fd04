"""Whether a model is here already, whole and as it was when it came."""

from __future__ import annotations

from pathlib import Path

from ide_agent.features.hub import manifest
from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.disk import sha256_of


def same(entry: Entry, known: manifest.Manifest | None) -> bool:
    """Whether what `known` was written for is what `entry` means."""
    if known is None:
        return False
    return known.source == entry.origin or (bool(entry.sha256) and known.sha256 == entry.sha256)


def noted_in(entry: Entry, folder: Path) -> manifest.Manifest | None:
    """The note in `folder`, if it is of `entry`."""
    known = manifest.read(folder)
    return known if known is not None and known.file == entry.file and same(entry, known) else None


def is_there(folder: Path, entry: Entry) -> bool:
    """Whether nothing is left to fetch."""
    if not all((folder / item.file).is_file() for item in entry.items):
        return False
    known = noted_in(entry, folder)
    noted = {each.file: each for each in known.files} if known is not None else {}
    for item in entry.items:
        file, size, sha256 = folder / item.file, item.size, item.sha256
        if (was := noted.get(item.file)) is not None:
            size, sha256 = size or was.size, sha256 or was.sha256
        if not sha256 or file.stat().st_size != size or sha256_of(file) != sha256:
            return False
    return True

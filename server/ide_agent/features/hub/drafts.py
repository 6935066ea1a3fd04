"""``.downloads`` in the models folder: what has arrived of models that are not here yet, and their locks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ide_agent.errors import ModelNotFound
from ide_agent.features.hub.catalogue import Entry, of_address

_WHEEL, _MODEL = ".whl", ".gguf"
_PART, _NOTE = ".part", ".part.json"


@dataclass(frozen=True)
class Unfinished:
    """A download that was stopped.

    Attributes:
        entry: what it was of.
        done: bytes that have arrived.
        total: of so many; 0 where nobody told.
    """

    entry: Entry
    done: int
    total: int


class Drafts:
    """The folder and the names in it."""

    def __init__(self, models: Path) -> None:
        self.folder = models / ".downloads"

    def lock(self, name: str) -> FileLock:
        """Who holds it works on model `name`."""
        return FileLock(self.folder / f"{name}.lock")

    def of(self, entry: Entry, number: int = 0) -> Path:
        """Where `entry`, or its part with this number, is downloaded to. No model has a ``+`` in its name."""
        if not entry.packages:
            return self.folder / f"{entry.name}{_MODEL}"
        return self.folder / f"{entry.name}{f'+{number}' if number else ''}{_WHEEL}"

    def files(self, name: str) -> list[Path]:
        """All that has arrived of model `name`."""
        own = re.compile(
            rf"{re.escape(name)}(?:\+\d+)?(?:{re.escape(_WHEEL)}|{re.escape(_MODEL)})(?:\.part(?:\.json)?)?"
        )
        try:
            return [file for file in self.folder.iterdir() if own.fullmatch(file.name)]
        except OSError:
            return []

    def arrived(self, entry: Entry) -> int:
        """How many bytes of `entry` lie here."""
        drafts = [self.of(entry, number) for number in range(len(entry.packages) or 1)]
        return sum(_size(draft) or _size(_beside(draft, _PART)) for draft in drafts)

    def unfinished(self, entries: Iterable[Entry]) -> list[Unfinished]:
        """What could go on: of `entries`, and of addresses that were pulled. Not what somebody works on."""
        found: list[Unfinished] = []
        for entry in entries:  # those from elsewhere than packages are found below
            if entry.packages and (done := self.arrived(entry)) and not self.is_locked(entry.name):
                found.append(Unfinished(entry, done, self._total(entry)))
        for part in sorted(self.folder.glob(f"*{_MODEL}{_PART}")):
            name = part.name.removesuffix(_MODEL + _PART)
            if self.is_locked(name):
                continue
            try:
                note = json.loads(_beside(part.with_suffix(""), _NOTE).read_bytes())
                entry = of_address(str(note["url"]), name, str(note["sha256"]))
                found.append(Unfinished(entry, _size(part), int(note["size"])))
            except (OSError, ValueError, LookupError, TypeError, ModelNotFound):
                continue  # the next pull begins anew
        return found

    def is_locked(self, name: str) -> bool:
        """Whether somebody works on it, perhaps another process."""
        if not self.folder.is_dir():
            return False
        lock = self.lock(name)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def _total(self, entry: Entry) -> int:
        if all(package.size for package in entry.packages):
            return sum(package.size for package in entry.packages)
        try:
            return int(json.loads(_beside(self.of(entry), _NOTE).read_bytes())["size"])
        except (OSError, ValueError, LookupError, TypeError):
            return 0


def _beside(draft: Path, ending: str) -> Path:
    return draft.with_name(draft.name + ending)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0

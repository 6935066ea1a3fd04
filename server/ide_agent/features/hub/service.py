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

from ide_agent.errors import ModelError, ModelFileInvalid, ModelNotFound
from ide_agent.features.hub import manifest
from ide_agent.features.hub.calling import not_yet, proper
from ide_agent.features.hub.catalogue import Entry, load
from ide_agent.features.hub.disk import disk_error
from ide_agent.features.hub.download import PATIENT, Policy
from ide_agent.features.hub.drafts import Drafts, Unfinished
from ide_agent.features.hub.fetch import Fetch
from ide_agent.features.hub.naming import named
from ide_agent.features.hub.place import files_of, is_model, put, remove_empty, require_model, reuse
from ide_agent.features.hub.progress import Progress, Report, begun
from ide_agent.features.hub.sources.url import is_name
from ide_agent.features.hub.trained import Trained, forget, trained
from ide_agent.features.hub.waiting import in_thread
from ide_agent.features.hub.whole import is_there, noted_in, same
from ide_agent.inference.models import USED, called, folded, matching, not_here, split_parts
from ide_agent.paths import models_dir
from ide_agent.reasons import reason_of

if TYPE_CHECKING:
    from ide_agent.inference.models import ModelFile, ModelStore

_POLL_SECONDS = 0.25
_MOMENT = 0.5  # somebody may just be looking whether a lock is held
_PART_OF_SPLIT = re.compile(r"-00001-of-(?=\d{5}$)")
Files = list[Path]


@dataclass(frozen=True)
class PulledModel:
    """A model that is now here.

    Attributes:
        name: folder below the models folder.
        file: that stands for it.
        size: length of all its files in bytes.
    """

    name: str
    file: Path
    size: int

    def as_wire(self) -> dict[str, Any]:
        """As commands and routes return it."""
        return {"name": self.name, "file": str(self.file), "bytes": self.size}


class Hub:
    """The models folder and what can be pulled into it.

    Layout: ``<models>/<name>/<file>.gguf``, or several files there; unfinished downloads and locks lie in
    ``<models>/.downloads``.

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

    def is_pulled(self, name: str) -> bool:
        """Whether somebody works on model `name`, perhaps another process."""
        return is_name(name) and self.drafts.is_locked(name)

    def arrived(self, name: str) -> int:
        """How many bytes of model `name` lie here that are not the model yet."""
        return sum(file.stat().st_size for file in self.drafts.files(name)) if is_name(name) else 0

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
                self.drafts.discard(name)
        except Timeout:
            raise ModelError("error.model.pulling", name=name) from None
        except OSError as failure:
            raise _not_removed(name, failure) from failure

    def list(self) -> list[ModelFile]:
        """The models that are here."""
        return self._store().list()

    def _store(self) -> ModelStore:
        from ide_agent.inference.models import ModelStore

        return ModelStore(self.folder)

    def find(self, name: str) -> ModelFile:
        """The model called `name` that is here.

        Raises:
            ModelNotFound: there is none.
        """
        models = self.list()
        found = called(name, models)
        if found is None:
            raise not_yet(name, self._entries) or not_here(name, models)
        return found

    def files(self, model: ModelFile) -> Files:
        """All files of `model`; where it was pulled, those that came."""
        home = model.file.parent
        noted = manifest.read(home)
        if noted is not None and noted.file == model.file.name:
            return [file for each in noted.files if (file := home / each.file).is_file()]
        if model.format != "gguf":
            return [model.file, *(file for file in files_of(home) if file != model.file)]
        return [model.file, *(part for part in split_parts(model.file) if part != model.file)]

    def entry(self, what: str, name: str = "", sha256: str = "", file: str = "") -> Entry:
        """What `pull` would pull.

        Args:
            what: see `naming.named`, as the others, or the name of a download that was stopped. Where it is
                on a hub, that is asked, which blocks.
            name: what to call it.
            sha256: its hash, if the user knows it.
            file: which file of a repository.

        Raises:
            ModelNotFound: there is no such thing; tells the nearest names.
            ModelError: another model of that name is here, or one of the catalogue is to be called otherwise.
            ModelFileInvalid: it is there, and no model; says why.
            DownloadError: the hub cannot be asked.
        """
        what = folded(what) if folded(what) in self._entries else what
        if not (what in self._entries or name or sha256 or file) and is_name(folded(what)):
            for stopped in self.unfinished():
                if stopped.entry.name == folded(what):
                    return stopped.entry
        entry = named(self._entries, what, name, sha256, file)
        if what == entry.name and what in self._entries:
            return entry
        if entry.name in self._entries:
            raise ModelError("error.model.taken", name=entry.name)
        self._require_free(entry)
        return entry

    def _require_free(self, entry: Entry) -> None:
        """Refuse `entry` where another model has its name."""
        there = self.folder / entry.name
        known = manifest.read(there)
        ours = same(entry, known) or (known is None and self.drafts.is_of(entry))
        if is_model(there) and not ours:
            raise ModelError("error.model.taken", name=entry.name)

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
            ModelFileInvalid: what is at the address is not what it is called, or not whole.
        """
        entry = await asyncio.to_thread(self.entry, what) if isinstance(what, str) else what
        folder = self.folder / entry.name
        target = folder / entry.file
        try:
            self.drafts.folder.mkdir(parents=True, exist_ok=True)
            async with self._turn(entry, report):
                if entry.name not in self._entries:  # another process may have brought another one meanwhile
                    await in_thread(lambda: self._require_free(entry))
                report = begun(report, *await in_thread(lambda: self.drafts.so_far(entry)))
                if await in_thread(lambda: is_there(folder, entry)):
                    await in_thread(lambda: self._settle(entry, folder))
                else:
                    await in_thread(lambda: self._store().hold())
                    await (self._fetch_several if entry.more else self._fetch)(entry, folder, report)
                    await in_thread(lambda: self._store().hold(besides=entry.name))
            return PulledModel(entry.name, target, _size(folder, entry))
        except OSError as failure:
            raise disk_error(failure, entry.name, target) from failure

    def size(self, name: str) -> int:
        """How many bytes removing model `name` would free.

        Raises:
            ModelNotFound: nothing of that name is here.
        """
        return sum(file.lstat().st_size for file in self._files_of(proper(self, name)))

    def trained(self, name: str) -> Trained | None:
        """The adapters of model `name`, which may have been removed."""
        return trained(self.folder / name) if is_name(name) else None

    def forget_adapters(self, name: str) -> None:
        """Delete the adapters of model `name`, if there are any.

        Raises:
            ModelError: the system does not let them go.
        """
        try:
            if (own := self.trained(name)) is not None:
                forget(own)
        except OSError as failure:
            raise _not_removed(name, failure) from failure

    def remove(self, name: str) -> None:
        """Delete the files of model `name`, an unfinished download included. Its adapters stay.

        Raises:
            ModelNotFound: nothing of that name is here.
            ModelError: it is being downloaded, or the system does not let it go.
        """
        name = proper(self, name)
        files = self._files_of(name)
        self.drafts.folder.mkdir(exist_ok=True)
        try:
            with self.drafts.lock(name.partition("/")[0]).acquire(timeout=_MOMENT):
                for file in files:
                    file.unlink(missing_ok=True)
                folders = {file.parent for file in files} - {self.folder, self.drafts.folder}
                for folder in sorted(folders, key=lambda each: len(each.parts), reverse=True):
                    remove_empty(folder)
        except Timeout:
            raise ModelError("error.model.pulling", name=name) from None
        except OSError as failure:
            raise _not_removed(name, failure) from failure

    async def _fetch(self, entry: Entry, folder: Path, report: Report) -> None:
        await asyncio.to_thread(folder.mkdir, exist_ok=True)
        try:
            hashes = await Fetch(entry, self.drafts, folder, report, self._policy).run()
            manifest.of(entry, folder, hashes).write(folder)
        finally:
            remove_empty(folder)  # nothing came of it

    async def _fetch_several(self, entry: Entry, folder: Path, report: Report) -> None:
        """Put it together elsewhere: what is not whole must not look like a model."""
        whole = self.drafts.whole(entry.name)
        await in_thread(lambda: self.drafts.begin(entry))
        await in_thread(lambda: reuse(entry, folder, whole))
        hashes = await Fetch(entry, self.drafts, whole, report, self._policy).run()
        try:
            await in_thread(lambda: require_model(whole))
        except ModelFileInvalid:
            self.drafts.discard(entry.name)
            raise
        manifest.of(entry, whole, hashes).write(whole)
        await in_thread(lambda: put(whole, folder))
        self.drafts.end(entry.name)

    def _settle(self, entry: Entry, folder: Path) -> None:
        """All of `entry` is there: note it if somebody was killed before that, and drop what is left over."""
        if noted_in(entry, folder) is None:
            manifest.of(entry, folder, {item.file: item.sha256 for item in entry.items}).write(folder)
        self.drafts.discard(entry.name)

    def _files_of(self, name: str) -> Files:
        """The files of `name`: a folder below the models folder, or one model in it (``folder/file``)."""
        folder, _, stem = name.partition("/")
        home = self.folder / folder
        files: Files = []
        if home.parent == self.folder and not folder.startswith("."):
            if home.is_symlink():
                return [home]  # a link is ours to remove, what it points to is not
            wanted = _PART_OF_SPLIT.sub("-?????-of-", glob.escape(stem)) if stem else "*"
            files = [file for file in matching(home, f"{wanted}.gguf") if file.parent == home]
            if not stem:
                noted = manifest.read(home)
                ours = [home / each.file for each in noted.files] if noted is not None else files_of(home)
                files += [file for file in ours if file not in files and file.is_file()]
                files += matching(home, "*.gguf.part")
                files += self.drafts.files(name)
                if files:
                    files += [note for note in (home / manifest.NAME, home / USED) if note.exists()]
        files = [file for file in files if file.parent.resolve().is_relative_to(self.folder.resolve())]
        if not files:
            raise not_here(name, self.list())
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


def _size(folder: Path, entry: Entry) -> int:
    return sum((folder / item.file).stat().st_size for item in entry.items)

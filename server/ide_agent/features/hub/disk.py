"""Files on the disk: hashes, and errors that a person understands."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

from ide_agent.errors import DownloadError

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def sha256_of(file: Path) -> str:
    """Lower-case hex SHA-256 of `file`."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def no_space(name: str, path: Path, *, need: int, free: int) -> DownloadError:
    """The error for `need` bytes where only `free` are left."""
    return DownloadError(
        "error.download.disk_full",
        name=name,
        path=str(path.parent),
        need_mb=-(-need // 1_000_000),
        free_mb=free // 1_000_000,
    )


def disk_error(failure: OSError, name: str, path: Path) -> DownloadError:
    """What `failure` means to somebody who wants `name` at `path`."""
    if failure.errno in _FULL:
        return DownloadError("error.download.disk_filled", name=name, path=str(path.parent))
    reason = failure.strerror or type(failure).__name__
    return DownloadError("error.download.write", name=name, path=str(failure.filename or path), reason=reason)

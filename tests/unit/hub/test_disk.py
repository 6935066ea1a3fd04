"""Errors of the disk in words."""

from __future__ import annotations

import errno
import hashlib
import shutil
from pathlib import Path

import pytest

from ide_agent.errors import DownloadError
from ide_agent.features.hub.disk import disk_error, require_space, sha256_of


def test_the_hash_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert sha256_of(tmp_path / "f") == hashlib.sha256(b"abc").hexdigest()


def test_enough_space_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=5_500_000))
    require_space("tiny", tmp_path, 5_500_000)
    with pytest.raises(DownloadError) as caught:
        require_space("tiny", tmp_path, 5_500_001)
    assert (caught.value.params["need_mb"], caught.value.params["free_mb"]) == (6, 5)
    assert str(tmp_path) in caught.value.message("tr")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_became_full(code: int) -> None:
    error = disk_error(OSError(code, "x"), "tiny", Path("/models/tiny/m.gguf"))
    assert error.key_used == "error.download.disk_filled"


def test_anything_else_names_the_file() -> None:
    error = disk_error(
        PermissionError(errno.EACCES, "Permission denied", "/models/x"), "tiny", Path("/models/y")
    )
    assert error.message("en").startswith("tiny could not be saved: /models/x: Permission denied.")

"""Errors of the disk in words."""

from __future__ import annotations

import errno
import hashlib
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.errors import DownloadError
from ide_agent.features.hub.disk import GrowingHash, disk_error, require_space, sha256_of


@given(st.binary(max_size=64), st.lists(st.tuples(st.booleans(), st.integers(0, 64)), max_size=8))
def test_the_hash_of_a_file_that_grows_and_is_cut(content: bytes, steps: list[tuple[bool, int]]) -> None:
    found = GrowingHash()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "f")
        file.touch()
        for ours, size in steps:
            here = file.stat().st_size
            found.reach(file, min(size, here))
            with file.open("r+b") as stream:
                stream.truncate(min(size, here))
            more = content[min(size, here) : size]
            with file.open("ab") as stream:
                stream.write(more)
            if ours:
                found.add(more)
        assert found.of(file) == sha256_of(file)


def test_a_hash_that_was_stopped_reads_no_further(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    found = GrowingHash()
    found.stop()
    assert found.of(tmp_path / "f") == hashlib.sha256(b"").hexdigest()


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

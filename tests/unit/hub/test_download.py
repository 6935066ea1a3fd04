"""Downloads against a real HTTP server that misbehaves in every way we know of."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import random
import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from ide_agent.errors import DownloadError
from ide_agent.features.hub import arriving
from ide_agent.features.hub import download as module
from ide_agent.features.hub.disk import GrowingHash
from ide_agent.features.hub.download import Download, Policy, retry_after
from ide_agent.features.hub.progress import Progress
from ide_agent.features.hub.sources import Remote
from support import http_server
from support.editor import eventually
from support.http_server import Exchange, FileServer

CONTENT = random.Random(7).randbytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HASTY = Policy(stall=20.0, attempts=4, first_wait=0.001, longest_wait=0.01)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with FileServer(CONTENT).running() as running:
        yield running


class Run:
    """A download into `folder`, its reports kept."""

    def __init__(
        self,
        server: FileServer,
        folder: Path,
        *,
        sha256: str = SHA256,
        policy: Policy = HASTY,
        url: str = "",
        size: int = 0,
    ) -> None:
        self.reports: list[Progress] = []
        self.target = folder / "model.whl"
        self.part = folder / "model.whl.part"
        self.note = folder / "model.whl.part.json"
        self.download = Download(
            Remote(url or server.url, sha256),
            self.target,
            name="starter",
            report=self._keep,
            need=0,
            size=size,
            policy=policy,
        )

    def _keep(self, progress: Progress) -> None:
        self.reports.append(progress)

    async def wrote(self) -> None:
        """Return once something of the file is on the disk."""
        await eventually(lambda: self.part.exists() and self.part.stat().st_size)

    @property
    def phases(self) -> list[str]:
        return [report.phase for report in self.reports]

    async def succeeds(self) -> None:
        assert await self.download.run() == SHA256
        assert self.target.read_bytes() == CONTENT
        assert not self.part.exists()
        assert not self.note.exists()

    async def fails(self, key: str) -> DownloadError:
        with pytest.raises(DownloadError) as caught:
            await self.download.run()
        assert caught.value.key_used == key
        assert not self.target.exists()
        for language in ("en", "tr"):
            assert "starter" in caught.value.message(language)
            assert "{" not in caught.value.message(language)
        return caught.value


async def test_a_whole_file_arrives_with_progress(server: FileServer, tmp_path: Path) -> None:
    run = Run(server, tmp_path)
    await run.succeeds()
    assert server.ranges == [None]
    assert run.reports[0].done == 0
    assert run.reports[-1].done == run.reports[-1].total == len(CONTENT)
    assert run.reports[-1].percent == 100
    assert set(run.phases) == {"download"}


async def test_a_cut_connection_is_resumed_where_it_broke(server: FileServer, tmp_path: Path) -> None:
    server.script.append(http_server.cut_after(1_200_000))
    run = Run(server, tmp_path)
    await run.succeeds()
    assert server.ranges == [None, "bytes=1200000-"]
    assert server.requests[1]["if-range"] == '"v1"'
    assert "retry" in run.phases


async def test_progress_between_cuts_starts_the_count_of_attempts_anew(
    server: FileServer, tmp_path: Path
) -> None:
    server.script.extend([http_server.cut_after(100_000)] * (HASTY.attempts * 2))
    await Run(server, tmp_path).succeeds()
    assert len(server.requests) == HASTY.attempts * 2 + 1


async def test_cuts_without_progress_end_with_a_reason_and_keep_the_part(
    server: FileServer, tmp_path: Path
) -> None:
    server.script.append(http_server.cut_after(500_000))
    server.script.extend([http_server.cut_after(0)] * 20)
    run = Run(server, tmp_path)
    await run.fails("error.download.lost")
    assert run.part.stat().st_size == 500_000
    assert len(server.requests) == 1 + HASTY.attempts


async def test_where_nobody_is_it_gives_up_at_once_and_says_so(tmp_path: Path, server: FileServer) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://user:secret@127.0.0.1:{listener.getsockname()[1]}/m.whl"
    patient = Policy(stall=20.0, attempts=1000, first_wait=0.001, longest_wait=0.01)
    run = Run(server, tmp_path, policy=patient, url=url)
    error = await run.fails("error.download.unreached")
    assert run.phases == ["retry"]
    assert error.params["reason"] == {"code": "reason.refused", "params": {}}
    assert "secret" not in str(error)


async def test_a_name_that_nobody_knows_is_told_as_that(
    tmp_path: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    run = Run(server, tmp_path, url="http://nowhere.invalid/m.whl")
    error = await run.fails("error.download.unreached")
    assert "nowhere.invalid adresine ulaşılamıyor (ağda böyle bir ad bilinmiyor)" in error.message("tr")


async def test_who_answered_before_is_waited_for_with_patience(tmp_path: Path, server: FileServer) -> None:
    server.script.append(http_server.cut_after(500_000))
    run = Run(server, tmp_path)
    attempts: list[object] = []
    client = run.download._client()
    send = client.send

    async def once(*given: object, **more: object) -> object:
        attempts.append(given)
        if len(attempts) > 1:
            raise httpx.ConnectError("gone") from ConnectionRefusedError(errno.ECONNREFUSED, "x")
        return await send(*given, **more)  # type: ignore[arg-type]

    client.send = once  # type: ignore[method-assign, assignment]
    run.download._client = lambda: client  # type: ignore[method-assign]
    await run.fails("error.download.lost")
    assert len(attempts) == 1 + HASTY.attempts


async def test_a_server_that_ignores_ranges_and_cuts_is_not_asked_for_ever(
    server: FileServer, tmp_path: Path
) -> None:
    def cut_whole(exchange: http_server.Exchange) -> None:
        exchange.head(200, {"Content-Length": str(len(CONTENT))})
        exchange.wfile.write(CONTENT[:400_000])

    server.script.extend([cut_whole] * 50)
    await Run(server, tmp_path).fails("error.download.lost")
    assert len(server.requests) <= HASTY.attempts + 1


async def test_another_process_goes_on_with_what_is_there(server: FileServer, tmp_path: Path) -> None:
    server.script.extend([http_server.cut_after(700_000), *[http_server.status(500)] * 4])
    await Run(server, tmp_path).fails("error.download.lost")
    again = Run(server, tmp_path)
    await again.succeeds()
    assert server.ranges[-1] == "bytes=700000-"
    assert again.reports[0].done == 700_000


async def test_the_last_bytes_of_a_burst_are_reported_though_nothing_follows(
    server: FileServer, tmp_path: Path
) -> None:
    server.script.append(http_server.stall_after(900_000))
    run = Run(server, tmp_path)
    download = asyncio.create_task(run.download.run())
    await eventually(lambda: run.reports and run.reports[-1].done == 900_000)
    assert set(run.phases) == {"download"}
    download.cancel()
    with pytest.raises(asyncio.CancelledError):
        await download
    assert run.download._late is None


async def test_cancelling_keeps_the_part(server: FileServer, tmp_path: Path) -> None:
    server.script.append(http_server.stall_after(1_500_000))
    run = Run(server, tmp_path)
    task = asyncio.create_task(run.download.run())
    await run.wrote()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    kept = run.part.read_bytes()
    assert kept
    assert CONTENT.startswith(kept)
    await Run(server, tmp_path).succeeds()
    assert server.ranges[-1] == f"bytes={len(kept)}-"


async def test_cancelling_while_a_block_is_written_does_not_write_it_twice(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, run = asyncio.Event(), Run(server, tmp_path)
    original = arriving.in_thread

    async def announced(work: object, **more: object) -> object:
        writing.set()
        return await original(work, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(arriving, "in_thread", announced)
    task = asyncio.create_task(run.download.run())
    await asyncio.wait_for(writing.wait(), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert CONTENT.startswith(run.part.read_bytes())


async def wait_for_the_stall(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the loop's time jump until `run` has lost patience; the next connection gets all of it anew."""
    loop = asyncio.get_running_loop()
    real, ahead = loop.time, 0.0
    monkeypatch.setattr(loop, "time", lambda: real() + ahead)
    while "stalled" not in run.phases:
        ahead += HASTY.stall
        await asyncio.sleep(0.01)


async def test_case_42_a_download_that_stalls_says_so_and_connects_anew(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script.append(http_server.stall_after(900_000))
    run = Run(server, tmp_path)
    download = asyncio.create_task(run.succeeds())
    await eventually(lambda: run.download._part.done == 900_000)
    await wait_for_the_stall(run, monkeypatch)
    await download
    stalled = [report for report in run.reports if report.phase == "stalled"]
    assert [report.done for report in stalled] == [900_000]
    assert server.ranges == [None, "bytes=900000-"]


async def test_case_42_stalling_at_the_first_byte_says_so_too(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(exchange: http_server.Exchange) -> None:
        exchange.files.released.wait(60)

    server.script.append(silent)
    run = Run(server, tmp_path)
    download = asyncio.create_task(run.succeeds())
    await eventually(lambda: server.requests)
    await wait_for_the_stall(run, monkeypatch)
    await download
    assert run.phases[0] == "stalled"


async def test_a_server_that_ignores_ranges_is_read_from_the_start(
    server: FileServer, tmp_path: Path
) -> None:
    server.script.extend([http_server.cut_after(800_000), http_server.ignore_range])
    await Run(server, tmp_path).succeeds()
    assert len(server.requests) == 2


async def test_a_changed_file_is_read_from_the_start(server: FileServer, tmp_path: Path) -> None:
    def old_version(exchange: http_server.Exchange) -> None:
        exchange.head(200, {"ETag": '"v0"', "Content-Length": str(len(CONTENT))})
        exchange.wfile.write(bytes(600_000))

    server.script.append(old_version)
    await Run(server, tmp_path).succeeds()
    assert server.requests[1]["if-range"] == '"v0"'


async def test_a_part_of_another_file_fails_its_hash_and_is_fetched_anew(
    server: FileServer, tmp_path: Path
) -> None:
    run = Run(server, tmp_path)
    run.part.write_bytes(bytes(1000))
    note = {"url": server.url, "sha256": SHA256, "etag": "", "size": len(CONTENT)}
    run.note.write_text(json.dumps(note))
    await run.succeeds()
    assert server.ranges == ["bytes=1000-", None]


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"url": "x", "sha256": "y", "etag": "", "size": 9}', "{"])
async def test_a_note_that_makes_no_sense_is_ignored(server: FileServer, tmp_path: Path, note: str) -> None:
    run = Run(server, tmp_path)
    run.part.write_bytes(CONTENT[:1000])
    run.note.write_text(note)
    await run.succeeds()
    assert server.ranges == [None]


async def test_a_range_that_was_not_asked_for_is_not_used(server: FileServer, tmp_path: Path) -> None:
    server.script.extend([http_server.cut_after(800_000), http_server.wrong_range])
    await Run(server, tmp_path).succeeds()
    assert server.ranges == [None, "bytes=800000-", None]


async def test_416_at_the_very_end_means_that_all_is_here(server: FileServer, tmp_path: Path) -> None:
    run = Run(server, tmp_path)
    run.part.write_bytes(CONTENT)
    run.note.write_text(json.dumps({"url": server.url, "sha256": SHA256, "etag": "", "size": 0}))
    await run.succeeds()
    assert server.ranges == [f"bytes={len(CONTENT)}-"]


async def test_416_anywhere_else_starts_anew(server: FileServer, tmp_path: Path) -> None:
    server.script.extend([http_server.cut_after(800_000), http_server.status(416)])
    await Run(server, tmp_path).succeeds()
    assert server.ranges == [None, "bytes=800000-", None]


async def test_a_whole_part_is_not_asked_for_again(server: FileServer, tmp_path: Path) -> None:
    run = Run(server, tmp_path)
    run.part.write_bytes(CONTENT)
    run.note.write_text(json.dumps({"url": server.url, "sha256": SHA256, "etag": "", "size": len(CONTENT)}))
    await run.succeeds()
    assert server.requests == []


async def test_a_file_that_is_here_is_not_asked_for_again(server: FileServer, tmp_path: Path) -> None:
    run = Run(server, tmp_path)
    run.target.write_bytes(CONTENT)
    await run.succeeds()
    assert server.requests == []


async def test_a_server_that_claims_too_many_bytes_is_found_out(server: FileServer, tmp_path: Path) -> None:
    server.script.append(http_server.claims(len(CONTENT) + 5000))
    await Run(server, tmp_path).succeeds()
    assert server.ranges[1] == f"bytes={len(CONTENT)}-"


async def test_a_server_that_claims_too_few_bytes_is_found_out(server: FileServer, tmp_path: Path) -> None:
    server.script.append(http_server.claims(len(CONTENT) - 5000))
    await Run(server, tmp_path).fails("error.download.hash")
    assert list(tmp_path.iterdir()) == []


async def test_a_file_without_a_length_arrives(server: FileServer, tmp_path: Path) -> None:
    server.script.append(http_server.no_length)
    run = Run(server, tmp_path)
    await run.succeeds()
    assert run.reports[-1].total == 0
    assert run.reports[-1].percent is None


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
async def test_a_server_in_trouble_is_asked_again(server: FileServer, tmp_path: Path, code: int) -> None:
    server.script.append(http_server.status(code, Retry_After="0"))
    run = Run(server, tmp_path)
    await run.succeeds()
    assert run.phases[0] == "retry"


@pytest.mark.parametrize(
    ("code", "key"),
    [
        (401, "error.download.login"),
        (403, "error.download.login"),
        (404, "error.download.refused"),
        (410, "error.download.refused"),
    ],
)
async def test_a_refusal_ends_it_at_once(server: FileServer, tmp_path: Path, code: int, key: str) -> None:
    server.script.append(http_server.status(code))
    error = await Run(server, tmp_path).fails(key)
    assert str(code) in error.message("en")
    assert len(server.requests) == 1


async def test_a_wrong_hash_is_never_kept(server: FileServer, tmp_path: Path) -> None:
    await Run(server, tmp_path, sha256="0" * 64).fails("error.download.hash")
    assert list(tmp_path.iterdir()) == []


async def test_too_little_space_is_said_before_anything_is_written(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=len(CONTENT) - 1))
    run = Run(server, tmp_path)
    error = await run.fails("error.download.disk_full")
    assert error.params["need_mb"] == 3
    assert error.params["free_mb"] == 2
    assert not run.part.exists()


async def test_a_disk_that_becomes_full_is_named(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(work: object, **_: object) -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    run = Run(server, tmp_path)
    monkeypatch.setattr(run.download, "_receive", full)
    await run.fails("error.download.disk_filled")


async def test_a_folder_that_cannot_be_written_is_named(server: FileServer, tmp_path: Path) -> None:
    run = Run(server, tmp_path)
    run.part.mkdir()
    error = await run.fails("error.download.write")
    assert str(run.part) in error.message("en")


async def test_a_login_is_sent_to_that_server(server: FileServer, tmp_path: Path) -> None:
    remote = Remote(server.url, SHA256, login=("ada", "secret"))
    await Download(remote, tmp_path / "f", name="starter", report=lambda _: None, need=0, policy=HASTY).run()
    assert server.requests[0]["authorization"].startswith("Basic ")
    assert "secret" not in repr(remote)


async def test_a_hash_that_nobody_promised_is_told(server: FileServer, tmp_path: Path) -> None:
    assert await Run(server, tmp_path, sha256="").download.run() == SHA256
    assert await Run(server, tmp_path, sha256="").download.run() == ""  # it was there: nobody has looked


async def test_what_arrives_is_hashed_on_its_way_and_only_what_was_here_is_read(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    reach = GrowingHash.reach

    def noted(self: GrowingHash, file: Path, size: int) -> None:
        if size > self._size:
            read.append(size - self._size)
        reach(self, file, size)

    monkeypatch.setattr(GrowingHash, "reach", noted)
    server.script.extend([http_server.cut_after(700_000), *[http_server.status(500)] * 4])
    await Run(server, tmp_path).fails("error.download.lost")
    assert read == []
    server.script.append(http_server.cut_after(900_000))
    await Run(server, tmp_path).succeeds()
    assert read == [700_000]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0", 0.0), ("", 0.0), ("soon", 0.0), ("-3", 0.0), ("Mon, 01 Jan 1990 00:00:00 GMT", 0.0)],
)
def test_retry_after(header: str, seconds: float) -> None:
    assert retry_after(header) == seconds


def test_retry_after_as_a_date() -> None:
    header = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3000 < retry_after(header) <= 3600


def test_waits_double_up_to_the_longest() -> None:
    policy = Policy(first_wait=1.0, longest_wait=5.0)
    assert [policy.wait(n) for n in (0, 1, 2, 3, 4, 50)] == [1.0, 1.0, 2.0, 4.0, 5.0, 5.0]


def endless(exchange: Exchange) -> None:
    """Zeros until nobody listens any more; no length, no end."""
    exchange.head(200, {})
    while not exchange.files.released.is_set():
        exchange.wfile.write(bytes(1 << 16))


async def test_a_server_without_end_is_left_at_the_promised_length(
    server: FileServer, tmp_path: Path
) -> None:
    server.script.append(endless)
    run = Run(server, tmp_path, size=len(CONTENT))
    await run.fails("error.download.hash")
    assert run.reports[-1].done < len(CONTENT) + (1 << 22)
    assert not run.part.exists() and not run.note.exists()
    await Run(server, tmp_path, size=len(CONTENT)).succeeds()


async def test_a_file_that_is_too_long_is_not_begun(server: FileServer, tmp_path: Path) -> None:
    run = Run(server, tmp_path, size=len(CONTENT) - 1)
    await run.fails("error.download.hash")
    assert not run.part.exists()


async def test_the_disk_is_looked_at_again_while_nobody_knows_how_much_comes(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LOOK_AGAIN", 1 << 20)
    usage = shutil.disk_usage(tmp_path)
    free = [0, 0, 0]  # as much as is asked for, which is nothing; then less
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free.pop() if free else -1))
    server.script.append(endless)
    await Run(server, tmp_path).fails("error.download.disk_full")
    assert free == []

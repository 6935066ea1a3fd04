"""The panel of models: what is here, what is in memory, and in which order it stands."""

from __future__ import annotations

import gc
import os
import re
import time
import weakref
from pathlib import Path

import pytest

from ide_agent.config import HubSettings, Settings
from ide_agent.errors import (
    IdeAgentError,
    ModelError,
    ModelFileInvalid,
    ModelNotFound,
)
from ide_agent.features.hub import drawing, forms, offers
from ide_agent.features.hub import panel as panel_module
from ide_agent.features.hub.active import Activations
from ide_agent.features.hub.pulls import Pulls
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources.url import of_path
from ide_agent.host.services import Services
from ide_agent.panels import Panel, PanelEvent
from ide_agent.panels.blocks import TableBlock
from support import gguf_file, model_folders
from support.fake_inference import FakeInference, running_row
from support.http_server import FileServer
from support.hub_panel import block, press, put, rows, until


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


async def test_details_go_with_their_model(server: FileServer, panel: Panel) -> None:
    await press(panel, "pull")
    await until(lambda: rows(panel, "models") == ["tiny"])
    await press(panel, "about")
    await press(panel, "remove")
    assert block(panel, "about-model") is None


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


def switch(panel: Panel, name: str, table: str = "models") -> list[str]:
    """What the buttons of a model that is here say, up to “Check”."""
    found = block(panel, table)
    (row,) = [row for row in found.rows if row.id.partition(".")[0] == name]
    labels = [action.label for action in row.actions]
    return labels[: labels.index("Check")] if "Check" in labels else labels


async def test_a_model_is_activated_and_deactivated(panel: Panel, hub: Hub) -> None:
    put(hub, "mine")
    await press(panel, "filter")  # which draws it
    assert switch(panel, "mine") == ["Details", "Keep in memory"]
    await press(panel, "activate", "mine")
    await until(lambda: switch(panel, "mine") == ["Details", "Release from memory"])
    assert switch(panel, "mine", "running") == ["Details", "Release from memory"]
    (row,) = block(panel, "running").rows
    assert row.cells["model"] == "mine (gguf/q4_1) 🟢 Running"
    assert row.cells["about"].startswith("80.0 MB of memory, since ")
    assert row.cells["about"].endswith(", fake")
    (mine,) = block(panel, "models").rows
    assert mine.cells["state"] == "🟢 Running · default"
    assert block(panel, "running").title == "In memory (1 of 2)"
    await press(panel, "deactivate", "mine")
    await until(lambda: switch(panel, "mine") == ["Details", "Keep in memory"])
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
    assert [action.label for action in row.actions] == ["Details", "Stop waiting"]
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


async def test_what_nothing_here_runs_cannot_be_activated(panel: Panel, hub: Hub) -> None:
    model_folders.voice(hub.folder / "joe")
    await press(panel, "filter")  # which draws it
    (row,) = block(panel, "models").rows
    assert [action.name for action in row.actions] == ["about", "verify", "remove"]
    assert row.cells["kind"] == "Piper, vits" and row.cells["type"] == "sound"
    assert "none here runs this format" in row.cells["state"]


def test_what_a_press_fills_anew_is_known_to_the_page() -> None:
    page = Path(__file__).parents[3] / "clients" / "web" / "src" / "reveal.ts"
    [known] = re.findall(r"REFILLED.* = new Set\(\[(.*)\]\)", page.read_text(encoding="utf-8"))
    filled = {drawing.ABOUT, forms.ADD, offers.FILES, offers.FOUND}
    assert {each.strip(' "') for each in known.split(",")} == filled


def put_chat(hub: Hub, name: str) -> None:
    put(hub, name)
    chats = {"tokenizer.chat_template": "{{ messages }}"}
    (hub.folder / name / "m.gguf").write_bytes(gguf_file.file(gguf_file.llama(**chats)))


def state(panel: Panel, name: str) -> str:
    (row,) = [row for row in block(panel, "models").rows if row.id == name]
    return str(row.cells["state"])


async def test_who_stays_the_default_is_told_and_another_one_is_made_it(
    pulls: Pulls, panel: Panel, hub: Hub, tmp_path: Path
) -> None:
    put_chat(hub, "mine")
    file = tmp_path / "own" / "other.gguf"
    file.parent.mkdir()
    file.write_bytes((hub.folder / "mine" / "m.gguf").read_bytes())
    await pulls.want(hub.entry(of_path(file))).task
    await until(lambda: block(panel, "arrived.other"))
    assert "mine stays the default for text" in block(panel, "arrived.other").markdown
    await until(lambda: sorted(rows(panel, "models")) == ["mine", "other"])
    assert state(panel, "mine").endswith("default") and not state(panel, "other").endswith("default")
    assert switch(panel, "other") == ["Details", "Keep in memory", "Make default"]
    assert "other is the default for text now" in await press(panel, "default", "other")
    assert state(panel, "other").endswith("default")
    assert switch(panel, "mine") == ["Details", "Keep in memory", "Make default"]
    await until(lambda: block(panel, "arrived.other") is None)
    told = await press(panel, "remove", "other")
    assert "mine answers and completes code now" in told
    assert "ide-agent models pull starter" in await press(panel, "remove", "mine")


async def test_one_in_memory_that_is_not_kept_can_be_kept_or_released(panel: Panel, hub: Hub) -> None:
    put(hub, "mine")
    FakeInference.current.rows = [running_row("mine")]
    await press(panel, "filter")  # which draws it
    both = ["Details", "Keep in memory", "Release from memory"]
    assert switch(panel, "mine") == switch(panel, "mine", "running") == both
    for table in ("models", "running"):
        for row in block(panel, table).rows:
            assert row.actions[0].name == "about"  # Enter on a row harms nothing


async def test_the_first_button_of_a_row_harms_nothing(panel: Panel, hub: Hub) -> None:
    put(hub, "mine")
    await press(panel, "filter")
    tables = [each for each in panel.state.blocks if isinstance(each, TableBlock)]
    firsts = {row.actions[0].name for table in tables for row in table.rows if row.actions}
    assert firsts == {"about", "pull"}

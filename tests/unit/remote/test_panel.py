"""The panel of remote models."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ide_agent.config import Settings, load
from ide_agent.editor.server import EditorServer
from ide_agent.features.remote import panel as module
from ide_agent.features.remote.service import Remote
from ide_agent.host.services import Services
from ide_agent.panels import Panel, PanelEvent
from ide_agent.paths import config_file
from support.editor import attached
from support.fake_host import FakeHost


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(params=["en", "tr"])
async def panel(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> AsyncIterator[Panel]:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.01)
    services = Services(Settings(), [])
    remote = Remote(services)
    module.register(services, remote)
    opening = services.database.open()
    yield await services.panels.open("remote", request.param)
    await services.panels.close()
    await remote.audit.close()
    await opening
    await services.database.close()


def block(panel: Panel, id: str) -> Any:
    return panel.block(id)


async def test_what_is_to_be_written_where_there_is_no_endpoint_makes_one(panel: Panel) -> None:
    ids = [each.id for each in panel.state.blocks]
    assert ids.index("endpoints") + 1 == ids.index("example") == ids.index("edit") - 1
    config_file().parent.mkdir(parents=True, exist_ok=True)
    config_file().write_text(f"[hub]\nkeep_days = 9\n{block(panel, 'example').text}", encoding="utf-8")
    settings, problems = load(user=config_file())
    assert list(settings.remote.endpoints) == ["openrouter"]
    assert problems == []


async def test_the_settings_are_begun_where_there_are_none_and_named(panel: Panel) -> None:
    [button] = block(panel, "edit").actions
    assert "config.toml" in button.label
    assert str(config_file()) in await panel.act(PanelEvent(action=button.name))
    text = config_file().read_text(encoding="utf-8")
    assert tomllib.loads(text) == {}
    shown = "\n".join(line.removeprefix("# ") for line in text.splitlines()[2:])
    assert tomllib.loads(shown)["remote"]["endpoints"]["openrouter"]["url"].startswith("https://")
    config_file().write_text("[hub]\n", encoding="utf-8")
    await panel.act(PanelEvent(action=button.name))
    assert config_file().read_text(encoding="utf-8") == "[hub]\n"


async def test_an_editor_opens_the_settings() -> None:
    host = FakeHost()
    host.routes["POST /panels/remote/event?language=en"] = lambda call: call.answer({"message": "There."})
    address = await host.start()
    async with attached(EditorServer(lambda timeout: address)) as editor:
        editor.answers["window/showDocument"] = {"success": True}
        await editor.initialize({"window": {"showDocument": {"support": True}}}, locale="en")
        pressed = {"panel": "remote@en", "event": {"action": "edit"}}
        assert await editor.request("ideAgent/panel/event", pressed) == {"message": ""}
        [shown] = editor.all("window/showDocument")
    assert shown["uri"] == config_file().as_uri()
    await host.aclose()

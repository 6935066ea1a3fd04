"""Every panel of ours in every theme, with what opens in it open: axe finds no serious fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from ide_agent.paths import models_dir
from support.axe import THEMES, faults
from support.host_process import clean_home
from support.model_hub import FILE, NAME, REPOSITORY, ModelHub, model_hub
from support.panel_host import PanelHost
from support.vscode import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.timeout(300)]

Tab = Callable[..., Page]
CONFIG = """\
[remote.endpoints.near]
url = "http://127.0.0.1:9/v1"
[remote.endpoints.far]
url = "https://192.0.2.1/v1"
models = ["m"]
"""
RULES = """\
rules:
  - name: hard
    when: {task: chat, message: (?i)refactor}
    model: starter
  - name: off
    enabled: false
    model: starter
"""

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="module")
def hub() -> Iterator[ModelHub]:
    """What there is to download."""
    with model_hub() as running:
        yield running


@pytest.fixture(scope="module")
def host(hub: ModelHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelHost]:
    """A host with a model in memory, rules, and endpoints."""
    made = PanelHost(tmp_path_factory.mktemp("host"))
    made.environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    made.models.mkdir()
    (made.models / "starter").symlink_to(models_dir() / "starter", target_is_directory=True)
    config = made.home / "config"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(CONFIG, encoding="utf-8")
    (config / "routes.yaml").write_text(RULES, encoding="utf-8")
    hub.allow(20)
    with clean_home(made.home):
        made.start()
        made.act("activate", "hub", name="starter")
        yield made
        made.process.terminate()
        made.process.wait()


def asked(page: Page, button: str) -> None:
    """Press what asks first: the question has no fault either; it is answered with no."""
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("alertdialog")).to_be_visible()
    assert faults(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("alertdialog")).to_have_count(0)


@pytest.mark.parametrize("theme", THEMES)
def test_models(tab: Tab, host: PanelHost, theme: str) -> None:
    host.act("pull", "hub", name=f"hf:{REPOSITORY}/{FILE}")  # anew: one that stands gives up in the end
    host.call("POST", "/panels/hub/event", {"action": "search", "values": {"words": "smol"}})
    host.act("files", "hub", name=REPOSITORY)
    page = tab("hub", **THEMES[theme])
    expect(page.get_by_role("table", name=REPOSITORY)).to_be_visible()
    page.get_by_role("button", name="Details, starter").first.click()
    expect(page.get_by_role("columnheader", name="Property")).to_be_visible()
    bar = page.get_by_role("progressbar", name=NAME)
    expect(bar).to_have_attribute("aria-valuenow", re.compile(r"20(\.|$)"))
    expect(page.get_by_role("table", name="On this computer")).to_contain_text("🟢 Running")
    assert faults(page) == []
    page.get_by_role("form", name="Ask a model something").get_by_role("button", name="Ask").click()
    expect(page.locator(".problem:visible")).to_have_text("This is needed.")
    assert faults(page) == []
    asked(page, "Remove, starter")


@pytest.mark.parametrize("theme", THEMES)
def test_rules(tab: Tab, host: PanelHost, theme: str) -> None:
    file = host.home / "config" / "routes.yaml"
    page = tab("routes", **THEMES[theme])
    new = page.get_by_role("form", name="A new rule")
    new.get_by_role("textbox", name="Name").fill("hard")
    new.get_by_role("combobox", name="Model").fill("starter")
    new.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).not_to_have_text("")
    question = page.get_by_role("form", name="Where would a message go?")
    question.get_by_role("textbox", name="Message").fill("Please refactor this.")
    question.get_by_role("button", name="Test").click()
    expect(page.get_by_text("This would go to")).to_be_visible()
    assert faults(page) == []
    asked(page, "Remove, hard")
    file.write_text(RULES.replace("task: chat", "task: chta"), encoding="utf-8")
    expect(page.locator("[data-level=error]")).to_contain_text("The last good rules stay in force")
    assert faults(page) == []
    file.write_text(RULES, encoding="utf-8")
    expect(page.locator("[data-level=error]")).to_have_count(0)


@pytest.mark.parametrize("theme", THEMES)
def test_remote_models(tab: Tab, theme: str) -> None:
    page = tab("remote", **THEMES[theme])
    endpoints = page.get_by_role("table", name="Endpoints")
    endpoints.get_by_role("row", name="near").get_by_role("button", name="Test").click()
    expect(page.get_by_role("alert")).not_to_have_text("")
    page.locator("input[type=password]").fill("very-secret-key")
    assert faults(page) == []
    asked(page, "Switch on")

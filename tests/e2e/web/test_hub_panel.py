"""The panel of models in a browser: found, pulled, interrupted, activated, asked, deactivated, removed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil
import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from support.host_process import wait_for
from support.model_hub import FILE, NAME, REPOSITORY, ModelHub, model_hub
from support.panel_host import PanelHost, panel_host
from support.vscode import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.timeout(300)]

Tab = Callable[..., Page]

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="module")
def hub() -> Iterator[ModelHub]:
    """What there is to download."""
    with model_hub() as running:
        yield running


@pytest.fixture(scope="module")
def host(hub: ModelHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelHost]:
    """A host without a model."""
    with panel_host(tmp_path_factory.mktemp("host")) as running:
        yield running


def connection(page: Page) -> Locator:
    """Where the page says whether it has a connection."""
    return page.locator(".notice.connection [role=status]")


def reaches(page: Page, name: str, percent: int) -> None:
    """Wait until the bar stands there."""
    bar = page.get_by_role("progressbar", name=name)
    expect(bar).to_have_attribute("aria-valuenow", re.compile(rf"{percent}(\.|$)"))


def ask(page: Page, question: str) -> None:
    """Ask the model in its panel, let it say something, stop it if it goes on."""
    form = page.get_by_role("form", name="Ask a model something")
    expect(form.get_by_role("combobox", name="Model")).to_have_value(NAME)
    form.get_by_role("textbox", name="Question").fill(question)
    form.get_by_role("button", name="Ask").click()
    answer = page.locator(".markdown", has=page.locator("strong", has_text=NAME))
    expect(answer.locator("p").first).to_have_text(f"{NAME} · {question}")
    expect(answer).to_contain_text(re.compile(rf"{re.escape(question)}\s*\S+"))
    stop, done = page.get_by_role("button", name="Stop"), page.get_by_role("button", name="Dismiss")
    stop.or_(done).first.wait_for()
    if stop.is_visible():
        with suppress(PlaywrightTimeout):  # it may have come to its end meanwhile
            stop.click(timeout=2000)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    done.click()
    expect(answer).to_have_count(0)


def test_a_narrow_panel_wraps_and_folds_its_catalogue(tab: Tab) -> None:
    page = tab("hub")
    page.set_viewport_size({"width": 1400, "height": 900})
    catalogue = page.get_by_role("table", name="Can be downloaded")
    expect(catalogue.get_by_role("columnheader", name="To download")).to_be_visible()
    count = catalogue.get_by_role("rowheader").count()
    assert count > 5
    page.set_viewport_size({"width": 200, "height": 900})
    expect(catalogue.get_by_role("rowheader")).to_have_count(5)
    assert page.evaluate("document.documentElement.scrollWidth") == 200
    page.get_by_role("button", name=f"Show all {count}").click()
    expect(catalogue.get_by_role("rowheader")).to_have_count(count)
    expect(page.get_by_role("button", name=f"Show all {count}")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") == 200


def test_a_model_is_found_pulled_interrupted_activated_asked_and_removed(
    tab: Tab, hub: ModelHub, host: PanelHost
) -> None:
    page = tab("hub")
    expect(page.get_by_role("form", name="Ask a model something")).to_have_count(0)
    page.get_by_role("textbox", name="Words, owner/name").fill("smol")
    page.keyboard.press("Enter")
    page.get_by_role("button", name=f"Files, {REPOSITORY}").click()
    offered = page.get_by_role("table", name=REPOSITORY)
    expect(offered.get_by_role("rowheader")).to_have_text([FILE])
    hub.allow(20)
    offered.get_by_role("button", name=re.compile("^Download")).click()
    expect(page.locator(".notice.answer [role=status]")).to_contain_text(f"{NAME} is on its way")
    reaches(page, NAME, 20)
    hub.allow(45)
    reaches(page, NAME, 45)

    host.kill()
    expect(connection(page)).to_contain_text("The connection is lost")
    host.start()
    expect(connection(page)).to_have_text("")
    reaches(page, NAME, 45)  # it goes on by itself
    hub.allow(70)
    reaches(page, NAME, 70)
    assert [asked[:6] for asked in hub.ranges] == ["", "bytes="]
    assert int(hub.ranges[1][6:-1]) > 0.4 * hub.size
    page.get_by_role("button", name=re.compile("^Stop")).press("Enter")
    resume = page.get_by_role("button", name=re.compile("^Resume"))
    expect(resume).to_be_focused()  # what stands in its place
    resume.press("Enter")
    expect(page.get_by_role("button", name=re.compile("^Stop"))).to_be_focused()
    hub.allowed = None

    here = page.get_by_role("table", name="On this computer")
    expect(here.get_by_role("rowheader")).to_have_text([NAME])
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page.get_by_text("No model is in memory.")).to_be_visible()
    expect(here.get_by_role("row", name=NAME)).to_contain_text("ready")
    here.get_by_role("button", name=f"Keep in memory, {NAME}", exact=True).click()
    loaded = page.get_by_role("table", name="In memory (1 of")
    expect(loaded.get_by_role("rowheader")).to_have_text([re.compile(rf"^{NAME} \(.+\) 🟢 Running$")])
    expect(loaded.get_by_role("row", name=NAME)).to_contain_text(", stays in memory,")
    expect(here.get_by_role("row", name=NAME)).to_contain_text("🟢 Running")
    (engine,) = host.call("GET", "/models/running")["models"]
    ask(page, "Say hello.")
    (same,) = host.call("GET", "/models/running")["models"]
    assert (same["pid"], same["active"]) == (engine["pid"], True)

    here.get_by_role("button", name=f"Release from memory, {NAME}", exact=True).click()
    expect(page.get_by_text("No model is in memory.")).to_be_visible()
    expect(loaded).to_have_count(0)
    expect(here.get_by_role("row", name=NAME)).to_contain_text("ready")
    assert not psutil.pid_exists(engine["pid"])
    page.get_by_role("button", name=f"Remove, {NAME}").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    expect(page.locator(".notice.answer [role=status]")).to_contain_text(f"{NAME} was removed")
    expect(here.get_by_role("rowheader")).to_have_count(0)
    wait_for(lambda: not list(host.models.rglob("*.gguf")), "the file to go")

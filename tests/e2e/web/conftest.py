"""Panels in a real browser, from a real host."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from support.panel_host import PanelHost, panel_host
from support.vscode import CHROMIUM_ARGUMENTS, PATIENCE, ROOT

ARTIFACTS = ROOT / ".artifacts" / "web"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelHost]:
    """A host with the panels of `support.gallery`."""
    with panel_host(tmp_path_factory.mktemp("host")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; not for longer than a module, since Playwright's loop is in the way of asynchronous tests."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def tab(browser: Browser, host: PanelHost, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Open a panel in a tab of a browser that nobody used before; what it shows at the end is kept.

    The page must stay without errors, those of its content security policy included.
    """
    opened: list[tuple[Page, list[str]]] = []

    def open_(panel: str = "gallery", language: str = "en", **options: Any) -> Page:
        if panel == "gallery":
            host.act("again")
        context = browser.new_context(viewport={"width": 1000, "height": 900}, **options)
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None,
        )
        opened.append((page, errors))
        page.goto(host.link(panel, language))
        page.locator(".blocks[data-revision]").wait_for()
        return page

    yield open_
    name = re.sub(r"[^\w.-]+", "-", request.node.name)
    for number, (page, errors) in enumerate(opened):
        page.screenshot(path=ARTIFACTS / f"{name}-{number}.png", full_page=True)
        page.context.close()
        assert errors == []

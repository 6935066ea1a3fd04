"""Panels in VS Code's webviews, from a scripted server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import FrameLocator, expect

from ide_agent.panels import PanelState
from support.gallery import PATCH, blocks
from support.vscode import PATIENCE, VSCode, until

if TYPE_CHECKING:
    from .conftest import Window

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

HUB = PanelState(id="hub@en", title="Models", blocks=blocks()).model_dump(mode="json")
OPEN = "ideAgent.panels.open"

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture
def hub(window: Window) -> Iterator[Window]:
    """The panel of models, just opened by its command."""
    say(window)
    window.vscode.run("IDE-Agent: Models")
    expect(page(window).get_by_role("heading", name="Models", level=1)).to_be_visible()
    yield window
    window.vscode.run("View: Close All Editors")
    window.vscode.page.locator("iframe.webview").wait_for(state="detached")
    window.vscode.run("Go: Back")


def say(window: Window, **more: Any) -> None:
    """What the server says from now on."""
    window.script.say(status={"state": "ready", "model": "starter"}, panels={"hub": HUB}, **more)


def page(window: Window) -> FrameLocator:
    """What stands in the webview."""
    outer = window.vscode.page.frame_locator("iframe.webview.ready")
    return outer.frame_locator("iframe#active-frame")


def patch(revision: int, *ops: dict[str, Any], gate: str | None = None) -> dict[str, Any]:
    """A step of a script."""
    return {"gate": gate, "patch": {"id": "hub@en", "revision": revision, "ops": list(ops)}}


def grow(text: str) -> dict[str, Any]:
    """The log grows."""
    return {"op": "append", "id": "log", "text": text}


def tabs(vscode: VSCode) -> list[str]:
    """The editors that are open."""
    return [text.strip() for text in vscode.page.locator(".tabs-container .tab .label-name").all_text_contents()]


def test_draws_and_sends_what_is_pressed(hub: Window, keep: Callable[..., None]) -> None:
    assert "Models" in tabs(hub.vscode)
    panel = page(hub)
    expect(panel.locator(".diff ins")).to_have_count(PATCH.count("\n+") - 1)
    expect(panel.locator(".plot canvas")).to_be_visible()
    keep(hub.vscode, "drawn")
    say(hub, presses={"greet": {"message": "Hello."}, "fail": {"error": "It failed."}})
    panel.get_by_role("button", name="Use, starter").click()
    expect(panel.locator(".notice.answer [role=status]")).to_have_text("Hello.")
    [press] = hub.script.log("press")
    event = {"action": "greet", "block": "models", "row": "starter", "args": {"name": "starter"}, "values": {}}
    assert (press["panel"], press["event"]) == ("hub@en", event)
    panel.get_by_role("button", name="Fail").click()
    expect(panel.get_by_role("alert")).to_have_text("It failed.")
    panel.get_by_role("button", name="Remove, starter").click()
    panel.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    until(lambda: hub.script.log("press", panel="hub@en")[2:])

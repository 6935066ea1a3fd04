"""What was typed before the server could answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from support.vscode import until

from .conftest import STARTING

if TYPE_CHECKING:
    from .conftest import Window

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

READY: dict[str, Any] = {"state": "ready", "model": "starter"}
RULE: dict[str, Any] = {"id": "early", "after": "return ", "chunks": ["total"]}


def test_typed_as_soon_as_the_window_shows(
    scripted: Callable[..., Window], keep: Callable[..., None]
) -> None:
    window = scripted({"hold": "start", "status": READY, "rules": [RULE]})
    window.vscode.type("return ")
    window.holds("return ")
    until(lambda: window.vscode.status() == STARTING)
    keep(window.vscode, "starting")
    assert window.script.log("initialize") == []
    window.script.open_gate("start")
    window.vscode.shows("total")
    window.vscode.press("Tab")
    window.holds("return total")


def test_typed_while_the_server_starts_anew(window: Window) -> None:
    _start_anew(window, hold="start")
    until(lambda: window.vscode.status() == STARTING)
    window.vscode.type("return ")
    window.holds("return ")
    window.script.open_gate("start")
    window.vscode.shows("total")


def test_typed_while_the_model_is_loaded(window: Window) -> None:
    _start_anew(window, status={"state": "loading", "model": "starter"}, ready="loaded", rules=[])
    until(lambda: window.vscode.page.locator(".statusbar .codicon-loading").count() == 1)
    until(lambda: window.script.log("initialize"))
    window.vscode.type("return ")
    until(lambda: window.script.log("request", before="return "))
    window.script.say(rules=[RULE])
    window.script.open_gate("loaded")
    window.vscode.shows("total")


def test_what_was_sent_away_is_asked_anew_by_the_next_key(window: Window) -> None:
    window.script.say(rules=[RULE])
    window.vscode.type("return ")
    window.vscode.shows("total")
    window.script.forget()  # on a slow machine VS Code asks for a part of the word, too
    window.vscode.press("Escape")
    window.vscode.shows("")
    until(lambda: window.script.events("dismissed"))
    assert window.script.log("request") == []
    window.vscode.type("t")
    window.vscode.shows("otal")
    [asked] = window.script.log("request", before="return t")
    assert not asked["invoked"]


def test_nothing_is_asked_where_the_user_did_not_type(window: Window) -> None:
    _start_anew(window, hold="start")
    until(lambda: window.vscode.status() == STARTING)
    window.vscode.type("return x")
    window.holds("return x")
    window.vscode.press("ArrowLeft")
    window.script.open_gate("start")
    until(lambda: window.vscode.status() == "starter")
    window.vscode.watch()
    window.vscode.page.wait_for_timeout(500)  # longer than VS Code takes to ask and draw
    assert window.script.log("request") == []


def _start_anew(window: Window, **says: Any) -> None:
    """Have the server started again; what it says then."""
    window.script.say(**{"status": READY, "rules": [RULE], **says})
    window.vscode.run("IDE-Agent: Restart")
    until(lambda: window.script.log("command", command="ideAgent.host.restart"))
    window.vscode.focus()

"""The status item, the menu behind it, and a server that goes away."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.vscode import VSCode, until

from .conftest import MOUNTED

if TYPE_CHECKING:
    from .conftest import Window

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SUGGESTION: dict[str, Any] = {"id": "s", "after": "return ", "chunks": ["total"]}


@pytest.fixture(autouse=True)
def picture(shared: Window, keep: Callable[..., None]) -> Iterator[None]:
    yield
    keep(shared.vscode)


def test_shows_the_model_and_a_menu(window: Window) -> None:
    assert window.vscode.status() == "starter"
    window.vscode.menu()
    assert window.vscode.entries() == [
        "Turn suggestions off",
        "Models",
        "Routing Rules",
        "Remote Models",
        "Restart",
        "Show log",
        "Settings",
        "First ghost text",
    ]
    window.vscode.press("Escape")


def test_shows_the_line_of_the_server_until_the_model_is_gone(window: Window) -> None:
    window.script.say(status={**MOUNTED, "text": "starter (gguf/q4_1) 🟢 Running"})
    window.vscode.run("IDE-Agent: Restart")
    until(lambda: window.vscode.status() == "starter (gguf/q4_1) 🟢 Running")
    window.script.say(status={"state": "ready", "model": ""})
    window.vscode.run("IDE-Agent: Restart")
    until(lambda: window.vscode.status() == "no model in memory")
    window.vscode.menu()  # what helps is the panel of models, so that a click opens
    until(lambda: window.script.log("command", command="ideAgent.panels.open", argument={"name": "hub"}))
    window.script.say(status=MOUNTED)
    window.vscode.run("IDE-Agent: Restart")
    _started_again(window)


def test_the_menu_offers_the_starter_model_where_there_is_none(window: Window) -> None:
    window.script.say(status={"state": "noModel"})
    window.vscode.run("IDE-Agent: Restart")
    until(lambda: window.vscode.status() == "no model yet")
    window.vscode.menu()
    until(lambda: window.script.log("command", command="ideAgent.panels.open", argument={"name": "hub"}))
    window.vscode.run("IDE-Agent: Menu")
    until(lambda: "Download the starter model (93 MB)" in window.vscode.entries())  # the palette goes first
    window.vscode.press("Escape")
    window.script.say(status=MOUNTED)
    window.vscode.run("IDE-Agent: Restart")
    _started_again(window)


def test_turns_suggestions_off_and_on(window: Window) -> None:
    window.vscode.menu()
    window.vscode.choose("Turn suggestions off")
    [off] = until(lambda: window.script.log("command", command="ideAgent.completion.toggle"))
    assert off["argument"] == {"enabled": False}
    until(lambda: window.vscode.page.locator(".statusbar .codicon-circle-slash").count() == 1)
    window.script.forget()
    window.vscode.menu()
    window.vscode.choose("Turn suggestions on")
    [on] = until(lambda: window.script.log("command", command="ideAgent.completion.toggle"))
    assert on["argument"] == {"enabled": True}
    until(lambda: window.vscode.page.locator(".statusbar .codicon-circle-slash").count() == 0)
    assert window.vscode.status() == "starter"


def test_downloads_the_starter_model(window: Window) -> None:
    window.vscode.run("IDE-Agent: Download the starter model")
    [pulled] = until(lambda: window.script.log("command", command="ideAgent.models.pull"))
    assert pulled["argument"] == {"name": "starter"}


def test_work_of_the_server_is_told_in_the_status_bar_alone(window: Window) -> None:
    window.script.say(status=MOUNTED, work="Restarting the host")
    window.vscode.run("IDE-Agent: Restart")
    until(lambda: window.vscode.page.locator(".statusbar", has_text="Restarting the host").count())
    assert "Restarting the host" not in window.vscode.notifications()
    window.script.say(status=MOUNTED)
    window.vscode.run("IDE-Agent: Restart")
    _started_again(window)
    until(lambda: not window.vscode.page.locator(".statusbar", has_text="Restarting the host").count())


def test_our_settings_file_is_not_plain_text(window: Window, tmp_path: Path) -> None:
    refresh = {"name": "refresh", "label": "Refresh", "enabled": True, "args": {}}
    block = {"kind": "actions", "id": "more", "actions": [refresh]}
    panel = {"id": "hub@en", "title": "Models", "language": "en", "revision": 1, "blocks": [block]}
    language = window.vscode.page.locator("[id='status.editor.mode']")
    for name, wanted in (("config.toml", "Ini"), ("other.toml", "Plain Text")):
        file = tmp_path / name
        file.write_text("[inference]\nslots = 2\n", encoding="utf-8")
        window.script.say(
            status=MOUNTED, panels={"hub": panel}, presses={"refresh": {"shows": file.as_uri()}}
        )
        window.vscode.run("IDE-Agent: Models")
        page = window.vscode.page.frame_locator("iframe.webview.ready").frame_locator("iframe#active-frame")
        page.get_by_role("button", name="Refresh").click()
        window.vscode.page.locator(f".tab.active[aria-label^='{name}']").wait_for()
        until(lambda wanted=wanted: (language.text_content() or "").strip() == wanted)
    window.vscode.run("View: Close All Editors")
    window.script.forget()
    window.script.say(status=MOUNTED)
    window.vscode.open("sample.py")
    _started_again(window)


def test_restart_restarts_host_and_server(window: Window) -> None:
    window.vscode.run("IDE-Agent: Restart")
    until(lambda: window.script.log("command", command="ideAgent.host.restart"))
    _started_again(window)
    _suggests(window)


def test_restart_ends_a_server_that_hangs(window: Window) -> None:
    hung = _server(window)
    os.kill(hung, signal.SIGSTOP)
    window.vscode.run("IDE-Agent: Restart")
    _started_again(window)
    assert _server(window) != hung
    _suggests(window)


def test_a_server_that_was_killed_comes_back(window: Window) -> None:
    os.kill(_server(window), signal.SIGKILL)
    _started_again(window)
    _suggests(window)


def test_a_server_that_was_killed_while_it_started_comes_back_alone(window: Window) -> None:
    for again in (False, True):
        old = _server(window)
        window.vscode.run("IDE-Agent: Restart")
        [young] = until(lambda old=old: [server for server in _servers(window) if server != old])
        os.kill(young, signal.SIGKILL)
        if again:
            window.vscode.run("IDE-Agent: Restart")
        until(lambda old=old, young=young: not {old, young, None} & {_started(window)})
        until(lambda: window.vscode.status() == "starter")
        _server(window)
    _suggests(window)


def test_suggestions_stay_off_when_the_server_was_killed(window: Window) -> None:
    off = window.vscode.page.locator(".statusbar .codicon-circle-slash")
    window.vscode.menu()
    window.vscode.choose("Turn suggestions off")
    until(lambda: off.count() == 1)
    window.script.forget()
    os.kill(_server(window), signal.SIGKILL)
    [told] = until(lambda: window.script.log("command", command="ideAgent.completion.toggle"))
    assert told["argument"] == {"enabled": False}
    until(lambda: off.count() == 1)
    window.vscode.menu()
    window.vscode.choose("Turn suggestions on")
    until(lambda: off.count() == 0)
    _suggests(window)


@pytest.mark.parametrize("moment", ["start", "initialize"])
def test_gives_up_after_many_crashes_and_restart_helps(
    scripted: Callable[..., Window], keep: Callable[..., None], moment: str
) -> None:
    window = scripted()
    gave_up = window.vscode.page.locator(".statusbar-item.error-kind")
    killed = set()

    def given_up() -> bool:
        started = {entry["pid"] for entry in window.script.log("initialize")}
        for server in {*_servers(window)} - killed:
            if moment == "start" or server in started:
                killed.add(server)
                os.kill(server, signal.SIGKILL)
        return gave_up.count() == 1 and _servers(window) == []

    until(given_up)
    assert len(killed) == 5
    until(lambda: "IDE-Agent stopped again and again" in window.vscode.notifications())
    keep(window.vscode, "given-up")
    window.script.forget()
    window.vscode.answer("Restart")
    _started_again(window)
    _suggests(window)
    _server(window)


def test_missing_program_is_told_at_once(launch: Callable[..., VSCode], tmp_path: Path) -> None:
    vscode = launch(settings={"ideAgent.server.path": str(tmp_path / "missing")})
    vscode.open("sample.py")
    failed = vscode.page.locator(".statusbar-item.error-kind")
    until(lambda: failed.count() == 1)
    assert "the server did not start" in (failed.locator("a").get_attribute("aria-label") or "")


def test_walkthrough(window: Window, keep: Callable[..., None]) -> None:
    window.vscode.run("IDE-Agent: First ghost text (walkthrough)")
    page = window.vscode.page
    page.get_by_text("From nothing to a suggestion").wait_for()
    until(lambda: page.locator(".getting-started-step").count() == 4)
    until(lambda: page.locator(".getting-started-step .codicon.complete").count() >= 2)
    page.get_by_text("Type, and take it with Tab").click()
    page.get_by_text("Try it in a sample file").wait_for()
    keep(window.vscode, "step")
    page.get_by_text("Try it in a sample file").click()
    page.get_by_text("fibonacci").first.wait_for()


def _started_again(window: Window) -> None:
    until(lambda: window.script.log("initialize"))
    until(lambda: window.vscode.status() == "starter")


def _suggests(window: Window) -> None:
    """The server answers, and its suggestions can be taken."""
    window.script.say(rules=[SUGGESTION])
    window.vscode.focus()
    window.vscode.type("return ")
    window.vscode.shows("total")
    window.vscode.press("Tab")
    window.holds("return total")


def _server(window: Window) -> int:
    """The one process that runs our scripted server."""
    [server] = until(lambda: len(found := _servers(window)) == 1 and found)
    return int(server)


def _started(window: Window) -> int | None:
    """The last server that was asked to initialize, while it lives."""
    asked = [int(entry["pid"]) for entry in window.script.log("initialize")]
    return asked[-1] if asked and asked[-1] in _servers(window) else None


def _servers(window: Window) -> list[int]:
    """The processes that run our scripted server."""
    return [pid for pid, command in window.vscode.processes() if str(window.script.folder) in command]

"""Panels in VS Code's webviews, from a scripted server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import FrameLocator, expect

from ide_agent.panels import PanelState
from support.gallery import blocks, hostile
from support.vscode import PATIENCE, until

if TYPE_CHECKING:
    from .conftest import Window

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

HUB = PanelState(id="hub@en", title="Models", blocks=blocks()).model_dump(mode="json")
OPEN = "ideAgent.panels.open"
FILE = "sample.py"
RENAMED = {"op": "title", "title": "Models: 300"}
BACK = {"op": "title", "title": "Models"}
MOUNTED = {"state": "ready", "model": "starter"}
# Which directives refuse script in the page, a handler, a picture from elsewhere, a request, and `eval`.
INTRUDE = """async (main) => {
  const refusal = (act) => new Promise((told) => {
    document.addEventListener('securitypolicyviolation', (e) => told(e.effectiveDirective), { once: true });
    act();
  });
  const add = (tag, content) => main.appendChild(Object.assign(document.createElement(tag), content));
  const refused = [
    await refusal(() => add('script', { textContent: 'window.owned = true' })),
    await refusal(() => add('b', {}).setAttribute('onclick', 'window.owned = true')),
    await refusal(() => add('img', { src: 'http://127.0.0.1:9/c.png' })),
    await refusal(() => fetch('http://127.0.0.1:9/').catch(() => {})),
  ];
  try { new Function('window.owned = true')(); } catch { refused.push('eval'); }
  return window.owned ? ['owned'] : refused;
}"""

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture
def hub(window: Window) -> Iterator[Window]:
    """A window whose server has the panel of models; it is closed at the end."""
    say(window)
    yield window
    if is_open(window):
        close(window)


def say(window: Window, **more: Any) -> None:
    """What the server says from now on."""
    window.script.say(status=MOUNTED, panels={"hub": HUB}, **more)


def open_(window: Window, **more: Any) -> FrameLocator:
    """Open the panel by its command; what stands in it."""
    say(window, **more)
    window.vscode.run("IDE-Agent: Models")
    return shown(window)


def shown(window: Window) -> FrameLocator:
    """What stands in the webview, once it does."""
    outer = window.vscode.page.frame_locator("iframe.webview.ready")
    panel = outer.frame_locator("iframe#active-frame")
    expect(panel.get_by_role("heading", name="Models", level=1)).to_be_visible()
    return panel


def choose(window: Window, tab: str) -> None:
    """Bring an editor to the front."""
    window.vscode.page.locator(".tabs-container .tab", has_text=tab).click()


def close(window: Window) -> None:
    """Close the panel."""
    until(lambda: tabs(window).count("Models") == 1)
    tab = window.vscode.page.locator(".tabs-container .tab", has_text="Models")
    tab.click()
    tab.locator(".tab-actions .action-label").click()
    until(lambda: not is_open(window))


def asked(window: Window) -> int:
    """How often the server was asked for the panel."""
    return len(window.script.log("command", command=OPEN, argument={"name": "hub"}))


def opened(window: Window, times: int) -> None:
    """Wait until the server was asked for the panel that often."""
    until(lambda: asked(window) == times)


def step(revision: int, *ops: dict[str, Any], gate: str | None = None) -> dict[str, Any]:
    """A patch of a script."""
    return {"gate": gate, "patch": {"id": "hub@en", "revision": revision, "ops": list(ops)}}


def grow(text: str) -> dict[str, Any]:
    """The log grows."""
    return {"op": "append", "id": "log", "text": text}


def is_open(window: Window, title: str = "Models") -> bool:
    """Whether the panel is among the editors."""
    return title in tabs(window)


def without_file(window: Window) -> None:
    """Go to an address of the window that names no file to open: with one no other editor is brought back."""
    window.vscode.page.goto(window.vscode.page.url.split("&payload=")[0])
    until(lambda: window.vscode.status() == "starter")


def tabs(window: Window) -> list[str]:
    """What stands on the tabs of the editors."""
    return window.vscode.page.locator(".tabs-container .tab .label-name").all_text_contents()


def test_draws_and_sends_what_is_pressed(hub: Window, keep: Callable[..., None]) -> None:
    panel = open_(hub, presses={"greet": {"message": "Hello."}, "fail": {"error": "It failed."}})
    assert is_open(hub)
    expect(panel.locator(".block")).to_have_count(len(HUB["blocks"]))
    expect(panel.locator(".plot canvas")).to_be_visible()
    expect(panel.locator(".diff ins").first).to_be_visible()
    keep(hub.vscode, "drawn")
    panel.get_by_role("button", name="Use, starter").click()
    expect(panel.locator(".notice.answer [role=status]")).to_have_text("Hello.")
    [press] = hub.script.log("press")
    event = {
        "action": "greet",
        "block": "models",
        "row": "starter",
        "args": {"name": "starter"},
        "values": {},
    }
    assert (press["panel"], press["event"]) == ("hub@en", event)
    panel.get_by_role("button", name="Fail").click()
    expect(panel.get_by_role("alert")).to_have_text("It failed.")
    panel.get_by_role("button", name="Remove, starter").click()
    keep(hub.vscode, "asked")
    panel.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    until(lambda: len(hub.script.log("press")) == 3)
    assert hub.script.log("press")[2]["event"]["action"] == "remove"


@pytest.mark.parametrize(
    ("command", "name"), [("Routing Rules", "routes"), ("Remote Models", "remote")], ids=["routes", "remote"]
)
def test_each_panel_has_its_command(window: Window, command: str, name: str) -> None:
    state = {**HUB, "id": f"{name}@en"}
    window.script.say(status=MOUNTED, panels={name: state})
    window.vscode.run(f"IDE-Agent: {command}")
    shown(window)
    assert window.script.log("command", command=OPEN, argument={"name": name})
    close(window)


def test_nothing_in_a_panel_runs_script(hub: Window) -> None:
    attack = PanelState(id="hub@en", title="Models", blocks=hostile()).model_dump(mode="json")
    hub.script.say(status=MOUNTED, panels={"hub": attack})
    hub.vscode.run("IDE-Agent: Models")
    panel = shown(hub)
    expect(panel.locator(".block")).to_have_count(len(attack["blocks"]))
    drawn = panel.locator("main *, dialog *").evaluate_all(
        "(all) => all.flatMap((e) => [e.tagName.toLowerCase(), ...[...e.attributes].map((a) => a.name)])"
    )
    assert "vscode-button" in drawn
    assert not [name for name in drawn if name == "script" or name.startswith("on")]
    for link in panel.locator("main a").all():
        assert (link.get_attribute("href") or "").startswith(("http:", "https:", "mailto:"))
    refused = panel.locator("main").evaluate(INTRUDE)  # what if something came through all the same
    assert refused == ["script-src-elem", "script-src-attr", "img-src", "connect-src", "eval"]


def test_patches_arrive_in_order(hub: Window) -> None:
    steps = [step(number, grow(f"line {number}\n")) for number in range(1, 301)]
    panel = open_(hub, patches=[*steps, step(301, RENAMED), step(302, BACK, gate="back")])
    expect(panel.get_by_role("log")).to_contain_text("line 300\n")
    lines = (panel.locator(".log pre").text_content() or "").splitlines()
    assert lines == ["started", *(f"line {number}" for number in range(1, 301))]
    until(lambda: is_open(hub, "Models: 300"))
    hub.script.open_gate("back")
    until(lambda: is_open(hub))
    opened(hub, 1)


def test_a_patch_that_is_missing_is_made_up_for(hub: Window) -> None:
    panel = open_(hub, patches=[step(1, grow("one\n")), step(3, grow("three\n"), gate="gap")])
    expect(panel.get_by_role("log")).to_contain_text("one\n")
    say(hub)
    hub.script.open_gate("gap")
    opened(hub, 2)
    expect(panel.get_by_role("log")).to_have_text("started")


def test_what_was_hidden_comes_back_as_it_is_now(hub: Window) -> None:
    panel = open_(hub, patches=[step(1, grow("meanwhile\n"), gate="hidden")])
    panel.get_by_role("textbox", name="Name").fill("half")
    choose(hub, FILE)
    hub.vscode.page.locator("iframe.webview").wait_for(state="detached")
    hub.script.open_gate("hidden")
    choose(hub, "Models")
    panel = shown(hub)
    expect(panel.get_by_role("log")).to_contain_text("meanwhile\n")
    expect(panel.get_by_role("textbox", name="Name")).to_have_value("half")
    opened(hub, 1)


def test_a_closed_panel_is_let_go(hub: Window) -> None:
    open_(hub, patches=[step(1, grow("late\n"), gate="late")])
    close(hub)
    until(lambda: hub.script.log("close", panel="hub@en"))


def test_a_reload_of_the_window_brings_it_back(hub: Window, keep: Callable[..., None]) -> None:
    without_file(hub)
    open_(hub)
    until(lambda: asked(hub))
    before = asked(
        hub
    )  # twice where VS Code had not noted yet that the test before this one closed its panel
    with hub.vscode.page.expect_navigation():
        hub.vscode.run("Developer: Reload Window")
    shown(hub)
    until(lambda: asked(hub) > before)
    keep(hub.vscode, "back")
    close(hub)
    hub.vscode.open(FILE)
    until(lambda: hub.vscode.status() == "starter")


def test_what_lies_behind_another_tab_is_not_opened_twice(hub: Window) -> None:
    without_file(hub)
    open_(hub)
    choose(hub, FILE)
    with hub.vscode.page.expect_navigation():
        hub.vscode.run("Developer: Reload Window")
    until(lambda: hub.vscode.status() == "starter")
    until(lambda: is_open(hub))
    before = asked(hub)
    hub.vscode.run("IDE-Agent: Models")
    shown(hub)
    until(lambda: asked(hub) > before)
    until(lambda: tabs(hub).count("Models") == 1)
    close(hub)
    hub.vscode.open(FILE)
    until(lambda: hub.vscode.status() == "starter")


def test_a_new_server_shows_it_again(hub: Window) -> None:
    panel = open_(hub)
    say(hub, patches=[step(1, grow("new\n"))])
    hub.vscode.run("IDE-Agent: Restart")
    expect(panel.get_by_role("log")).to_contain_text("new\n")
    until(lambda: hub.vscode.status() == "starter")


def test_who_asks_while_the_server_starts_waits_for_it(scripted: Callable[..., Window]) -> None:
    window = scripted({"hold": "later", "status": MOUNTED, "panels": {"hub": HUB}})
    window.vscode.run("IDE-Agent: Models")
    until(lambda: "IDE-Agent is starting" in window.vscode.notifications())
    assert not is_open(window)
    window.script.open_gate("later")
    shown(window)
    until(lambda: "IDE-Agent is starting" not in window.vscode.notifications())


def test_what_cannot_be_opened_is_told(hub: Window) -> None:
    hub.script.say(status=MOUNTED)
    hub.vscode.run("IDE-Agent: Models")
    until(lambda: "no panel hub" in hub.vscode.notifications())
    assert not is_open(hub)

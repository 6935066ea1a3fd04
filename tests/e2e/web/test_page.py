"""The page that shows panels to every editor that does not draw them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from support.axe import THEMES, faults
from support.gallery import ATTACK, STORM
from support.panel_host import PanelHost
from support.vscode import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Tab = Callable[..., Page]

expect.set_options(timeout=PATIENCE * 1000)


def answer(page: Page) -> Locator:
    """Where the page says what an action answered."""
    return page.locator(".notice.answer [role=status]")


def problem(page: Page) -> Locator:
    """Where the page says what went wrong."""
    return page.get_by_role("alert")


def test_every_kind_of_block_is_drawn(tab: Tab) -> None:
    page = tab()
    expect(page).to_have_title("Gallery")
    expect(page.get_by_role("heading", name="Gallery", level=1)).to_be_visible()
    expect(page.locator(".markdown strong").first).to_have_text("here")
    expect(page.locator("[data-level=error] .level")).to_have_text("Error")
    expect(page.locator(".code code")).to_contain_text("return sum(prices)")
    expect(page.locator(".diff ins", has_text="(prices)")).to_be_visible()
    models = page.get_by_role("table", name="On this machine")
    assert models.get_by_role("columnheader").all_text_contents() == ["Name", "Size", "State", "Actions"]
    assert models.get_by_role("rowheader").all_text_contents() == ["starter", "qwen-coder"]
    expect(page.get_by_text("None runs.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Longest prompt")).to_have_count(0)
    expect(page.get_by_role("spinbutton", name="Longest prompt")).to_have_value("1024")
    expect(page.get_by_role("combobox", name="Model")).to_contain_text("qwen-coder")
    expect(page.get_by_role("checkbox", name="In force")).to_be_checked()
    expect(page.get_by_role("progressbar", name="qwen-coder")).to_have_attribute("aria-valuenow", "42")
    assert page.get_by_role("progressbar", name="Looking").get_attribute("aria-valuenow") is None
    expect(page.get_by_role("img", name="Loss. training: 60 points")).to_be_visible()
    expect(page.locator(".plot canvas")).to_be_visible()
    expect(page.get_by_role("img", name="A gradient")).to_be_visible()
    expect(page.locator(".frame rect")).to_have_count(2)
    expect(page.get_by_role("log", name="What happened")).to_have_text("started")
    expect(page.get_by_role("button", name="Not now")).to_be_disabled()


def test_the_secret_leaves_the_address_and_works_once(tab: Tab, host: PanelHost) -> None:
    page = tab()
    assert "#" not in page.url
    expect(page.locator(".notice.connection [role=status]")).to_have_text("")
    link = host.link("gallery")
    page.goto("about:blank")
    page.goto(link)
    page.locator(".blocks[data-revision]").wait_for()
    other = page.context.browser.new_context().new_page() if page.context.browser else page
    other.goto(link)
    expect(problem(other)).to_contain_text("Open the panel again from your editor")
    other.context.close()


def test_a_reload_keeps_the_panel_and_what_was_typed(tab: Tab) -> None:
    page = tab()
    page.get_by_role("textbox", name="Name").fill("half")
    page.get_by_role("textbox", name="Key").fill("hush")
    page.reload()
    page.locator(".blocks[data-revision]").wait_for()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("half")
    expect(page.get_by_role("textbox", name="Key")).to_have_value("")


def test_who_has_no_session_is_told_so(tab: Tab, host: PanelHost) -> None:
    page = tab()
    page.evaluate("sessionStorage.clear()")
    page.goto(f"{host.address}/panels/gallery/page?language=tr")
    expect(problem(page)).to_contain_text("Paneli düzenleyicinizden yeniden açın.")


def test_an_action_says_what_came_of_it(tab: Tab) -> None:
    page = tab()
    page.get_by_role("button", name="Greet").click()
    event = {"action": "greet", "args": {"whom": "you"}, "block": "actions", "row": "", "values": {}}
    expect(answer(page)).to_have_text(f"Hello from greet: {json.dumps(event)}")
    page.get_by_role("button", name="Fail").click()
    expect(problem(page)).to_contain_text("fail")
    page.get_by_role("button", name="Close the message").click()
    expect(problem(page)).to_have_text("")


def test_the_focus_stays_near_what_was_removed(tab: Tab) -> None:
    page = tab()
    table = page.get_by_role("table", name="On this machine")
    yes = page.get_by_role("alertdialog").get_by_role("button", name="Remove")
    table.get_by_role("button", name="Remove, starter").press("Enter")
    yes.press("Enter")
    expect(table.get_by_role("button", name="Remove, qwen-coder")).to_be_focused()
    expect(table.get_by_role("rowheader")).to_have_text(["qwen-coder"])
    page.keyboard.press("Enter")
    yes.press("Enter")
    expect(table.get_by_role("rowheader")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_be_focused()  # no button that does something else


def test_a_form_is_sent_with_its_values(tab: Tab) -> None:
    page = tab()
    send = page.get_by_role("button", name="Add")
    send.click()
    expect(page.locator(".problem:visible")).to_have_text("This is needed.")
    expect(page.get_by_role("textbox", name="Name")).to_be_focused()
    page.keyboard.type("tests")
    page.get_by_role("spinbutton", name="Longest prompt").fill("2048")
    page.get_by_role("combobox", name="Model").select_option("starter")
    page.get_by_role("checkbox", name="In force").uncheck(force=True)
    send.click()
    values = {"globs": "*.py\n*.ts", "key": "", "model": "a", "name": "tests", "on": False, "size": 2048}
    expect(answer(page)).to_contain_text(json.dumps(values))


def test_the_keyboard_alone_suffices(tab: Tab) -> None:
    page = tab()
    remove = page.get_by_role("button", name="Remove, starter")

    def tab_to(target: Locator) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if target.evaluate("e => e === document.activeElement"):
                return
        raise AssertionError("not reached")

    tab_to(page.get_by_role("button", name="Use, starter"))
    page.keyboard.press("Enter")
    expect(answer(page)).to_contain_text('"name": "starter"')
    tab_to(remove)
    top = page.evaluate("scrollY")
    page.keyboard.press("Space")
    dialog = page.get_by_role("alertdialog", name="Remove starter?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(remove).to_be_focused()
    assert page.evaluate("scrollY") == top
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(remove).to_have_count(0)
    models = page.get_by_role("table", name="On this machine")
    expect(models.get_by_role("rowheader")).to_have_text(["qwen-coder"])


def test_the_next_key_may_come_at_once(tab: Tab) -> None:
    page = tab()
    remove = page.get_by_role("button", name="Remove, starter")
    remove.press("Enter")
    dialog = page.get_by_role("alertdialog", name="Remove starter?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    # microtasks run before whatever the browser does next
    remove.evaluate("""button => button.addEventListener("focus", async () => {
        for (let turn = 0; turn < 100; turn++) await null;
        button.click();
    }, {once: true})""")
    page.keyboard.press("Escape")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()


def test_the_focus_and_what_is_typed_outlast_patches(tab: Tab, host: PanelHost) -> None:
    page = tab()
    name = page.get_by_role("textbox", name="Name")
    name.fill("half")
    host.act("storm")
    name.press("End")
    page.keyboard.type(" done", delay=100)
    expect(page.get_by_role("log")).to_contain_text(f"line {STORM}\n")
    expect(name).to_have_value("half done")
    expect(name).to_be_focused()


def test_100_patches_a_second_arrive_in_order(tab: Tab, host: PanelHost) -> None:
    page, beside = tab(), tab()
    page.get_by_role("button", name="Storm").click()
    lines = ["started", *(f"line {number}" for number in range(1, STORM + 1))]
    for viewer in (page, beside):
        expect(viewer.get_by_role("log")).to_contain_text(f"line {STORM}\n")
        assert viewer.locator(".log pre").inner_text().split("\n")[: len(lines)] == lines
        expect(viewer.get_by_role("progressbar", name="qwen-coder")).to_have_attribute("aria-valuenow", "100")
        revision = host.state()["revision"]
        expect(viewer.locator(".blocks")).to_have_attribute("data-revision", str(revision))
        at_end = "e => e.scrollHeight - e.scrollTop - e.clientHeight < 4"
        assert viewer.get_by_role("log").evaluate(at_end)


def test_the_host_may_go_and_come_back(tab: Tab, host: PanelHost) -> None:
    page = tab()
    page.get_by_role("textbox", name="Name").fill("half")
    host.kill()
    expect(page.locator(".notice.connection [role=status]")).to_contain_text("The connection is lost")
    page.get_by_role("button", name="Greet").click()
    expect(problem(page)).to_have_text("IDE-Agent does not answer.")
    host.start()
    expect(page.locator(".notice.connection [role=status]")).to_have_text("")
    page.get_by_role("button", name="Greet").click()
    expect(answer(page)).to_contain_text("Hello")
    expect(page.get_by_role("textbox", name="Name")).to_have_value("half")


def test_another_program_at_the_port_does_not_get_the_session(tab: Tab, host: PanelHost) -> None:
    page = tab()
    asked: list[tuple[str, str | None]] = []

    class Impostor(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, self.headers.get("Authorization")))
            proof = json.dumps({"proof": "00" * 32, "session": "x"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(proof)))
            self.end_headers()
            self.wfile.write(proof)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    host.kill()
    with ThreadingHTTPServer(("127.0.0.1", urlsplit(host.address).port or 0), Impostor) as impostor:
        threading.Thread(target=impostor.serve_forever, kwargs={"poll_interval": 0.02}).start()
        try:
            expect(problem(page)).to_contain_text("Open the panel again from your editor")
            page.get_by_role("button", name="Greet").click()
            expect(problem(page)).to_contain_text("Open the panel again from your editor")
        finally:
            impostor.shutdown()
    host.start()
    assert len(asked) > 1
    assert set(asked) == {("/panels/prove", None)}


def test_nothing_in_a_panel_runs_script(tab: Tab) -> None:
    page = tab("hostile")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    expect(page).to_have_title(ATTACK)
    expect(page.locator(".block")).to_have_count(12)
    page.get_by_role("button").last.click()
    page.get_by_role("alertdialog").get_by_role("button").first.click()
    expect(answer(page)).to_have_text(ATTACK)
    for link in page.locator(".blocks a").all():
        assert (link.get_attribute("href") or "").startswith(("http:", "https:", "mailto:"))
    drawn = page.evaluate(
        "() => [...document.querySelectorAll('main *, dialog *')].flatMap((e) => [e.tagName.toLowerCase(),"
        " ...[...e.attributes].map((a) => a.name)])"
    )
    assert "script" not in drawn
    assert not [name for name in drawn if name.startswith("on")]
    expect(page.locator("main img")).to_have_count(1)
    expect(page).to_have_title(ATTACK)
    assert not [url for url in asked if "c.png" in url]


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_serious(tab: Tab, theme: str) -> None:
    page = tab(**THEMES[theme])
    page.get_by_role("button", name="Fail").click()
    expect(problem(page)).to_contain_text("fail")
    page.get_by_role("button", name="Greet").click()
    expect(answer(page)).to_contain_text("Hello")
    assert faults(page) == []
    page.get_by_role("button", name="Remove, starter").click()
    assert faults(page) == []
    page.keyboard.press("Escape")


def test_a_narrow_window_needs_no_scrolling_to_the_side(tab: Tab) -> None:
    page = tab()
    page.set_viewport_size({"width": 420, "height": 900})
    models = page.get_by_role("table", name="On this machine")
    assert models.get_by_role("rowheader").all_text_contents() == ["starter", "qwen-coder"]
    expect(models.get_by_role("columnheader")).to_have_count(4)
    sides = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert sides[0] <= sides[1]
    assert faults(page) == []


def test_a_folded_table_hides_no_row_without_a_button_that_shows_it(tab: Tab, host: PanelHost) -> None:
    page = tab()
    page.set_viewport_size({"width": 420, "height": 900})
    rows = page.get_by_role("table", name="On this machine").get_by_role("rowheader")
    host.act("rows", count=6)
    expect(rows).to_have_text([f"m{number}" for number in range(6)])
    host.act("rows", count=7)
    expect(rows).to_have_text([f"m{number}" for number in range(5)])
    page.get_by_role("button", name="Show all 7").click()
    expect(rows).to_have_text([f"m{number}" for number in range(7)])

"""Routing rules in a real VS Code by clicks and keys, the panel and the file, on a real server and host."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from ide_agent.paths import models_dir
from support.vscode import PATIENCE, VSCode, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PROGRAM = Path(sys.executable).with_name("ide-agent")
FILE = "sample.py"
HARD = """\
  # hard questions
  - name: hard
    when: {task: chat, message: (?i)refactor}
    model: starter
"""
REST = """\
  - name: rest
    model: default
"""

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    """The rules of a home whose user does not want to be asked about a model."""
    home = tmp_path / "ide-agent"
    for folder in ("config", "state"):
        (home / folder).mkdir(parents=True)
    (home / "state" / "starter-declined").touch()
    file = home / "config" / "routes.yaml"
    file.write_text(f"rules:\n{HARD}{REST}", encoding="utf-8")
    return file


@pytest.fixture
def vscode(launch: Callable[..., VSCode], routes: Path, keep: Callable[..., None]) -> Iterator[VSCode]:
    """A window on those rules, with the models of this machine."""
    homes = {"IDE_AGENT_HOME": str(routes.parent.parent), "IDE_AGENT_MODELS": str(models_dir())}
    window = launch(settings={"ideAgent.server.path": str(PROGRAM)}, env=homes)
    window.open(FILE)
    yield window
    keep(window)
    subprocess.run([PROGRAM, "host", "stop"], env=window.environment, check=True)


def test_rules_are_changed_in_the_panel_and_in_the_file(vscode: VSCode, routes: Path) -> None:
    until(vscode.status)  # its commands are there by then
    vscode.run("IDE-Agent: Routing Rules")
    panel = vscode.page.frame_locator("iframe.webview.ready").frame_locator("iframe#active-frame")
    table = panel.get_by_role("table", name="Rules, in their order")
    table.get_by_role("button", name="Down, hard").click()
    expect(table.get_by_role("rowheader")).to_have_text(["rest", "hard"])
    assert routes.read_text(encoding="utf-8") == f"rules:\n{REST}{HARD}"
    table.get_by_role("button", name="Switch off, rest").click()
    expect(table.get_by_role("button", name="Switch on, rest")).to_be_visible()
    question = panel.get_by_role("form", name="Where would a message go?")
    question.get_by_role("textbox", name="Message").fill("Please refactor this.")
    question.get_by_role("button", name="Test").click()
    verdict = panel.get_by_text("This would go to")
    expect(verdict).to_contain_text("This would go to starter, because the rule “hard” (routes.yaml, line 6)")

    panel.get_by_role("button", name="Open routes.yaml").click()
    page = vscode.page
    editor = page.locator(".monaco-editor", has_text="refactor")
    wrong = editor.locator(".squiggly-error")

    def word(text: str) -> Locator:
        return editor.locator(".view-line span", has_text=text).last

    word("chat").dblclick()
    vscode.type("chta")
    expect(wrong).to_have_count(1)
    vscode.press("F8")  # the next problem
    expect(page.locator(".zone-widget")).to_contain_text("Did you mean “chat”?")
    vscode.press("Escape")
    word("chta").dblclick()
    vscode.press("Delete", "Control+Space")
    offered = page.locator(".suggest-widget.visible .monaco-list-row")
    offered.filter(has_text="review").click()
    expect(wrong).to_have_count(0)
    word("task").hover()
    expect(page.locator(".monaco-hover:not(.hidden)").first).to_contain_text("What the request is for")
    until(lambda: "{task: review, message" in routes.read_text(encoding="utf-8"))
    page.locator(".tabs-container .tab", has_text="Routing rules").click()
    expect(table.get_by_role("row", name="hard")).to_contain_text("task: review")
    expect(verdict).to_contain_text("default model, because no rule fits")

"""The panel of routing rules in a real browser: the form, the table, the test, and a file with errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from support.host_process import clean_home
from support.panel_host import PanelHost
from support.vscode import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Tab = Callable[..., Page]
RULES = """\
# mine: do not lose this
rules:
  # hard questions
  - name: hard   # by what they say
    when: {task: chat, message: (?i)refactor}
    model: starter
"""
ENDPOINT = """\
[remote.endpoints.box]
url = "http://127.0.0.1:9/v1"
models = ["coder"]
"""
ADDED = """\
  - name: slow code
    when:
      language:
        - go
        - rust
      message: (?i)slow
    model: starter
"""

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[PanelHost]:
    """A host whose user has a rule."""
    (tmp_path / "host").mkdir()
    made = PanelHost(tmp_path / "host")
    made.environment.pop("IDE_AGENT_MODELS")
    file = rules_file(made)
    file.parent.mkdir(parents=True)
    file.write_text(RULES, encoding="utf-8")
    (file.parent / "config.toml").write_text(ENDPOINT, encoding="utf-8")
    with clean_home(made.home):
        made.start()
        yield made
        made.process.terminate()
        made.process.wait()


def rules_file(host: PanelHost) -> Path:
    return host.home / "config" / "routes.yaml"


def form(page: Page, name: str) -> Locator:
    return page.get_by_role("form", name=name)


def ask(page: Page, message: str) -> None:
    """Have a message tested."""
    question = form(page, "Where would a message go?")
    question.get_by_role("textbox", name="Message").fill(message)
    question.get_by_role("button", name="Test").click()


def test_rules_are_added_moved_switched_and_tested(tab: Tab, host: PanelHost) -> None:
    file, page = rules_file(host), tab("routes")
    table = page.get_by_role("table", name="Rules, in their order")
    expect(table.get_by_role("rowheader")).to_have_text(["hard"])

    new = form(page, "A new rule")
    new.get_by_role("textbox", name="Name").fill("slow code")
    expect(new.locator("datalist option[value='box/coder']")).to_have_count(2)  # as model, as a fallback
    new.get_by_role("combobox", name="Model").fill("starter")
    new.get_by_role("textbox", name="Language").fill("go, rust")
    new.get_by_role("textbox", name="Expression in the message (RE2)").fill("(?i)slow")
    new.get_by_role("button", name="Add").click()
    expect(table.get_by_role("rowheader")).to_have_text(["hard", "slow code"])
    assert file.read_text(encoding="utf-8") == RULES + ADDED
    expect(new.get_by_role("combobox", name="Model")).to_have_value("")
    for name in ("Name", "Language", "Expression in the message (RE2)"):
        expect(new.get_by_role("textbox", name=name)).to_have_value("")
    new.get_by_role("textbox", name="Name").fill("hard")  # there is one
    new.get_by_role("combobox", name="Model").fill("starter")
    new.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).not_to_have_text("")
    expect(new.get_by_role("textbox", name="Name")).to_have_value("hard")

    table.get_by_role("button", name="Up, slow code").press("Enter")
    expect(table.get_by_role("rowheader")).to_have_text(["slow code", "hard"])
    expect(table.get_by_role("button", name="Up, slow code")).to_be_disabled()
    expect(table.get_by_role("button", name="Down, slow code")).to_be_focused()
    head, rest = RULES.split("rules:\n")
    assert file.read_text(encoding="utf-8") == f"{head}rules:\n{ADDED}{rest}"

    ask(page, "Please refactor this.")
    sentence = page.get_by_text("This would go to")
    expect(sentence).to_contain_text("This would go to starter, because the rule “hard” (routes.yaml, line")
    expect(sentence).to_contain_text("the message fits /(?i)refactor/")
    table.get_by_role("button", name="Switch off, hard").click()
    expect(table.get_by_role("button", name="Switch on, hard")).to_be_visible()
    assert "  - name: hard   # by what they say\n    enabled: false\n" in file.read_text(encoding="utf-8")
    ask(page, "Please refactor this.")
    expect(sentence).to_contain_text("This would go to the default model, because no rule fits")


def test_a_file_with_errors_says_where_until_it_is_repaired(tab: Tab, host: PanelHost) -> None:
    file, page = rules_file(host), tab("routes")
    table = page.get_by_role("table", name="Rules, in their order")
    remove = table.get_by_role("button", name="Remove, hard")
    expect(remove).to_be_visible()
    file.write_text(RULES.replace("task: chat", "task: chta"), encoding="utf-8")
    problems = page.locator("[data-level=error]")
    expect(problems).to_contain_text("The last good rules stay in force")
    told = [re.compile("^Line 5: “task” .*“chat”"), re.compile("^Line .*starter")]
    expect(problems.get_by_role("listitem")).to_have_text(told)
    expect(table.get_by_role("rowheader")).to_have_text(["hard"])
    expect(remove).to_have_count(0)
    ask(page, "Please refactor this.")
    expect(page.get_by_text("This would go to")).to_contain_text("the rule “hard”")
    file.write_text(RULES, encoding="utf-8")
    expect(problems).to_have_count(0)
    expect(remove).to_be_visible()

"""The panel of rules."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ide_agent.config import RemoteEndpoint
from ide_agent.errors import PanelError, RoutesError
from ide_agent.features.routing import panel as panel_module
from ide_agent.features.routing.drawing import add_form
from ide_agent.features.routing.service import RulesFile
from ide_agent.host.services import Services
from ide_agent.inference.routing.reading import Reading, read
from ide_agent.panels import Caution, Panel, PanelEvent
from ide_agent.panels.blocks import FormBlock, TableBlock, TextBlock

RULES = """# mine
rules:
  # about a
  - name: a
    when: {task: chat, message: x}
    model: coder
  - name: b
    model: starter
"""


@pytest.fixture(params=["en", "tr"])
async def panel(
    services: Services, file: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Panel]:
    monkeypatch.setattr(panel_module, "_LOOK_SECONDS", 0.01)
    file.write_text(RULES)
    panel_module.register(services)
    yield await services.panels.open("routes", request.param)
    await services.panels.close()


def block(panel: Panel, id: str) -> Any:
    return next((block for block in panel.state.blocks if block.id == id), None)


def table(panel: Panel) -> list[tuple[str, str]]:
    found = block(panel, "rules")
    assert isinstance(found, TableBlock)
    return [(row.cells["name"], row.cells["model"]) for row in found.rows]


async def press(panel: Panel, row: int, action: str) -> str:
    found = block(panel, "rules").rows[row]
    button = next(each for each in found.actions if each.name == action)
    assert button.enabled
    return await panel.act(PanelEvent(action=action, args=button.args))


async def submit(panel: Panel, form: str, **values: Any) -> str:
    found = block(panel, form)
    assert isinstance(found, FormBlock)
    assert set(values) <= {field.name for field in found.fields}
    return await panel.act(PanelEvent(action=found.submit.name, args=found.submit.args, values=values))


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


async def test_rules_are_moved_switched_and_removed(panel: Panel, file: Path) -> None:
    assert table(panel) == [("a", "coder"), ("b", "starter")]
    await press(panel, 0, "down")
    assert table(panel) == [("b", "starter"), ("a", "coder")]
    await press(panel, 1, "up")
    assert file.read_text() == RULES
    await press(panel, 0, "disable")
    assert "enabled: false" in file.read_text()
    await press(panel, 0, "enable")
    await press(panel, 1, "remove")
    assert table(panel) == [("a", "coder")]
    assert file.read_text().startswith("# mine\nrules:\n  # about a\n")


async def test_the_first_cannot_go_up_nor_the_last_down(panel: Panel) -> None:
    found = block(panel, "rules")
    enabled = [{each.name: each.enabled for each in row.actions} for row in found.rows]
    assert [(each["up"], each["down"]) for each in enabled] == [(False, True), (True, False)]


def test_a_new_rule_is_shown_models_of_this_machine_before_apis() -> None:
    models = ["z", "coder", *(f"api{n}/" for n in range(9))]
    fields = {field.name: field for field in add_form(models, "s", "en").fields}
    assert fields["model"].hint == "coder, z, api0/, api1/, api2/"


async def test_a_rule_is_added(panel: Panel, file: Path) -> None:
    await submit(
        panel,
        "add",
        name="new",
        model="starter",
        fallbacks="coder, default",
        task="review",
        language="go, rust",
        path="src/**",
        message="(?i)slow",
        private=True,
        max_tokens=100,
    )
    assert table(panel)[-1] == ("new", "starter")
    assert block(panel, "problems").level == "warning"  # b catches all
    written = file.read_text()[len(RULES) :]
    for part in (
        "task: review",
        "- go",
        "message: (?i)slow",
        "privacy: private",
        "- coder",
        "max_tokens: 100",
    ):
        assert part in written
    await submit(
        panel, "add", name="least", model="starter", task="", language="", max_tokens="", private=False
    )
    assert file.read_text().endswith("  - name: least\n    model: starter\n")
    with pytest.raises(RoutesError):
        await submit(panel, "add", name="least", model="starter")
    with pytest.raises(RoutesError):
        await submit(panel, "add", name="wrong", model="starter", message="(")


async def test_a_message_is_tested(panel: Panel) -> None:
    await submit(panel, "test", message="x", task="chat", language="", path="", private=False)
    verdict = block(panel, "verdict")
    assert isinstance(verdict, TextBlock)
    assert verdict.level == "info"  # nothing was done
    assert "coder" in verdict.markdown and "“a”" in verdict.markdown
    await submit(panel, "test", message="y")
    assert "“b”" in block(panel, "verdict").markdown


async def test_what_was_tested_follows_the_rules(panel: Panel, file: Path) -> None:
    await submit(panel, "test", message="y", task="chat")
    assert block(panel, "verdict").markdown.startswith("**y** · ")
    file.write_text("rules:\n  - name: newest\n    model: coder\n")
    await until(lambda: "“newest”" in block(panel, "verdict").markdown)
    await submit(panel, "test", message="a\n" + "b" * 100)
    assert block(panel, "verdict").markdown.startswith("**a " + "b" * 78 + "…**")


async def test_the_file_is_begun_where_there_is_none_and_named(panel: Panel, file: Path) -> None:
    before = file.read_text()
    assert str(file) in await panel.act(PanelEvent(action="edit"))
    assert file.read_text() == before
    file.unlink()
    await panel.act(PanelEvent(action="edit"))
    assert read(file.read_text()).problems == ()
    assert block(panel, "rules").rows == []
    await submit(panel, "add", name="first", model="starter")
    assert [rule.name for rule in read(file.read_text()).routes.rules] == ["first"]


async def test_a_model_that_is_not_here_is_told_of_when_a_rule_is_added_and_tested(panel: Panel) -> None:
    assert "coder" not in await submit(panel, "add", name="good", model="coder", message="zzz")
    told = await submit(panel, "add", name="new", model="nothing-here")
    assert "“new”" in told and "nothing-here" not in told  # the warning above the rules says what
    assert block(panel, "problems").markdown.replace("\\", "").count("nothing-here") == 1
    await press(panel, 1, "remove")  # which fits all
    await submit(panel, "test", message="y")
    assert "ide-agent models pull nothing-here" in block(panel, "verdict").markdown.replace("\\", "")


async def test_a_file_that_was_changed_underneath_is_shown_not_overwritten(panel: Panel, file: Path) -> None:
    old = block(panel, "rules").rows[0].actions[1]
    file.write_text("rules:\n  - name: a\n    model: other\n  - name: c\n    model: m\n")
    with pytest.raises(RoutesError) as caught:
        await panel.act(PanelEvent(action="down", args=old.args))
    assert caught.value.key_used == "error.routes.changed"
    assert table(panel) == [("a", "other"), ("c", "m")]


async def test_a_broken_file_shows_its_errors_and_the_last_good_rules(panel: Panel, file: Path) -> None:
    file.write_text(RULES.replace("model: coder", "modle: coder"))
    await until(lambda: block(panel, "problems") is not None)
    problems = block(panel, "problems")
    assert problems.level == "error"
    assert "6" in problems.markdown and "modle" in problems.markdown
    assert table(panel) == [("a", "coder"), ("b", "starter")]
    assert all(not row.actions for row in block(panel, "rules").rows)
    with pytest.raises(RoutesError) as caught:
        await submit(panel, "add", name="n", model="m")
    assert caught.value.key_used == "error.routes.mend"
    assert str(file) in caught.value.message(panel.language)
    file.write_text(RULES)
    await until(lambda: block(panel, "problems") is None)


async def test_without_a_file_it_begins_one(panel: Panel, file: Path) -> None:
    file.unlink()
    await until(lambda: table(panel) == [])
    await submit(panel, "add", name="n", model="starter")
    assert file.read_text() == "rules:\n  - name: n\n    model: starter\n"


async def test_an_action_without_a_name_is_refused(panel: Panel) -> None:
    with pytest.raises(PanelError):
        await panel.act(PanelEvent(action="up"))


async def test_a_file_that_nobody_changed_is_read_once(
    panel: Panel, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    readings: list[str] = []
    load, read = RulesFile.load, panel_module.read

    def looked(self: RulesFile) -> tuple[str, str]:
        found = load(self)
        looks.append(found[0])
        return found

    def reading(text: str, *args: Any) -> Reading:
        readings.append(text)
        return read(text, *args)

    monkeypatch.setattr(RulesFile, "load", looked)
    monkeypatch.setattr(panel_module, "read", reading)
    await until(lambda: len(looks) > 5)
    assert readings == []
    file.write_text(RULES.replace("coder", "starter"))
    await until(lambda: table(panel)[0] == ("a", "starter"))
    looks.clear()
    await until(lambda: len(looks) > 5)
    assert len(readings) == 1


async def test_a_line_number_is_no_list(panel: Panel, file: Path) -> None:
    file.write_text("rules:\n  - name: a\n    model: nobody\n")
    await until(lambda: block(panel, "problems") is not None)
    assert re.search(r"^- (Line 3:|3\\\. satır:) ", block(panel, "problems").markdown)


async def test_columns_in_which_nothing_stands_are_left_out(panel: Panel, file: Path) -> None:
    def columns() -> list[str]:
        return [column.key for column in block(panel, "rules").columns]

    assert columns() == ["name", "when", "model"]
    file.write_text(RULES + "    enabled: false\n    fallbacks: coder\n    limits: {max_tokens: 3}\n")
    await until(lambda: len(columns()) == 6)
    long = "x" * 100
    file.write_text(f"rules: [{{name: a, model: m, when: {{message: {long}}}}}]")
    await until(lambda: len(columns()) == 3)
    assert block(panel, "rules").rows[0].cells["when"] == f"message: /{'x' * 60}…/"


async def test_a_new_rule_has_its_models_suggested_and_is_asked_for_anew(
    panel: Panel, services: Services
) -> None:
    endpoints = {
        "box": RemoteEndpoint.model_validate({"url": "http://127.0.0.1:9/v1", "models": ["qwen"]}),
        "other": RemoteEndpoint.model_validate({"url": "http://127.0.0.1:9/v1"}),
    }
    services.remotes.settings.endpoints.update(endpoints)
    await submit(panel, "test", message="x")
    await press(panel, 0, "down")  # which draws it
    form = block(panel, "add")
    suggested = {each.value for each in form.fields[1].choices}
    assert {"box/qwen", "starter"} <= suggested
    assert "box/" not in suggested
    assert form.clears
    assert not block(panel, "test").clears


async def test_a_rule_for_a_model_that_is_not_here_warns_and_leads_to_the_models(
    panel: Panel, file: Path
) -> None:
    file.write_text("rules: []\n")
    await until(lambda: table(panel) == [])
    assert not isinstance(await submit(panel, "add", name="fine", model="starter"), Caution)
    assert block(panel, "models") is None
    said = await submit(panel, "add", name="odd", model="nobody", fallbacks="nobody2, starter", task="chat")
    assert isinstance(said, Caution)
    assert "“odd”" in said and "nobody" not in said  # the warning above the rules says what
    assert "nobody2" in block(panel, "problems").markdown
    [button] = block(panel, "models").actions
    assert "ide-agent panel hub" in await panel.act(PanelEvent(action=button.name))
    await press(panel, 1, "disable")
    assert "“odd”" in await press(panel, 1, "enable")
    await press(panel, 1, "remove")
    assert block(panel, "models") is None


async def test_what_nothing_here_runs_is_not_suggested(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    def suggested(name: str) -> set[str]:
        fields = {field.name: field for field in block(panel, "add").fields}
        return {choice.value for choice in fields[name].choices}

    assert suggested("model") == {"coder", "starter"}
    assert suggested("fallbacks") == {"coder", "starter", "default"}
    monkeypatch.setattr(panel_module, "runnable", lambda settings: frozenset())
    await until(lambda: suggested("model") == set())

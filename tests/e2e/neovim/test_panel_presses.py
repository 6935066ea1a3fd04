"""What pressing means in a panel that changes, and the one window that panels share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .test_panels import BAR, HUB, PULL, REMOVE, STOP, TABLE, open_hub, patch

if TYPE_CHECKING:
    from .conftest import Session

pytestmark = pytest.mark.e2e

ABOUT = {"name": "about", "label": "Details", "args": {}}
ROUTES: dict[str, Any] = {**HUB, "id": "routes@en", "title": "Rules"}
CHANGED = "what stands under the cursor has just changed"


def rows(*named: str, actions: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """Rows of a table, one button each unless said otherwise."""
    return [
        {"id": name, "cells": {"name": name, "size": "1 MB"}, "actions": actions or [PULL]} for name in named
    ]


def offers(*named: str, **more: Any) -> dict[str, Any]:
    """A table of what can be had."""
    return {**TABLE, "id": "offers", "title": "To be had", "rows": rows(*named, **more)}


def here(*named: str) -> dict[str, Any]:
    """A table of what is here."""
    return {**TABLE, "rows": rows(*named, actions=[REMOVE])}


def line(session: Session) -> str:
    """The line under the cursor."""
    return str(session.nvim.lua("return vim.api.nvim_get_current_line()"))


def pressed(session: Session) -> list[tuple[str, str]]:
    """What was pressed in which row."""
    return [(entry["event"]["row"], entry["event"]["action"]) for entry in session.log("press")]


def test_the_cursor_goes_with_its_row_into_another_table(session: Session) -> None:
    came = [
        {"op": "set", "block": here("a"), "before": ""},
        {"op": "set", "block": offers("b"), "before": ""},
    ]
    first = {"hub": {**HUB, "blocks": [here(), offers("a", "b")]}}
    open_hub(session, panels=first, patches=[patch(4, *came, gate="came")])
    session.nvim.type("/^a \r")
    session.open_gate("came")
    session.nvim.until(lambda: "[R] Remove" in session.nvim.text())
    assert line(session).startswith("a ")
    assert "[R] Remove" in next(shown for shown in session.nvim.lines() if shown.startswith(" a "))


@pytest.mark.parametrize("key", ["\r", "p"])
def test_a_row_that_came_under_the_cursor_is_not_pressed_at_once(session: Session, key: str) -> None:
    gone = {"op": "set", "block": offers("b", "c"), "before": ""}
    first = {"hub": {**HUB, "blocks": [offers("a", "b", "c")]}}
    open_hub(session, panels=first, patches=[patch(4, gone, gate="gone")], presses={"pull": {"message": "x"}})
    nvim = session.nvim
    nvim.type("/^a \r")
    nvim.until(lambda: line(session).startswith("a "))
    session.open_gate("gone")
    nvim.until(lambda: line(session).startswith("b "))
    nvim.type(key)
    session.says(CHANGED)
    assert pressed(session) == []
    nvim.type(key)
    nvim.until(lambda: pressed(session) == [("b", "pull")])


def test_who_moves_on_presses_what_he_went_to(session: Session) -> None:
    gone = {"op": "set", "block": offers("b", "c"), "before": ""}
    first = {"hub": {**HUB, "blocks": [offers("a", "b", "c")]}}
    open_hub(session, panels=first, patches=[patch(4, gone, gate="gone")])
    session.nvim.type("/^a \r")
    session.nvim.until(lambda: line(session).startswith("a "))
    session.open_gate("gone")
    session.nvim.until(lambda: line(session).startswith("b "))
    session.nvim.type("j\r")
    session.nvim.until(lambda: pressed(session) == [("c", "pull")])


def test_a_button_that_became_another_is_not_pressed_at_once(session: Session) -> None:
    go_on = {"name": "resume", "label": "Go on", "args": {}}
    other = {"op": "set", "block": {**BAR, "actions": [go_on]}, "before": ""}
    first = {"hub": {**HUB, "blocks": [BAR]}}
    open_hub(session, panels=first, patches=[patch(4, other, gate="other")])
    session.nvim.type("/Stop\r")
    session.open_gate("other")
    session.nvim.until(lambda: "Go on" in session.nvim.text())
    session.nvim.type("\r")
    session.says(CHANGED)
    session.nvim.type("\r")
    session.nvim.until(lambda: pressed(session) == [("", "resume")])


def test_what_is_drawn_anew_and_stays_is_pressed(session: Session) -> None:
    further = {"op": "set", "block": {**BAR, "percent": 75.5, "actions": [STOP]}, "before": ""}
    first = {"hub": {**HUB, "blocks": [BAR, offers("a", "b")]}}
    open_hub(session, panels=first, patches=[patch(4, further, gate="further")])
    session.nvim.type("/^b \r")
    session.open_gate("further")
    session.nvim.until(lambda: "75 %" in session.nvim.text())
    session.nvim.type("\r")
    session.nvim.until(lambda: pressed(session) == [("b", "pull")])


def test_a_row_with_several_buttons_lets_the_user_choose(session: Session) -> None:
    open_hub(session, panels={"hub": {**HUB, "blocks": [offers("a", actions=[PULL, ABOUT])]}})
    session.nvim.type("/^a \r\r")
    session.nvim.until(lambda: "2: Details" in session.nvim.text())
    assert pressed(session) == []
    session.nvim.type("2\r")
    session.nvim.until(lambda: pressed(session) == [("a", "about")])


def test_panels_share_a_window_and_q_goes_back_to_where_the_user_was(session: Session) -> None:
    session.script({"panels": {"hub": HUB, "routes": ROUTES}})
    session.start(content="x = 1\n", init="vim.o.equalalways = false")
    nvim = session.nvim
    nvim.type(":vsplit other.py\r")
    before = nvim.lua("return vim.api.nvim_get_current_win()")
    wins = "return #vim.api.nvim_tabpage_list_wins(0)"
    for name in ("models", "routes", "models"):
        nvim.type(f":IdeAgent {name}\r")
        title = {"models": "Models", "routes": "Rules"}[name]
        nvim.until(lambda title=title: nvim.buffer()[0] == title)
        assert nvim.lua(wins) == 3
        assert nvim.lua("return vim.wo.number") is False
    assert session.log("close", panel="routes@en")
    nvim.type("q")
    nvim.until(lambda: nvim.lua(wins) == 2)
    assert nvim.lua("return vim.api.nvim_get_current_win()") == before
    nvim.type(":IdeAgent models\r")
    nvim.until(lambda: nvim.buffer()[0] == "Models")
    nvim.type("\x17k")  # back to a file, and to the panel by its command
    nvim.until(lambda: nvim.buffer()[0] != "Models")
    nvim.type(":IdeAgent models\r")
    nvim.until(lambda: nvim.buffer()[0] == "Models")
    assert nvim.lua(wins) == 3

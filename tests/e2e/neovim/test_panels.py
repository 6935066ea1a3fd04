"""Panels in a real Neovim: drawn, kept up to date, driven by keys."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Session

pytestmark = pytest.mark.e2e

PULL = {"name": "pull", "label": "Download", "style": "primary", "args": {"name": "tiny"}}
REMOVE = {"name": "remove", "label": "Remove", "style": "danger", "confirm": "Remove starter (92 MB)?"}
TABLE: dict[str, Any] = {
    "kind": "table",
    "id": "models",
    "title": "On this computer",
    "empty": "",
    "columns": [
        {"key": "name", "label": "Name", "align": "start"},
        {"key": "size", "label": "Size", "align": "end"},
    ],
    "rows": [
        {"id": "starter", "cells": {"name": "starter", "size": "92 MB"}, "actions": [REMOVE]},
        {"id": "tiny", "cells": {"name": "tiny", "size": "5 MB"}, "actions": [PULL]},
    ],
}
STOP = {"name": "stop", "label": "Stop", "args": {"name": "tiny"}}
HUB: dict[str, Any] = {
    "id": "hub@en",
    "title": "Models",
    "language": "en",
    "revision": 3,
    "blocks": [
        {"kind": "text", "id": "about", "markdown": "Models run **here**.", "level": "info"},
        TABLE,
        {"kind": "actions", "id": "more", "actions": [{"name": "refresh", "label": "Refresh", "args": {}}]},
    ],
}
BAR = {
    "kind": "progress",
    "id": "pull.tiny",
    "label": "tiny",
    "percent": 50,
    "detail": "1 MB/s",
    "actions": [STOP],
}


def patch(revision: int, *ops: dict[str, Any], gate: str | None = None) -> dict[str, Any]:
    """A step of a script."""
    return {"gate": gate, "patch": {"id": "hub@en", "revision": revision, "ops": list(ops)}}


def shown(session: Session) -> list[str]:
    """The lines of the panel."""
    lines: list[str] = session.nvim.lua(
        "return vim.api.nvim_buf_get_lines(vim.fn.bufnr('ide-agent://hub@en'), 0, -1, false)"
    )
    return lines


def open_hub(session: Session, **script: Any) -> None:
    """Open the panel by its command; the cursor is in it."""
    session.script({"panels": {"hub": HUB}, **script})
    session.start(content="x = 1\n")
    session.nvim.type(":IdeAgent models\r")
    session.nvim.until(lambda: session.nvim.lua("return vim.bo.filetype") == "ide_agent_panel")


def test_the_server_is_told_that_panels_are_drawn_here(session: Session) -> None:
    session.start()
    assert session.log("initialize")[0]["experimental"]["ideAgent"]["panels"] is True


def test_a_panel_is_drawn_and_its_row_is_pressed(session: Session) -> None:
    open_hub(session, presses={"pull": {"message": "tiny is on its way"}})
    assert shown(session) == [
        "Models",
        "",
        "Models run here.",
        "",
        "On this computer",
        "Name      Size",
        "──────────────",
        "starter  92 MB",
        "tiny      5 MB",
        "",
        "[r] Refresh",
        "",
    ]
    session.nvim.type("/tiny\r")
    session.nvim.until(lambda: session.nvim.sees(" tiny      5 MB   [d] Download"))
    session.nvim.type("\r")
    session.says("IDE-Agent: tiny is on its way")
    event = {"action": "pull", "block": "models", "row": "tiny", "args": {"name": "tiny"}, "values": {}}
    assert [entry["event"] for entry in session.log("press", panel="hub@en")] == [event]


def test_changes_are_drawn_where_they_belong_and_the_cursor_stays(session: Session) -> None:
    started = {"op": "set", "block": BAR, "before": "models"}
    further = {"op": "set", "block": {**BAR, "percent": 75.5}, "before": ""}
    gone = {"op": "remove", "id": "pull.tiny"}
    patches = [patch(4, started, gate="a"), patch(5, further, gate="b"), patch(6, gone, gate="c")]
    open_hub(session, patches=patches)
    session.nvim.type("/tiny\r")
    session.open_gate("a")
    session.nvim.until(lambda: "50 %" in session.nvim.text())
    assert shown(session)[4:8] == ["tiny", "█" * 20 + "░" * 20 + "  50 %  1 MB/s", "[s] Stop", ""]
    assert session.nvim.lua("return vim.api.nvim_get_current_line()") == "tiny      5 MB"
    session.open_gate("b")
    session.nvim.until(lambda: "75 %" in session.nvim.text())
    session.nvim.type("s")
    session.nvim.until(lambda: session.log("press"))
    assert session.log("press")[0]["event"]["args"] == {"name": "tiny"}
    session.open_gate("c")
    session.nvim.until(lambda: "75 %" not in session.nvim.text())
    assert session.nvim.lua("return vim.api.nvim_get_current_line()") == "tiny      5 MB"


def test_what_does_harm_is_asked_about_first(session: Session) -> None:
    open_hub(session, presses={"remove": {"error": "starter is in use"}})
    session.nvim.type("/starter\r\r")
    session.nvim.until(lambda: "Remove starter (92 MB)?" in session.nvim.text())
    session.nvim.type("2\r")
    session.nvim.until(lambda: session.nvim.mode() == "n")
    assert session.log("press") == []
    session.nvim.type("R")
    session.nvim.until(lambda: "Remove starter (92 MB)?" in session.nvim.text())
    session.nvim.type("1\r")
    session.says("IDE-Agent: starter is in use")
    assert len(session.log("press")) == 1


def test_tab_goes_from_one_button_to_the_next_and_around(session: Session) -> None:
    open_hub(session)
    at = "return vim.api.nvim_get_current_line()"
    for key, line in [
        ("\t", "starter  92 MB"),
        ("\t", "tiny      5 MB"),
        ("\t", "[r] Refresh"),
        ("\t", "starter  92 MB"),
        ("\x1b[Z", "[r] Refresh"),
    ]:
        session.nvim.type(key)
        session.nvim.until(lambda line=line: session.nvim.lua(at) == line)
    session.nvim.type("\r")
    session.nvim.until(lambda: session.log("press"))
    assert session.log("press")[0]["event"]["action"] == "refresh"


def test_who_missed_a_change_asks_for_the_whole(session: Session) -> None:
    late = {"op": "title", "title": "Late"}
    open_hub(session, patches=[patch(9, late, gate="gap")])
    whole = copy.deepcopy(HUB)
    whole.update(title="Whole", revision=9)
    session.script({"panels": {"hub": whole}})
    session.open_gate("gap")
    session.nvim.until(lambda: shown(session)[0] == "Whole")
    assert len(session.log("command", command="ideAgent.panels.open")) == 2


def test_closing_the_buffer_tells_the_server(session: Session) -> None:
    open_hub(session)
    session.nvim.type("q")
    session.nvim.until(lambda: session.log("close", panel="hub@en"))
    assert session.nvim.buffer() == ["x = 1"]
    session.nvim.type(":IdeAgent panel hub\r")
    session.nvim.until(lambda: session.nvim.lua("return vim.bo.filetype") == "ide_agent_panel")
    session.nvim.type(":bwipeout\r")
    session.nvim.until(lambda: len(session.log("close")) == 2)

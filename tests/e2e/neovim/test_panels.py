"""Panels in a real Neovim: drawn, kept up to date, driven by keys."""

from __future__ import annotations

import copy
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.gallery import blocks

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
    session.nvim.until(lambda: session.nvim.sees(" tiny      5 MB  [p] Download"))
    session.nvim.type("\r")
    session.says("IDE-Agent: tiny is on its way")
    event = {"action": "pull", "block": "models", "row": "tiny", "args": {"name": "tiny"}, "values": {}}
    assert [entry["event"] for entry in session.log("press", panel="hub@en")] == [event]


def test_a_file_opens_beside_the_panel(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text("rules: []\n")
    open_hub(session, presses={"refresh": {"shows": file.as_uri()}})
    nvim = session.nvim

    def names() -> list[str]:
        names: list[str] = nvim.lua(
            "return vim.tbl_map(function(win) return vim.fn.bufname(vim.api.nvim_win_get_buf(win)) end,"
            " vim.api.nvim_tabpage_list_wins(0))"
        )
        return sorted(Path(name).name if "ide-agent:" not in name else "panel" for name in names)

    for before, after in (
        (["a.py", "panel"], ["panel", "routes.yaml"]),
        (["panel"], ["panel", "routes.yaml"]),
    ):
        assert names() == before
        nvim.type("/Refresh\r\r")
        nvim.until(lambda: nvim.lua("return vim.fn.expand('%:t')") == "routes.yaml")
        assert names() == after
        nvim.type(":q\r")
        nvim.until(lambda: nvim.lua("return vim.bo.filetype") == "ide_agent_panel")


def test_a_warning_is_told_as_one(session: Session) -> None:
    open_hub(session, presses={"pull": {"message": "It is not here.", "level": "warning"}})
    nvim = session.nvim
    nvim.lua("vim.notify = function(text, level) _G.told = { text, level } end")
    nvim.type("/tiny\r\r")
    nvim.until(lambda: nvim.lua("return _G.told") == ["IDE-Agent: It is not here.", 3])


def test_buttons_for_which_a_row_has_no_room_are_in_sight_wherever_it_stands(session: Session) -> None:
    wide = {"name": "wide", "label": "Have a look at all there is to see", "args": {}}
    cells = [{"name": f"model-{at}-{'long' * 16}", "size": "1 MB"} for at in range(60)]
    rows = [{"id": f"m{at}", "cells": each, "actions": [wide, REMOVE]} for at, each in enumerate(cells)]
    open_hub(session, panels={"hub": {**HUB, "blocks": [{**TABLE, "rows": rows}]}})
    nvim = session.nvim

    def stands_in() -> int:
        line: int = nvim.lua("return vim.fn.line('.')")
        return line

    def in_sight() -> bool:
        row, lines = nvim.lua("return vim.api.nvim_get_current_line()"), nvim.lines()
        at = next((at for at, line in enumerate(lines) if line.strip() == row), len(lines))
        return any("] Have a look at all there is to see" in line for line in lines[at + 1 : at + 2])

    for key in "Ljj":  # the last line in sight, and those below
        before = stands_in()
        nvim.type(key)
        nvim.until(lambda before=before: stands_in() > before and in_sight())


def test_every_kind_of_block_is_drawn(session: Session) -> None:
    gallery = [block.model_dump(mode="json") for block in blocks()]
    open_hub(session, panels={"hub": {**HUB, "blocks": gallery}})
    session.nvim.type(":only\r")
    lines = shown(session)
    assert not [line for line in lines if "cannot show" in line]
    for kind, found in {
        "text": "✗ The download failed.",
        "table": "qwen-coder  1.1 GB  ready",
        "form": "[✓]",
        "progress": " 42 %",
        "chart": "━━ training 0.5797   ━━ evaluation 0.8516",
        "image": "PNG, 320 × 160",
        "code": "  def total(prices):",
        "diff": "shop/prices.py  +5 −4",
        "log": "│ started",
        "actions": "[-] Not now",
    }.items():
        assert any(found in line for line in lines), kind
    session.nvim.type("G")
    session.nvim.until(lambda: " │ started" in session.nvim.lines())


def test_changes_are_drawn_where_they_belong_and_the_cursor_stays(session: Session) -> None:
    started = {"op": "set", "block": BAR, "before": "models"}
    further = {"op": "set", "block": {**BAR, "percent": 75.5}, "before": ""}
    gone = {"op": "remove", "id": "pull.tiny"}
    patches = [patch(4, started, gate="a"), patch(5, further, gate="b"), patch(6, gone, gate="c")]
    open_hub(session, patches=patches)
    session.nvim.type("/tiny\r")
    session.open_gate("a")
    session.nvim.until(lambda: "50 %" in session.nvim.text())
    half = "█" * 19 + "▌" + "░" * 19  # of 39 signs, two fifths of the window
    assert shown(session)[4:8] == ["tiny", half + "  50 %  1 MB/s", "[s] Stop", ""]
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


def test_a_letter_stays_with_its_action(session: Session) -> None:
    def bar(name: str, *actions: dict[str, Any]) -> dict[str, Any]:
        return {"op": "set", "block": {**BAR, "id": f"pull.{name}", "actions": list(actions)}, "before": ""}

    other = {"name": "ss", "label": "Other", "args": {}}
    patches = [
        patch(4, bar("tiny", STOP), gate="a"),
        patch(5, {"op": "remove", "id": "pull.tiny"}, bar("new", other), gate="b"),
        patch(6, bar("more", STOP), gate="c"),
    ]
    open_hub(session, patches=patches)
    session.nvim.type(":only\r")
    session.open_gate("a")
    session.nvim.until(lambda: "[s] Stop" in session.nvim.text())
    session.open_gate("b")
    session.nvim.until(lambda: "] Other" in session.nvim.text())
    assert "[s]" not in session.nvim.text()
    session.nvim.type("s")
    session.says("[s] is “Stop”, which is not on offer here now")
    session.open_gate("c")
    session.nvim.until(lambda: "[s] Stop" in session.nvim.text())
    assert session.log("press") == []
    session.nvim.type("s")
    session.nvim.until(lambda: session.log("press"))
    assert session.log("press")[0]["event"]["action"] == "stop"


def test_what_a_press_adds_far_away_comes_into_view(session: Session) -> None:
    rows = [
        {"id": f"m{at}", "cells": {"name": f"m{at}", "size": "1 MB"}, "actions": [PULL]} for at in range(60)
    ]
    added = {"op": "set", "block": {**BAR, "label": "Here it is"}, "before": "models"}
    open_hub(
        session,
        panels={"hub": {**HUB, "blocks": [{**TABLE, "rows": rows}]}},
        patches=[patch(4, added, gate="added")],
        presses={"pull": {"message": "", "gate": "answer"}},
    )
    session.nvim.type("G/^m59\rp")
    session.nvim.until(lambda: session.log("press"))
    session.open_gate("added")
    session.nvim.until(lambda: any(line.strip() == "Here it is" for line in session.nvim.lines()))


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


def test_the_buffer_is_drawn_again_and_again_as_before(session: Session) -> None:
    open_hub(session)
    before = shown(session)
    session.nvim.type(":set modifiable\rdG:edit\r")
    session.nvim.until(lambda: shown(session) == before)
    session.nvim.type("/tiny\r\r")
    session.nvim.until(lambda: session.log("press"))


def test_keys_and_letters_are_told(session: Session) -> None:
    open_hub(session)
    session.nvim.type("/tiny\r?")
    session.nvim.until(lambda: "Download: tiny" in session.nvim.text())
    assert "fill in the field" in session.nvim.text()
    session.nvim.type("p")
    session.nvim.until(lambda: session.log("press"))
    assert session.log("press")[0]["event"]["row"] == "tiny"
    assert "Download: tiny" not in session.nvim.text()


def test_a_row_of_several_buttons_has_one_chosen(session: Session) -> None:
    rows = [{"id": "a", "cells": {"name": "a"}, "actions": [{**PULL, "style": "normal"}, STOP]}]
    panel = {**HUB, "blocks": [{**TABLE, "rows": rows}]}
    open_hub(session, panels={"hub": panel})
    session.nvim.type("\t\r")
    session.nvim.until(lambda: "2: Stop" in session.nvim.text())
    session.nvim.type("2\r")
    session.nvim.until(lambda: session.log("press"))
    assert session.log("press")[0]["event"]["action"] == "stop"


def test_pressing_twice_is_doing_once(session: Session) -> None:
    open_hub(session, presses={"refresh": {"message": "done", "gate": "slow"}})
    session.nvim.type("rrr")
    session.nvim.until(lambda: session.log("press"))
    session.open_gate("slow")
    session.says("IDE-Agent: done")
    session.nvim.type("r")
    session.nvim.until(lambda: len(session.log("press")) == 2)


FORM: dict[str, Any] = {
    "kind": "form",
    "id": "rule",
    "title": "Rule",
    "fields": [
        {"name": "name", "label": "Name", "kind": "text", "value": "", "required": True},
        {"name": "key", "label": "Key", "kind": "secret", "value": ""},
        {"name": "size", "label": "Size", "kind": "number", "value": 10},
        {
            "name": "model",
            "label": "Model",
            "kind": "choice",
            "value": "a",
            "choices": [{"value": "a", "label": "Starter"}, {"value": "b", "label": "Coder"}],
        },
        {"name": "on", "label": "In force", "kind": "check", "value": False},
        {"name": "globs", "label": "Files", "kind": "lines", "value": "*.py"},
    ],
    "submit": {"name": "save", "label": "Save"},
}


def test_a_form_is_filled_in_and_sent(session: Session) -> None:
    again = patch(4, {"op": "set", "block": FORM, "before": ""}, gate="again")
    open_hub(session, panels={"hub": {**HUB, "blocks": [FORM]}}, patches=[again])
    nvim = session.nvim
    nvim.type("s")
    session.says("“Name” is missing")
    assert session.log("press") == []
    nvim.type("\t\rşablon\r")
    nvim.until(lambda: "Name *    şablon" in nvim.text())
    nvim.type("\ti")
    nvim.until(lambda: nvim.lines()[-1] == "Key:")
    nvim.type("hunter2\r")
    nvim.until(lambda: "Key       ••••••••" in nvim.text())
    assert "hunter2" not in nvim.text()
    nvim.type("\t\r")
    nvim.until(lambda: "Size: 10" in nvim.text())
    nvim.type("\x150,5\r")
    nvim.until(lambda: "Size      0,5" in nvim.text())
    nvim.type("\t\r")
    nvim.until(lambda: "2: Coder" in nvim.text())
    nvim.type("2\r")
    nvim.until(lambda: "Model     Coder ▾" in nvim.text())
    nvim.type("\t\r")
    nvim.until(lambda: "In force  [✓]" in nvim.text())
    session.open_gate("again")
    nvim.until(lambda: nvim.lua("return require('ide_agent.panel').get().state.revision") == 4)
    nvim.type("\t\r")
    nvim.until(lambda: nvim.lua("return vim.bo.buftype") == "acwrite" and nvim.mode() == "i")
    nvim.type("\r*.ts\x1b:wq\r")
    nvim.until(lambda: "          *.ts" in nvim.text())
    nvim.type("\t\r")
    nvim.until(lambda: session.log("press"))
    assert session.log("press")[0]["event"] == {
        "action": "save",
        "block": "rule",
        "row": "",
        "args": {},
        "values": {
            "name": "şablon",
            "key": "hunter2",
            "size": 0.5,
            "model": "b",
            "on": True,
            "globs": "*.py\n*.ts",
        },
    }
    nvim.until(lambda: "•" not in nvim.text())


def test_escape_leaves_a_field_as_it_was(session: Session) -> None:
    open_hub(session, panels={"hub": {**HUB, "blocks": [FORM]}})
    before = shown(session)
    session.nvim.type("\t\r")
    session.nvim.until(lambda: session.nvim.mode() == "c")
    session.nvim.type("x\x1b")
    session.nvim.until(lambda: session.nvim.mode() == "n")
    session.nvim.type("/Files\r\r")
    session.nvim.until(lambda: session.nvim.mode() == "i")
    session.nvim.type("x\x1b:q!\r")
    session.nvim.until(lambda: session.nvim.lua("return vim.bo.filetype") == "ide_agent_panel")
    assert shown(session) == before


def test_a_storm_of_changes_leaves_the_cursor_and_the_view(session: Session) -> None:
    log = {"kind": "log", "id": "log", "text": "begun\n", "title": ""}
    blocks = [log, TABLE]
    steps = [patch(4 + n, {"op": "append", "id": "log", "text": f"line {n}\n"}) for n in range(300)]
    open_hub(
        session, panels={"hub": {**HUB, "blocks": blocks}}, patches=[{**steps[0], "gate": "go"}, *steps[1:]]
    )
    session.nvim.type("/tiny\r")
    session.nvim.until(lambda: "[p] Download" in session.nvim.text())
    session.open_gate("go")
    session.nvim.until(lambda: "│ line 299" in shown(session))
    session.nvim.until(lambda: "tiny      5 MB  [p] Download" in session.nvim.text())
    assert len(session.log("command", command="ideAgent.panels.open")) == 1


def test_a_log_is_followed_from_its_end(session: Session) -> None:
    log = {"kind": "log", "id": "log", "text": "begun\n", "title": ""}
    more = [patch(4 + n, {"op": "append", "id": "log", "text": f"line {n}\n"}, gate="go") for n in range(40)]
    open_hub(session, panels={"hub": {**HUB, "blocks": [log]}}, patches=more)
    session.nvim.type("/begun\r")
    session.nvim.until(lambda: session.nvim.lua("return vim.api.nvim_win_get_cursor(0)[1]") == 3)
    session.open_gate("go")
    session.nvim.until(lambda: " │ line 39" in session.nvim.lines())
    assert session.nvim.lua("return vim.api.nvim_get_current_line()") == "│ line 39"


@pytest.mark.parametrize(
    ("word", "panel"), [("models", "hub"), ("routes", "routes"), ("remote", "remote"), ("panel hub", "hub")]
)
def test_panels_without_a_file_start_a_server(session: Session, word: str, panel: str) -> None:
    session.script({"panels": {panel: HUB}})
    session.start(wait=False, init="vim.lsp.config('ide_agent', { filetypes = { 'none' } })")
    session.nvim.type(f":IdeAgent {word}\r")
    session.nvim.until(lambda: session.nvim.lua("return vim.bo.filetype") == "ide_agent_panel")
    session.nvim.type("r")
    session.nvim.until(lambda: session.log("press"))


def test_panels_survive_the_server(session: Session) -> None:
    open_hub(session)
    whole = {**HUB, "title": "Anew", "revision": 0}
    session.script({"panels": {"hub": whole}})
    session.signal_server(signal.SIGKILL)
    session.nvim.until(lambda: shown(session)[0] == "Anew")
    session.nvim.type("r")
    session.nvim.until(lambda: session.log("press"))
    assert session.nvim.lua("return #vim.api.nvim_list_wins()") == 2


def test_panels_are_named_and_a_wrong_name_is_said(session: Session) -> None:
    open_hub(session)
    session.nvim.type("q:IdeAgent panel \t\r")
    session.nvim.until(lambda: session.nvim.lua("return vim.bo.filetype") == "ide_agent_panel")
    session.nvim.type(":IdeAgent panel none\r")
    session.says("that did not work: no panel none")


def test_the_whole_row_shows_what_the_table_cuts(session: Session) -> None:
    rows = [{"id": "a", "cells": {"name": "x" * 200, "size": "1 MB"}, "actions": []}]
    open_hub(session, panels={"hub": {**HUB, "blocks": [{**TABLE, "rows": rows}]}})
    session.nvim.type("/xxx\rK")
    session.nvim.until(lambda: "Size: 1 MB" in session.nvim.text())


@pytest.mark.parametrize("position", ["left", "right", "above", "below"])
def test_panels_open_where_the_user_wants_them(session: Session, position: str) -> None:
    session.script({"panels": {"hub": {**HUB, "title": "Modeller"}}})
    options = f"vim.g.ide_agent = {{ language = 'tr', panel = {{ position = '{position}', size = 0.4 }} }}"
    session.start(init=options)
    session.nvim.type(":IdeAgent models\r")
    session.nvim.until(lambda: "? tuşlar" in session.nvim.text())
    at = session.nvim.lua("return vim.api.nvim_win_get_position(vim.fn.bufwinid('ide-agent://hub@en'))")
    assert at == {"left": [0, 0], "right": [0, 60], "above": [0, 0], "below": [13, 0]}[position]

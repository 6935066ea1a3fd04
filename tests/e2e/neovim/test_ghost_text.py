"""Ghost text under real keys in a real Neovim; the server says what its script says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Session

pytestmark = pytest.mark.e2e

LINE = "n if n < 2 else fib(n - 1)"
FIB: dict[str, Any] = {"id": "c1", "after": "return ", "chunks": [LINE]}
LOOP: dict[str, Any] = {
    "id": "c2",
    "after": "for ",
    "chunks": ["x in xs:", "x in xs:\n    print(x)", "x in xs:\n    print(x)\n    total += x"],
}


def test_appears_on_the_screen_and_tab_accepts_it(session: Session) -> None:
    session.script({"rules": [FIB]})
    session.start(content="def fib(n):\n")
    session.nvim.type("oreturn ")
    session.nvim.until(lambda: session.nvim.sees("def fib(n):", "    return " + LINE))
    assert session.nvim.buffer() == ["def fib(n):", "    return "], "it is drawn, not written"
    # drawn last, and the terminal may hand it over by itself: the cursor stands before it
    session.nvim.until(lambda: session.nvim.screen.cursor.x == len("    return "))
    assert session.nvim.colour(1, 11) == session.nvim.lua(
        "return ('%06x'):format(vim.api.nvim_get_hl(0, { name = 'Comment' }).fg)"
    )
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["def fib(n):", "    return " + LINE])
    assert session.ghost() == ""
    assert session.nvim.lua("return vim.api.nvim_win_get_cursor(0)") == [2, len("    return " + LINE)]
    accepted = session.nvim.until(lambda: session.log("command", command="ideAgent.completion.accept"))
    assert accepted[0]["argument"] == {"completionId": "c1"}
    assert session.events("shown") == [{"completionId": "c1", "kind": "shown"}]
    assert session.events("dismissed") == []


@pytest.mark.parametrize("key", ["\x1b", "\x03", "\x1d"], ids=["escape", "ctrl-c", "ctrl-bracket"])
def test_is_dismissed_by(session: Session, key: str) -> None:
    session.script({"rules": [FIB]})
    session.start()
    session.nvim.type("ireturn ")
    session.shows(LINE)
    session.nvim.type(key)
    session.nvim.until(lambda: session.events("dismissed") == [{"completionId": "c1", "kind": "dismissed"}])
    session.nvim.until(lambda: session.nvim.sees("return", "~"))
    assert session.nvim.buffer() == ["return "]
    assert session.nvim.mode() == ("i" if key == "\x1d" else "n")


def test_typing_through_keeps_it_while_the_server_thinks(session: Session) -> None:
    session.script({"rules": [{**FIB, "gates": ["first"]}]})
    session.start()
    session.open_gate("first")
    session.nvim.type("ireturn ")
    session.shows(LINE)
    session.script({"rules": [{**FIB, "gates": ["second"]}]})
    for typed in range(1, 6):
        session.nvim.type(LINE[typed - 1])
        session.shows(LINE[typed:])
    waiting = "return " + LINE[:5]
    session.nvim.until(lambda: session.log("request", before=waiting))
    session.nvim.until(lambda: session.nvim.sees("return " + LINE))
    session.open_gate("second")
    session.nvim.until(lambda: session.log("answer", before=waiting))
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["return " + LINE])
    assert session.events("dismissed") == []
    assert len(session.events("shown")) == 1


def test_typing_through_fast_draws_no_frame_without_it(session: Session) -> None:
    session.script({"rules": [FIB]})
    session.start()
    session.nvim.type("ireturn ")
    session.shows(LINE)
    session.nvim.lua(
        """
        _G.frames = {}
        local ghosts = vim.api.nvim_create_namespace('ide_agent')
        vim.api.nvim_set_decoration_provider(vim.api.nvim_create_namespace('test'), {
          on_end = function()
            local mark = vim.api.nvim_buf_get_extmarks(0, ghosts, 0, -1, { details = true })[1]
            local drawn = mark and mark[4].virt_text[1][1] or ''
            table.insert(_G.frames, vim.api.nvim_get_current_line() .. drawn)
          end,
        })
        """
    )
    session.nvim.type(LINE[:12])
    session.shows(LINE[12:])
    frames = set(session.nvim.until(lambda: session.nvim.lua("return _G.frames")))
    assert frames == {"return " + LINE}
    assert session.events("dismissed") == []


def test_backspace_over_what_was_typed_through_gives_it_back(session: Session) -> None:
    session.script({"rules": [FIB]})
    session.start()
    session.nvim.type("ireturn ")
    session.shows(LINE)
    session.script({"rules": [{**FIB, "gates": ["never"]}]})
    session.nvim.type("n if")
    session.shows(LINE[4:])
    session.nvim.type("\x7f\x7f")
    session.shows(LINE[2:])


def test_an_empty_answer_takes_it_away(session: Session) -> None:
    session.script({"rules": [FIB]})
    session.start()
    session.nvim.type("ireturn ")
    session.shows(LINE)
    session.script({})
    session.nvim.type("n")
    session.nvim.until(lambda: session.events("dismissed"))
    assert session.ghost() == ""


def test_a_key_that_does_not_match_drops_it(session: Session) -> None:
    session.script({"rules": [FIB]})
    session.start()
    session.nvim.type("ireturn ")
    session.shows(LINE)
    session.nvim.type("x")
    session.nvim.until(lambda: session.events("dismissed"))
    session.nvim.until(lambda: session.nvim.sees("return x", "~"))


def test_moving_the_cursor_drops_it(session: Session) -> None:
    session.script({"rules": [FIB]})
    session.start()
    session.nvim.type("ireturn ")
    session.shows(LINE)
    session.nvim.type("\x1b[D")
    session.nvim.until(lambda: session.events("dismissed"))
    assert session.ghost() == ""


def test_lines_that_come_later_are_drawn_below(session: Session) -> None:
    session.script({"rules": [{**LOOP, "gates": [None, "second", "third"]}]})
    session.start(content="\n# after\n")
    session.nvim.type("ifor ")
    session.nvim.until(lambda: session.nvim.sees("for x in xs:", "# after"))
    session.open_gate("second")
    session.nvim.until(lambda: session.nvim.sees("for x in xs:", "    print(x)", "# after"))
    session.open_gate("third")
    session.nvim.until(lambda: session.nvim.sees("for x in xs:", "    print(x)", "    total += x", "# after"))
    session.nvim.type("\t")
    session.nvim.until(
        lambda: session.nvim.buffer() == ["for x in xs:", "    print(x)", "    total += x", "# after"]
    )
    assert session.nvim.lua("return vim.api.nvim_win_get_cursor(0)") == [3, len("    total += x")]


@pytest.mark.parametrize("written", [False, True], ids=["opened", "written"])
def test_grows_where_nothing_was_changed_before_asking(session: Session, written: bool) -> None:
    rule = {"id": "c1", "after": "for ", "chunks": ["x:", "x:\n    print(x)"], "gates": [None, "second"]}
    session.script({"rules": [rule]})
    session.start(content="for \n")
    if written:
        session.nvim.type("Oimport os")
        session.normal()
        session.nvim.type(":w\rj")
        session.nvim.until(lambda: (session.project / "a.py").read_text() == "import os\nfor \n")
    session.nvim.type("A")
    session.shows("x:")
    session.open_gate("second")
    session.shows("x:\n    print(x)")


def test_goes_on_growing_after_some_of_it_was_typed(session: Session) -> None:
    session.script({"rules": [{**LOOP, "gates": [None, "second", "third"]}]})
    session.start()
    session.nvim.type("ifor ")
    session.shows("x in xs:")
    session.nvim.type("x in")
    session.shows(" xs:")
    session.open_gate("second")
    session.shows(" xs:\n    print(x)")
    session.open_gate("third")
    session.shows(" xs:\n    print(x)\n    total += x")


def test_more_lines_of_a_suggestion_that_is_gone_are_not_drawn(session: Session) -> None:
    session.script({"rules": [{**LOOP, "gates": [None, "second", "second"]}]})
    session.start()
    session.nvim.type("ifor ")
    session.shows("x in xs:")
    session.normal()
    session.open_gate("second")
    session.nvim.until(lambda: len(session.log("more")) == 2)
    session.nvim.until(lambda: session.nvim.sees("for", "~"))
    assert session.ghost() == ""


def test_case_14_an_old_answer_is_not_shown_after_an_edit(session: Session) -> None:
    new = {"id": "new", "after": "return x", "chunks": [" + 1"], "gates": ["new"]}
    old = {"id": "old", "after": "return ", "chunks": ["OLD"], "gates": ["never"], "stubborn": True}
    session.script({"rules": [new, old]})
    session.start()
    session.nvim.type("ireturn ")
    session.nvim.until(lambda: session.log("request", before="return "))
    session.nvim.type("x")
    session.nvim.until(lambda: session.log("answer", id="old"))
    session.nvim.until(lambda: session.log("request", before="return x"))
    assert session.ghost() == ""
    session.open_gate("new")
    session.shows(" + 1")
    shown = session.nvim.until(lambda: session.events("shown"))
    assert [event["completionId"] for event in shown] == ["new"]


def test_a_change_cancels_the_request_under_way(session: Session) -> None:
    session.script({"rules": [{**FIB, "gates": ["never"]}]})
    session.start()
    session.nvim.type("ireturn ")
    session.nvim.until(lambda: session.log("request", before="return "))
    session.nvim.type("?")
    session.nvim.until(lambda: session.log("cancelled", before="return "))


def test_leaving_insert_mode_cancels_the_request_under_way(session: Session) -> None:
    session.script({"rules": [{**FIB, "gates": ["never"]}]})
    session.start()
    session.nvim.type("ireturn ")
    session.nvim.until(lambda: session.log("request", before="return "))
    session.normal()
    session.nvim.until(lambda: session.log("cancelled", before="return "))


def test_entering_insert_mode_asks(session: Session) -> None:
    session.script({"rules": [FIB]})
    session.start(content="return \n")
    session.nvim.type("A")
    session.shows(LINE)
    assert [entry["invoked"] for entry in session.log("request")] == [False]


def test_appears_by_itself_once_the_model_is_ready(session: Session) -> None:
    session.script({"status": {"state": "loading"}, "ready": "loaded", "rules": []})
    session.start()
    session.nvim.type("ireturn ")
    session.nvim.until(lambda: session.log("request", before="return "))
    session.nvim.until(lambda: "IDE-Agent loading" in session.nvim.text())
    session.script({"rules": [FIB]})
    session.open_gate("loaded")
    session.shows(LINE)


def test_next_asks_even_when_nothing_comes_by_itself(session: Session) -> None:
    session.script({"rules": [{**FIB, "invoked": True}]})
    session.start(init="vim.g.ide_agent = { automatic = false }")
    session.nvim.type("ireturn ")
    session.nvim.until(lambda: session.nvim.buffer() == ["return "])
    session.nvim.type("\x1b]")
    session.shows(LINE)
    assert [entry["invoked"] for entry in session.log("request")] == [True]


def test_no_suggestions_in_replace_mode(session: Session) -> None:
    session.script({"rules": [FIB, {**FIB, "id": "c9", "after": "yield "}]})
    session.start(content="xxxxxxx\n")
    session.nvim.type("Rreturn ")
    session.nvim.until(lambda: session.nvim.buffer() == ["return "])
    session.normal()
    session.nvim.type("oyield ")
    session.shows(LINE)
    assert session.log("request", before="return ") == []

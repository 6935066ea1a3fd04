"""Taking suggestions, whole and in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Session

pytestmark = pytest.mark.e2e

LOOP = "for x in xs:\n    print(x)\n    total += x"
RULE: dict[str, Any] = {"id": "c1", "after": "pass\n", "chunks": [LOOP]}


def show(session: Session, *rules: dict[str, Any], content: str, keys: str, ghost: str) -> None:
    """Open `content`, type `keys` and wait for the ghost text."""
    session.script({"rules": list(rules)})
    session.start(content=content)
    session.nvim.type(keys)
    session.shows(ghost)


def test_one_undo_takes_back_what_was_accepted_and_nothing_else(session: Session) -> None:
    rule = {"id": "c1", "after": "x = ", "chunks": ["[\n    1,\n]"]}
    show(session, rule, content="", keys="ix = ", ghost="[\n    1,\n]")
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["x = [", "    1,", "]"])
    session.nvim.type("  # later")
    session.nvim.until(lambda: session.nvim.buffer() == ["x = [", "    1,", "]  # later"])
    session.normal()
    for left in (["x = [", "    1,", "]"], ["x = "], [""]):
        session.nvim.type("u")
        session.becomes(*left)
    session.nvim.type("\x12\x12\x12")
    session.nvim.until(lambda: session.nvim.buffer() == ["x = [", "    1,", "]  # later"])


def test_word_by_word(session: Session) -> None:
    show(session, RULE, content="pass\n", keys="o", ghost=LOOP)
    for taken in ("for", "for x", "for x in", "for x in xs", "for x in xs:"):
        session.nvim.type("\x1bw")
        session.shows(LOOP[len(taken) :])
        assert session.nvim.buffer() == ["pass", taken]
    session.nvim.type("\x1bw")
    session.nvim.until(lambda: session.nvim.buffer() == ["pass", "for x in xs:", "    print"])
    lengths = [
        event["acceptedLength"] for event in session.nvim.until(lambda: session.events("acceptedPartly"))
    ]
    session.nvim.until(lambda: len(session.events("acceptedPartly")) == 6)
    lengths = [event["acceptedLength"] for event in session.events("acceptedPartly")]
    assert lengths == [3, 5, 8, 11, 12, len("for x in xs:\n    print")]
    assert session.events("dismissed") == []


def test_line_by_line(session: Session) -> None:
    show(session, RULE, content="pass\n", keys="o", ghost=LOOP)
    session.nvim.type("\x1bl")
    session.shows("\n    print(x)\n    total += x")
    session.nvim.type("\x1bl")
    session.shows("\n    total += x")
    session.nvim.type("\x1bl")
    session.nvim.until(lambda: session.nvim.buffer() == ["pass", *LOOP.split("\n")])
    session.nvim.until(lambda: session.log("command", command="ideAgent.completion.accept"))
    assert [event["acceptedLength"] for event in session.events("acceptedPartly")] == [12, 25]


def test_parts_count_from_the_start_of_a_suggestion_typed_through(session: Session) -> None:
    show(session, RULE, content="pass\n", keys="o", ghost=LOOP)
    session.nvim.type("for ")
    session.nvim.until(lambda: session.log("answer", before="pass\nfor "))
    session.shows(LOOP[4:])
    session.nvim.type("\x1bw")
    event = session.nvim.until(lambda: session.events("acceptedPartly"))
    assert event[0]["acceptedLength"] == len("for x")


def test_replaces_what_stands_right_of_the_cursor(session: Session) -> None:
    rule = {"id": "c1", "after": "print(", "chunks": ["a, b)"], "replace": 1}
    show(session, rule, content="print()\n", keys="f)i", ghost="a, b")
    session.nvim.until(lambda: session.nvim.sees("print(a, b)", "~"))
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["print(a, b)"])
    assert session.nvim.lua("return vim.api.nvim_win_get_cursor(0)") == [1, len("print(a, b)")]


def test_replaced_text_survives_until_its_turn_word_by_word(session: Session) -> None:
    rule = {"id": "c1", "after": "print(", "chunks": ["a, b)"], "replace": 1}
    show(session, rule, content="print()\n", keys="f)i", ghost="a, b")
    for line in ("print(a)", "print(a,)", "print(a, b)", "print(a, b)"):
        session.nvim.type("\x1bw")
        session.becomes(line)
    session.nvim.until(lambda: session.log("command", command="ideAgent.completion.accept"))


def test_text_that_the_suggestion_changes_is_hidden_behind_it(session: Session) -> None:
    rule = {"id": "c1", "after": "x = ", "chunks": ["new"], "replace": 8}
    show(session, rule, content="x = old_name  # note\n", keys="foi", ghost="new")
    session.nvim.until(lambda: session.nvim.sees("x = new  # note", "~"))
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["x = new  # note"])


def test_several_lines_in_the_middle_of_a_line(session: Session) -> None:
    rule = {"id": "c1", "after": "call(", "chunks": ["\n    a,\n    b,\n"]}
    show(session, rule, content="call() or None\n", keys="f)i", ghost="\n    a,\n    b,\n")
    session.nvim.until(lambda: session.nvim.sees("call(", "    a,", "    b,", ") or None", "~"))
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["call(", "    a,", "    b,", ") or None"])
    assert session.nvim.lua("return vim.api.nvim_win_get_cursor(0)") == [4, 0]


def test_case_13_tab_before_the_answer_is_a_plain_tab(session: Session) -> None:
    late = {"id": "late", "after": "return ", "chunks": ["LATE"], "gates": ["never"], "stubborn": True}
    session.script({"rules": [late]})
    session.start(file="a.txt")
    session.nvim.type("ireturn ")
    session.nvim.until(lambda: session.log("request", before="return "))
    session.nvim.type("\t")
    session.nvim.until(lambda: session.log("answer", id="late"))
    session.nvim.until(lambda: session.log("request", before="return \t"))
    assert session.nvim.buffer() == ["return \t"]
    assert session.ghost() == ""
    assert session.events("shown") == []


def test_asks_for_what_comes_after_an_accepted_suggestion(session: Session) -> None:
    first = {"id": "c1", "after": "x = ", "chunks": ["1"]}
    second = {"id": "c2", "after": "x = 1", "chunks": [" + 2"]}
    show(session, second, first, content="", keys="ix = ", ghost="1")
    session.nvim.type("\t")
    session.shows(" + 2")
    session.nvim.type("\t")
    session.nvim.until(lambda: session.nvim.buffer() == ["x = 1 + 2"])

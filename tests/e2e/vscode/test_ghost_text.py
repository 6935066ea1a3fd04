"""Ghost text under real keys in a real VS Code; the server says what its script says."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from support.vscode import LINE_KEY, VSCode, until

if TYPE_CHECKING:
    from .conftest import Window

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

LINE = "n if n < 2 else fib(n - 1)"
FIB: dict[str, Any] = {"id": "fib", "after": "return ", "chunks": [LINE]}
HEAD = "x in xs:"
BODY = "x in xs:\n    print(x)"
WHOLE = "x in xs:\n    print(x)\n    total += x"
LOOP: dict[str, Any] = {
    "id": "loop",
    "after": "for ",
    "chunks": [HEAD, BODY, WHOLE],
    "gates": [None, "2", "3"],
}


def test_tab_accepts_what_is_shown(window: Window, keep: Callable[..., None]) -> None:
    window.script.say(rules=[FIB])
    window.vscode.type("return ")
    window.vscode.shows(LINE)
    keep(window.vscode, "shown")
    window.holds("return ")  # it is drawn, not written
    window.vscode.press("Tab")
    window.holds("return " + LINE)
    [accepted] = until(lambda: window.script.log("command", command="ideAgent.completion.accept"))
    assert accepted["argument"] == {"completionId": "fib"}
    window.vscode.shows("")
    assert window.script.events("shown") == [{"completionId": "fib"}]
    assert window.script.events("acceptedPartly") == []
    assert window.script.events("dismissed") == []


def test_what_is_typed_through_shrinks_it_without_a_gap(window: Window) -> None:
    window.script.say(rules=[{**FIB, "id": "typed"}])
    window.vscode.type("return ")
    window.vscode.shows(LINE)
    window.vscode.watch()
    for typed in range(1, 6):
        window.vscode.type(LINE[typed - 1])
        window.vscode.shows(LINE[typed:])
    assert all(LINE.endswith(seen) and seen for seen in window.vscode.watched())
    window.vscode.press("Tab")
    window.holds("return " + LINE)
    until(lambda: window.script.log("command", command="ideAgent.completion.accept"))
    assert window.script.events("shown") == [{"completionId": "typed"}], "it is still the same one"


def test_grows_without_a_gap_and_tab_takes_all_of_it(window: Window, keep: Callable[..., None]) -> None:
    window.script.say(rules=[LOOP])
    window.vscode.type("for ")
    window.vscode.shows(HEAD)
    window.vscode.watch()
    window.script.open_gate("2")
    window.vscode.shows(BODY)
    window.script.open_gate("3")
    window.vscode.shows(WHOLE)
    keep(window.vscode, "shown")
    assert window.vscode.watched() == [HEAD, BODY, WHOLE]
    assert len(window.script.log("request", before="for ")) == 1, "growing asks the server for nothing"
    window.vscode.press("Tab")
    window.holds("for " + WHOLE)
    [accepted] = until(lambda: window.script.log("command", command="ideAgent.completion.accept"))
    assert accepted["argument"] == {"completionId": "loop"}


def test_tab_takes_what_has_come_and_the_rest_is_offered(window: Window) -> None:
    window.script.say(rules=[LOOP])
    window.vscode.type("for ")
    window.vscode.shows(HEAD)
    window.script.open_gate("2")
    window.vscode.shows(BODY)
    window.vscode.press("Tab")
    window.holds("for " + BODY)
    window.vscode.shows("")
    until(lambda: window.script.log("request", before="for " + BODY))
    window.script.open_gate("3")
    window.vscode.shows(WHOLE.removeprefix(BODY))
    window.holds("for " + BODY)


def test_fast_growth_ends_with_everything(window: Window) -> None:
    chunks = [HEAD + "".join(f"\n    step_{i}()" for i in range(count)) for count in range(20)]
    window.script.say(rules=[{"id": "fast", "after": "for ", "chunks": chunks}])
    window.vscode.type("for ")
    window.vscode.shows(chunks[-1])
    seen = [text for text in window.vscode.watched() if text]
    assert all(text in chunks for text in seen)
    assert all(len(a) < len(b) for a, b in itertools.pairwise(seen))
    window.vscode.press("Tab")
    window.holds("for " + chunks[-1])


def test_goes_on_growing_after_a_word_was_taken(window: Window) -> None:
    head, whole = "item in items:", "item in items:\n    print(item)"
    rule = {"id": "words", "after": "for ", "chunks": [head, whole], "gates": [None, "2"]}
    window.script.say(rules=[rule])
    window.vscode.type("for ")
    window.vscode.shows(head)
    window.vscode.press("Control+ArrowRight")
    window.holds("for item")
    window.vscode.shows(head[4:])
    until(lambda: window.script.log("answer", before="for item"))
    window.script.open_gate("2")
    window.vscode.shows(whole[4:])
    [taken] = until(lambda: window.script.events("acceptedPartly"))
    assert taken == {"completionId": "words", "acceptedLength": 4}
    window.vscode.press("Tab")
    window.holds("for " + whole)
    until(lambda: window.script.log("command", command="ideAgent.completion.accept"))
    assert window.script.events("shown") == [{"completionId": "words"}]


def test_goes_on_growing_after_a_line_was_taken(window: Window) -> None:
    first, second, third = WHOLE.splitlines(keepends=True)
    window.script.say(rules=[{**LOOP, "id": "lines"}])
    window.vscode.type("for ")
    window.vscode.shows(HEAD)
    window.script.open_gate("2")
    window.vscode.shows(BODY)
    window.vscode.press(LINE_KEY)
    window.holds("for " + first)
    window.vscode.shows(BODY.removeprefix(first))
    until(lambda: window.script.log("answer", before="for " + first))
    window.script.open_gate("3")
    window.vscode.shows(second + third)
    window.vscode.press(LINE_KEY)
    window.holds("for " + first + second)
    window.vscode.shows(third)
    window.vscode.press(LINE_KEY)
    window.holds("for " + WHOLE)
    until(lambda: window.script.log("command", command="ideAgent.completion.accept"))
    assert window.script.events("acceptedPartly") == [
        {"completionId": "lines", "acceptedLength": len(first)},
        {"completionId": "lines", "acceptedLength": len(first + second)},
    ]
    assert window.script.events("shown") == [{"completionId": "lines"}]


def test_goes_on_growing_while_typed_through(window: Window) -> None:
    window.script.say(rules=[LOOP])
    window.vscode.type("for ")
    window.vscode.shows(HEAD)
    window.vscode.type("x i")
    window.vscode.shows(HEAD[3:])
    until(lambda: window.script.log("request", before="for x i"))
    window.script.open_gate("2")
    window.vscode.shows(BODY[3:])
    window.script.open_gate("3")
    window.vscode.shows(WHOLE[3:])
    window.vscode.press("Tab")
    window.holds("for " + WHOLE)


def test_escape_dismisses_it_and_it_stays_away(window: Window, keep: Callable[..., None]) -> None:
    window.script.say(rules=[LOOP])
    window.vscode.type("for ")
    window.vscode.shows(HEAD)
    window.vscode.press("Escape")
    window.vscode.shows("")
    window.vscode.watch()
    window.script.open_gate("2")
    window.script.open_gate("3")
    until(lambda: window.script.log("more", text=WHOLE))
    _stays_away(window)
    assert until(lambda: window.script.events("dismissed")) == [{"completionId": "loop"}]
    keep(window.vscode, "stays-away")
    window.holds("for ")


def test_a_moved_cursor_ends_it(window: Window) -> None:
    window.script.say(rules=[LOOP])
    window.vscode.type("for ")
    window.vscode.shows(HEAD)
    window.vscode.press("ArrowLeft")
    window.vscode.shows("")
    window.vscode.watch()
    window.script.open_gate("2")
    until(lambda: window.script.log("more", text=BODY))
    _stays_away(window)
    assert window.script.events("dismissed") == [], "only Esc is a dismissal"


def test_what_does_not_match_drops_it_for_good(window: Window) -> None:
    window.script.say(rules=[LOOP])
    window.vscode.type("for ")
    window.vscode.shows(HEAD)
    window.vscode.type("y")
    window.vscode.shows("")
    window.vscode.watch()
    until(lambda: window.script.log("request", before="for y"))
    window.script.open_gate("2")
    _stays_away(window)


def test_replaces_the_closing_bracket_that_vscode_inserted(window: Window) -> None:
    window.script.say(rules=[{"id": "call", "after": "print(", "chunks": ['"hi")'], "replace": 1}])
    window.vscode.type("print(")
    until(window.vscode.ghost)
    window.vscode.press("Tab")
    window.holds('print("hi")')


def test_an_answer_that_was_overtaken_is_not_shown(window: Window) -> None:
    """Case 14: an old result after an edit."""
    late = {"id": "late", "after": "late ", "chunks": ["result"], "gates": ["1"], "stubborn": True}
    window.script.say(rules=[late])
    window.vscode.type("late ")
    until(lambda: window.script.log("request", before="late "))
    window.vscode.type("q")
    until(lambda: window.script.log("answer", id="late"))
    _stays_away(window)
    assert window.script.events("shown") == []


def test_a_model_that_takes_its_time_is_waited_for(window: Window) -> None:
    window.script.say(rules=[{**FIB, "gates": ["1"]}])
    window.vscode.type("return ")
    until(lambda: window.script.log("request", before="return "))
    window.vscode.page.wait_for_timeout(1500)  # longer than VS Code's own patience elsewhere
    assert window.script.log("cancelled") == []
    window.script.open_gate("1")
    window.vscode.shows(LINE)


def test_invoked_by_hand(window: Window) -> None:
    window.script.say(rules=[{**FIB, "invoked": True}])
    window.vscode.type("return ")
    until(lambda: window.script.log("request", before="return "))
    assert window.vscode.ghost() == ""
    window.vscode.run("Trigger Inline Suggestion")
    window.vscode.shows(LINE)


def test_extends_the_entry_that_the_popup_has_selected(
    scripted: Callable[..., Window], keep: Callable[[VSCode], None]
) -> None:
    """Case 32: ghost text hidden by the popup's filter."""
    window = scripted(**{"editor.wordBasedSuggestions": "currentDocument"})
    rule = {
        "id": "name",
        "after": "tot",
        "chunks": ["al_price = 1", "al_price = 1\nx = 2"],
        "gates": [None, "2"],
    }
    window.script.say(rules=[rule])
    window.vscode.type("total_price\n")
    window.vscode.type("tot")
    window.vscode.shows("al_price = 1")
    window.vscode.press("Control+Space")
    window.vscode.page.locator(".suggest-widget.visible .monaco-list-row.focused").wait_for()
    window.vscode.shows("al_price = 1")
    window.script.open_gate("2")
    window.vscode.shows("al_price = 1\nx = 2")
    keep(window.vscode)


def test_settings_and_capabilities_at_start(scripted: Callable[..., Window]) -> None:
    window = scripted(
        **{
            "ideAgent.completion.stream": False,
            "ideAgent.completion.maxLines": 3,
            "ideAgent.completion.languages": {"markdown": False},
        }
    )
    [started] = window.script.log("initialize")
    ours = {"inlineCompletionMore": False, "status": True, "panels": True}
    assert started["experimental"]["ideAgent"] == ours
    assert started["options"] == {
        "language": "en",
        "settings": {"completion": {"maxLines": 3, "languages": {"markdown": False}}},
    }, "what was set, and nothing else: defaults would overrule the TOML files"


def _stays_away(window: Window) -> None:
    """Nothing is drawn for longer than VS Code takes to ask and draw (about 70 ms)."""
    window.vscode.page.wait_for_timeout(500)
    assert set(window.vscode.watched()) == {""}

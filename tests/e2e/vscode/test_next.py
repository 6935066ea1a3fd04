"""Other suggestions for the same place, in a real VS Code; the server says what its script says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from support.vscode import until

if TYPE_CHECKING:
    from .conftest import Window

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

NEXT, PREVIOUS = "Alt+]", "Alt+["
TEXTS = {"a": "min(xs)", "b": "max(xs)", "c": "sum(\n    xs\n)"}


def rule(name: str, texts: dict[str, str] = TEXTS) -> dict[str, Any]:
    """Suggestions of one test: `name` keeps their ids apart from those of the others."""
    (first, text), *others = texts.items()
    more = [{"id": name + identity, "text": other} for identity, other in others]
    return {"id": name + first, "after": "return ", "chunks": [text], "others": more}


def show(window: Window, name: str, texts: dict[str, str] = TEXTS) -> None:
    """The first suggestion shows."""
    window.script.say(rules=[rule(name, texts)])
    window.vscode.type("return ")
    window.vscode.shows(next(iter(texts.values())))


def accepted(window: Window) -> str:
    """The id of the suggestion that was taken as a whole."""
    [command] = until(lambda: window.script.log("command", command="ideAgent.completion.accept"))
    identity: str = command["argument"]["completionId"]
    return identity


def seen(window: Window, kind: str) -> list[str]:
    return [event["completionId"] for event in window.script.events(kind)]


def test_one_after_the_other_and_then_the_first_again(window: Window, keep: Callable[..., None]) -> None:
    show(window, "on-")
    window.vscode.watch()
    order = ["b", "c", "a", "b"]
    for identity in order:
        window.vscode.press(NEXT)
        window.vscode.shows(TEXTS[identity])
        keep(window.vscode, identity)
    assert window.vscode.watched() == [TEXTS[identity] for identity in ["a", *order]], "without a gap"
    window.holds("return ")
    until(lambda: seen(window, "shown") == ["on-" + identity for identity in ["a", *order]])
    assert seen(window, "dismissed") == []


def test_back_again(window: Window) -> None:
    show(window, "back-")
    for key, identity in ((NEXT, "b"), (NEXT, "c"), (PREVIOUS, "b"), (PREVIOUS, "a"), (PREVIOUS, "c")):
        window.vscode.press(key)
        window.vscode.shows(TEXTS[identity])


@pytest.mark.parametrize("presses", [1, 2, 3])
def test_tab_takes_the_one_that_shows(window: Window, presses: int) -> None:
    name = f"tab{presses}-"
    show(window, name)
    for identity in "bca"[:presses]:
        window.vscode.press(NEXT)
        window.vscode.shows(TEXTS[identity])
    window.vscode.press("Tab")
    identity = "bca"[presses - 1]
    window.holds("return " + TEXTS[identity])
    assert accepted(window) == name + identity
    assert seen(window, "acceptedPartly") == []


def test_what_is_taken_in_words_is_the_one_that_shows(window: Window) -> None:
    texts = {"a": "self.min(xs)", "b": "self.max(xs)"}
    show(window, "word-", texts)
    window.vscode.press(NEXT)
    window.vscode.shows(texts["b"])
    window.vscode.press("Control+ArrowRight")
    window.holds("return self")
    assert until(lambda: seen(window, "acceptedPartly")) == ["word-b"]


def test_escape_dismisses_the_one_that_shows(window: Window) -> None:
    show(window, "escape-")
    window.vscode.press(NEXT)
    window.vscode.shows(TEXTS["b"])
    window.vscode.press("Escape")
    window.vscode.shows("")
    assert until(lambda: seen(window, "dismissed")) == ["escape-b"]


def test_the_editors_own_buttons(window: Window, keep: Callable[..., None]) -> None:
    show(window, "mouse-")
    window.vscode.page.locator(".ghost-text-decoration").first.hover()
    bar = window.vscode.page.locator(".inlineSuggestionsHints")
    bar.get_by_text("1/2").wait_for()
    keep(window.vscode, "bar")
    bar.locator(".codicon-inline-suggestion-hints-next").click()
    window.vscode.shows(TEXTS["b"])
    window.vscode.focus()
    window.vscode.press("Tab")
    window.holds("return " + TEXTS["b"])
    assert accepted(window) == "mouse-b"


def test_where_there_is_no_other_the_first_stays(window: Window) -> None:
    show(window, "alone-", {"a": TEXTS["a"]})

    def asked_twice() -> bool:  # not while the answer to the first is on its way back
        window.vscode.press(NEXT)
        return len(window.script.log("request", invoked=True)) >= 2

    until(asked_twice)
    until(lambda: len(window.script.log("answer")) == len(window.script.log("request", before="return ")))
    window.vscode.press("Tab")
    window.holds("return " + TEXTS["a"])
    assert accepted(window) == "alone-a"


def test_after_a_failure_the_key_works_again(window: Window) -> None:
    show(window, "broken-")
    window.script.say(rules=[{**rule("broken-"), "broken": True}])
    window.vscode.press(NEXT)
    until(lambda: window.script.log("request", invoked=True))
    window.script.say(rules=[rule("broken-")])

    def goes_on() -> bool:  # not while the failed request is on its way back
        window.vscode.press(NEXT)
        return "broken-b" in seen(window, "shown")

    until(goes_on)


def test_a_cancelled_automatic_request_is_not_the_one_that_was_asked_for(window: Window) -> None:
    show(window, "slow-")
    window.script.say(rules=[{**rule("slow-"), "gates": ["slow"], "stubborn": True}])
    window.vscode.type("m")
    until(lambda: window.script.log("request", before="return m", invoked=False))
    window.vscode.press(NEXT)
    until(lambda: window.script.log("cancelled", before="return m"))
    until(lambda: window.script.log("request", before="return m", invoked=True))
    window.script.open_gate("slow")
    window.vscode.shows(TEXTS["b"])
    until(lambda: seen(window, "shown") == ["slow-a", "slow-b"])


def test_what_the_cursor_leaves_is_hidden(window: Window) -> None:
    show(window, "left-")
    window.vscode.press("ArrowLeft")
    window.vscode.shows("")
    until(lambda: seen(window, "hidden") == ["left-a"])
    assert seen(window, "dismissed") == []

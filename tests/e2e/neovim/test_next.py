"""<M-]> goes through what the server has to say at one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Session

pytestmark = pytest.mark.e2e

NEXT = "\x1b]"
RULE: dict[str, Any] = {
    "id": "a",
    "after": "return ",
    "chunks": ["min(xs)"],
    "others": [{"id": "b", "text": "max(xs)"}, {"id": "c", "text": "sum(\n    xs\n)"}],
}


def seen(session: Session, kind: str) -> list[str]:
    return [event["completionId"] for event in session.events(kind)]


@pytest.fixture
def shown(session: Session) -> Session:
    """The first suggestion shows."""
    session.script({"rules": [RULE]})
    session.start(file="a.txt")
    session.nvim.type("ireturn ")
    session.shows("min(xs)")
    return session


def test_shows_one_after_the_other_and_then_the_first_again(shown: Session) -> None:
    for ghost in ("max(xs)", "sum(\n    xs\n)", "min(xs)", "max(xs)"):
        shown.nvim.type(NEXT)
        shown.shows(ghost)
    assert shown.nvim.buffer() == ["return "]
    shown.nvim.until(lambda: seen(shown, "shown") == ["a", "b", "c", "a", "b"])
    assert seen(shown, "dismissed") == [], "to look further is no verdict"


@pytest.mark.parametrize(
    ("presses", "identity", "lines"),
    [(1, "b", ["return max(xs)"]), (2, "c", ["return sum(", "    xs", ")"]), (3, "a", ["return min(xs)"])],
)
def test_tab_takes_what_shows(shown: Session, presses: int, identity: str, lines: list[str]) -> None:
    for ghost in ("max(xs)", "sum(\n    xs\n)", "min(xs)")[:presses]:
        shown.nvim.type(NEXT)
        shown.shows(ghost)
    shown.nvim.type("\t")
    shown.becomes(*lines)
    [accepted] = shown.nvim.until(lambda: shown.log("command", command="ideAgent.completion.accept"))
    assert accepted["argument"] == {"completionId": identity}
    assert seen(shown, "dismissed") == []


def test_words_are_taken_of_what_shows(shown: Session) -> None:
    shown.nvim.type(NEXT)
    shown.shows("max(xs)")
    shown.nvim.type("\x1bw")
    shown.becomes("return max")
    shown.nvim.until(lambda: seen(shown, "acceptedPartly") == ["b"])


def test_escape_dismisses_what_shows(shown: Session) -> None:
    shown.nvim.type(NEXT)
    shown.shows("max(xs)")
    shown.nvim.type("\x1d")
    shown.shows("")
    shown.nvim.until(lambda: seen(shown, "dismissed") == ["b"])


def test_where_there_is_no_other_the_first_stays(session: Session) -> None:
    session.script({"rules": [{**RULE, "others": []}]})
    session.start(file="a.txt")
    session.nvim.type("ireturn ")
    session.shows("min(xs)")
    session.nvim.type(NEXT)
    session.nvim.until(lambda: session.log("request", invoked=True))
    session.nvim.until(lambda: len(session.log("answer")) == 2)
    session.nvim.type("!")
    session.becomes("return !")
    assert seen(session, "shown") == ["a"]

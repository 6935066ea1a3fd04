from dataclasses import replace

import pytest

from ide_agent.features.completion.ahead import accepted, entered, leads_to, with_removed
from ide_agent.features.completion.cursor import Suggestion
from support.cursor import at_cursor


def test_what_was_taken_stands_before_the_cursor() -> None:
    context = replace(at_cursor("x = f(‸)\n"), removed="y", invoked=True)
    taken = accepted(context, Suggestion("1,\n  2)", 1))
    assert taken == replace(at_cursor("x = f(1,\n  2)‸\n"), line=1)


def test_enter_keeps_the_indentation() -> None:
    assert entered(at_cursor("if x:\n    y = 1‸\n")) == at_cursor("if x:\n    y = 1\n    ‸\n")


@pytest.mark.parametrize(
    ("before", "now", "removed"),
    [("x = old‸", "x = ‸", "old"), ("x = ‸", "x = new‸", ""), ("x = a‸", "y‸", ""), ("x‸", "x‸", "")],
)
def test_what_was_deleted_backwards_is_known(before: str, now: str, removed: str) -> None:
    assert with_removed(at_cursor(now), at_cursor(before)).removed == removed


@pytest.mark.parametrize(
    ("here", "there", "leads"),
    [
        ("x = ‸", "x = compute‸", True),
        ("x = comp‸", "x = compute‸", True),
        ("x = compute‸", "x = compute‸", True),
        ("x = computer‸", "x = compute‸", False),
        ("y = ‸", "x = compute‸", False),
        ("# new\nx = ‸", "x = compute‸", False),
    ],
)
def test_typing_leads_to_what_begins_with_what_stands_there(here: str, there: str, leads: bool) -> None:
    assert leads_to(at_cursor(here), at_cursor(there)) is leads


def test_windows_that_scrolled_are_compared_from_the_same_line_on() -> None:
    scrolled = at_cursor("b = 2\nc = 3\n‸", prefix_line=1, line=3)
    goal = at_cursor("a = 1\nb = 2\nc = ‸")
    assert leads_to(goal, scrolled)
    assert not leads_to(scrolled, goal)
    assert leads_to(replace(scrolled, prefix="b = 2\nc"), goal)

"""Who may have to go for a model that is wanted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.inference.plan import RESTED_SECONDS, Place, Wish, decide, idle
from ide_agent.inference.turns import Priority

PRIORITIES: tuple[Priority, ...] = ("foreground", "api", "background")
PLENTY = 1 << 40


def place(name: str, **more: Any) -> Place:
    return Place(**{"key": (Path(name), "text"), "name": name, "bytes": 100, "state": "idle", **more})


def wish(priority: Priority = "api", size: int = 100) -> Wish:
    return Wish((Path("new"), "text"), "new", size, priority)


def ends(wanted: Wish, held: list[Place], limit: int = 2, free: int = PLENTY) -> list[str]:
    verdict = decide(wanted, held, limit=limit, free=free)
    assert verdict.waits is None
    return [each.name for each in verdict.ends]


def waits(wanted: Wish, held: list[Place], limit: int = 2, free: int = PLENTY) -> str:
    verdict = decide(wanted, held, limit=limit, free=free)
    assert verdict.waits is not None and not verdict.ends
    return str(verdict.waits)


def test_a_free_place_is_taken() -> None:
    assert ends(wish(), []) == []
    assert ends(wish(), [place("a", state="busy")]) == []


def test_the_longest_unused_one_goes() -> None:
    assert ends(wish(), [place("a", rested=5), place("b", rested=9)]) == ["b"]


def test_why_it_waits_is_said_in_words_and_what_helps() -> None:
    kept, busy = place("b", kept=True), place("a", state="busy")
    ghost = place("ghost", foreground=True)
    vectors = place("new", kept=True, key=(Path("new"), "embedding"))
    full = "new waits: 2 of 2 models are in memory"
    assert waits(wish(), [kept, busy]) == (
        f"{full} (a, b). It starts when one of these is no longer used: a."
    )
    assert waits(wish(), [vectors, ghost]) == (
        f"{full} (ghost, new [embedding]). These are kept there: new [embedding]. "
        "Release one (ide-agent models deactivate NAME), or raise inference.active_models."
    )
    assert waits(wish(), [ghost], limit=1).startswith(
        "new waits: 1 of 1 models is in memory (ghost), for what is being typed."
    )


@pytest.mark.parametrize("stays", [{"kept": True}, {"state": "busy"}, {"state": "loading"}])
@pytest.mark.parametrize("priority", PRIORITIES)
def test_what_nobody_may_end(stays: dict[str, Any], priority: Priority) -> None:
    waits(wish(priority), [place("a", **stays, rested=1e9)], limit=1)


def test_ghost_texts_model_goes_for_ghost_text_only() -> None:
    held = [place("ghost", foreground=True, rested=1e9)]
    assert ends(wish("foreground"), held, limit=1) == ["ghost"]
    waits(wish("api"), held, limit=1)
    waits(wish("background"), held, limit=1)


def test_background_work_leaves_what_was_just_used() -> None:
    waits(wish("background"), [place("a", rested=RESTED_SECONDS - 1)], limit=1)
    assert ends(wish("background"), [place("a", rested=RESTED_SECONDS)], limit=1) == ["a"]


def test_memory_is_made_by_ending_as_few_as_needed() -> None:
    held = [place("a", rested=3), place("b", rested=2), place("c", rested=1)]
    assert ends(wish(size=250), held, limit=9, free=100) == ["a", "b"]


def refused(wanted: Wish, held: list[Place], limit: int = 9, free: int = 100) -> bool:
    verdict = decide(wanted, held, limit=limit, free=free)
    if verdict.refused is not None:
        assert not verdict.ends and verdict.waits is None
    return verdict.refused is not None


def test_for_memory_it_waits_only_where_waiting_helps() -> None:
    busy = place("a", state="busy")
    assert "when these models have done their work: a" in waits(wish(size=150), [busy], limit=9, free=100)
    assert refused(wish(size=150), [replace(busy, kept=True)])
    assert refused(wish(size=150), [replace(busy, foreground=True)])
    assert not refused(wish("foreground", size=150), [replace(busy, foreground=True)])
    assert not refused(wish("background", size=150), [place("just used")])


def test_nothing_is_refused_while_a_load_makes_free_memory_uncertain() -> None:
    held = [place("a", state="loading", kept=True), place("b")]
    assert "work: a" in waits(wish(size=301), held, limit=9, free=100)
    assert "work: a" in waits(wish(size=301), held, limit=2, free=100)


def test_nobody_goes_for_what_would_not_fit_even_then() -> None:
    held = [place("a"), place("b"), place("c", kept=True)]
    assert refused(wish(size=301), held)
    assert refused(wish(size=301), held, limit=3)
    assert ends(wish(size=300), held, limit=9, free=100) == ["a", "b"]


def test_what_is_being_loaded_has_not_taken_its_memory_yet() -> None:
    waits(wish(size=100), [place("a", state="loading", bytes=80)], limit=9, free=150)
    assert ends(wish(size=70), [place("a", state="loading", bytes=80)], limit=9, free=150) == []


PLACES = st.lists(
    st.builds(
        place,
        st.text("abcdefgh", min_size=1, max_size=3),
        state=st.sampled_from(["idle", "busy", "loading", "leaving"]),
        kept=st.booleans(),
        foreground=st.booleans(),
        rested=st.floats(0, 200),
        bytes=st.integers(0, 300),
    ),
    max_size=6,
    unique_by=lambda each: each.name,
)


@given(
    held=PLACES, limit=st.integers(1, 5), free=st.integers(0, 900), priority=st.sampled_from(PRIORITIES),
    size=st.integers(0, 900),
)  # fmt: skip
def test_no_more_than_the_limit_and_never_the_wrong_one(
    held: list[Place], limit: int, free: int, priority: Priority, size: int
) -> None:
    wanted = wish(priority, size)
    verdict = decide(wanted, held, limit=limit, free=free)
    allowed = idle(wanted, held)
    assert list(verdict.ends) == allowed[: len(verdict.ends)]
    if verdict.refused is not None:
        assert "new" in str(verdict.refused) and not verdict.ends and verdict.waits is None
    elif verdict.waits is None:
        assert len(held) - len(verdict.ends) + 1 <= limit
    else:
        assert "new" in str(verdict.waits)


@given(held=PLACES, limit=st.integers(1, 5))
def test_who_is_more_urgent_never_waits_where_another_does_not(held: list[Place], limit: int) -> None:
    waiting = [decide(wish(p), held, limit=limit, free=PLENTY).waits is not None for p in PRIORITIES]
    assert waiting == sorted(waiting)

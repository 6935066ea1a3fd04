"""Which slot a request is told to take, so that who types keeps theirs."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

from ide_agent.inference import seats as module
from ide_agent.inference.seats import Seats

TYPED = {"prompt": [1, 2], "interactive": True}


def chat(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text * 400}]}


def typed_in(seats: Seats, slot: int) -> None:
    seats.heard(TYPED, {"content": "x", "id_slot": slot})
    seats.heard(TYPED, {"content": "y"})


def told(seats: Seats, payload: dict[str, Any]) -> int | None:
    with seats.take(payload) as asked:
        assert {**payload, **asked} == asked
        return asked.get("id_slot")


def test_nobody_is_told_anything_before_somebody_types() -> None:
    seats = Seats(2)
    seats.heard(chat("a"), {"id_slot": 1})
    assert told(seats, chat("b")) is None


def test_chats_go_where_nobody_types() -> None:
    seats = Seats(2)
    typed_in(seats, 0)
    assert [told(seats, chat(each)) for each in "abc"] == [1, 1, 1]
    typed_in(seats, 1)
    assert told(seats, chat("d")) == 0


def test_who_types_is_told_nothing() -> None:
    seats = Seats(2)
    typed_in(seats, 0)
    assert told(seats, TYPED) is None


@pytest.mark.parametrize(
    "payload", [{"prompt": ["a", "b"]}, {"prompt": "a", "n": 2}, {"prompt": "a", "id_slot": 0}]
)
def test_who_needs_several_slots_or_names_one_is_let_be(payload: dict[str, Any]) -> None:
    seats = Seats(3)
    typed_in(seats, 0)
    assert told(seats, payload) == payload.get("id_slot")


def test_the_only_slot_is_for_all() -> None:
    seats = Seats(1)
    typed_in(seats, 0)
    assert told(seats, chat("a")) is None


def test_who_has_not_typed_for_long_has_no_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    seats = Seats(2)
    typed_in(seats, 0)
    monkeypatch.setattr(module, "_TYPING_SECONDS", 0.0)
    assert told(seats, chat("a")) is None


def test_a_conversation_goes_on_where_it_was_and_others_where_nothing_was_for_longest() -> None:
    seats = Seats(4)
    typed_in(seats, 2)
    first = [told(seats, chat(each)) for each in "abc"]
    assert sorted(map(str, first)) == ["0", "1", "3"]
    longer = chat("b")
    longer["messages"].append({"role": "assistant", "content": "!"})
    assert told(seats, longer) == first[1]
    assert told(seats, chat("d")) == first[0]


def test_those_at_once_go_to_different_ones() -> None:
    seats = Seats(3)
    typed_in(seats, 1)
    with ExitStack() as stack:
        asked = [stack.enter_context(seats.take(chat("a"))) for _ in range(4)]
    assert sorted(each["id_slot"] for each in asked) == [0, 0, 2, 2]

"""Which slot a request is told to take, so that who types keeps theirs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ide_agent.inference import seats as module
from ide_agent.inference.seats import Seats, Stay

TYPED = {"prompt": [1, 2], "interactive": True}


def chat(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text * 400}]}


async def typed_in(seats: Seats, slot: int) -> None:
    async with seats.take(TYPED) as stay:
        seats.heard(stay, {"content": "x", "id_slot": slot})
        seats.heard(stay, {"content": "y", "id_slot": -1})


async def told(seats: Seats, payload: dict[str, Any]) -> int | None:
    async with seats.take(payload) as stay:
        assert {**payload, **stay.payload} == stay.payload
        return stay.payload.get("id_slot")


class Room:
    """Lets requests in and out one by one; `slots` has those that are in."""

    def __init__(self, seats: Seats) -> None:
        self.seats = seats
        self.slots: dict[str, int | None] = {}
        self.stays: dict[str, Stay] = {}
        self._doors: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def enter(self, name: str, payload: dict[str, Any]) -> None:
        self._doors[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._stay(name, payload))
        await self.settle()

    async def leave(self, *names: str) -> None:
        for name in names:
            self._doors[name].set()
            await self._tasks[name]
            await self.settle()

    async def cancel(self, name: str) -> None:
        self._tasks[name].cancel()
        await asyncio.wait([self._tasks[name]])
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def _stay(self, name: str, payload: dict[str, Any]) -> None:
        async with self.seats.take(payload) as stay:
            self.stays[name], self.slots[name] = stay, stay.payload.get("id_slot")
            await self._doors[name].wait()
        del self.slots[name]


async def test_nobody_is_told_anything_before_somebody_types() -> None:
    seats = Seats(2)
    async with seats.take(chat("a")) as stay:
        seats.heard(stay, {"id_slot": 1})
    assert await told(seats, chat("b")) is None


async def test_chats_go_where_nobody_types() -> None:
    seats = Seats(2)
    await typed_in(seats, 0)
    assert [await told(seats, chat(each)) for each in "abc"] == [1, 1, 1]
    await typed_in(seats, 1)
    assert await told(seats, chat("d")) == 0


async def test_who_types_is_told_nothing() -> None:
    seats = Seats(2)
    await typed_in(seats, 0)
    assert await told(seats, TYPED) is None


@pytest.mark.parametrize(
    "payload", [{"prompt": ["a", "b"]}, {"prompt": "a", "n": 2}, {"prompt": "a", "id_slot": 0}]
)
async def test_who_needs_several_slots_or_names_one_is_let_be(payload: dict[str, Any]) -> None:
    seats = Seats(3)
    await typed_in(seats, 0)
    assert await told(seats, payload) == payload.get("id_slot")


async def test_the_only_slot_is_for_all() -> None:
    seats = Seats(1)
    await typed_in(seats, 0)
    assert await told(seats, chat("a")) is None


async def test_who_has_not_typed_for_long_has_no_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    seats = Seats(2)
    await typed_in(seats, 0)
    monkeypatch.setattr(module, "TYPING_SECONDS", 0.0)
    assert await told(seats, chat("a")) is None


async def test_a_conversation_goes_on_where_it_was_and_others_where_nothing_was_for_longest() -> None:
    seats = Seats(4)
    await typed_in(seats, 2)
    first = [await told(seats, chat(each)) for each in "abc"]
    assert sorted(map(str, first)) == ["0", "1", "3"]
    longer = chat("b")
    longer["messages"].append({"role": "assistant", "content": "!"})
    assert await told(seats, longer) == first[1]
    assert await told(seats, chat("d")) == first[0]


async def test_those_at_once_go_to_different_ones_or_wait_here() -> None:
    seats = Seats(3)
    await typed_in(seats, 1)
    room = Room(seats)
    for name in "abcd":
        await room.enter(name, chat("a"))
    assert room.slots == {"a": 0, "b": 2}
    await room.cancel("c")
    await room.leave("b")
    assert room.slots == {"a": 0, "d": 2}
    await room.leave("a", "d")


async def test_nobody_is_told_a_slot_that_another_has_or_may_have() -> None:
    seats = Seats(2)
    await typed_in(seats, 0)
    room = Room(seats)
    await room.enter("typed", TYPED)
    await room.enter("chat", chat("a"))
    assert room.slots == {"typed": None}, "which one has it?"
    seats.heard(room.stays["typed"], {"id_slot": 0})
    await room.settle()
    assert room.slots == {"typed": None, "chat": 1}
    await room.enter("typed on", TYPED)
    await room.leave("typed", "chat")
    seats.heard(room.stays["typed on"], {"id_slot": 1})
    await room.enter("typed again", TYPED)
    seats.heard(room.stays["typed again"], {"id_slot": 0})
    await room.enter("second chat", chat("b"))
    assert "second chat" not in room.slots
    await room.leave("typed on")
    assert room.slots == {"typed again": None, "second chat": 1}
    await room.leave("typed again", "second chat")


async def test_beside_one_whose_slot_nobody_knows_nobody_is_told_one() -> None:
    seats = Seats(3)
    room = Room(seats)
    await room.enter("early", chat("a"))
    await typed_in(seats, 0)
    await room.enter("chat", chat("b"))
    assert room.slots == {"early": None, "chat": None}
    await room.leave("early")
    await room.enter("second", chat("c"))
    assert room.slots == {"chat": None, "second": None}
    await room.leave("chat", "second")
    assert await told(seats, chat("d")) == 1


async def test_a_picture_is_not_compared_and_not_kept() -> None:
    seats = Seats(3)
    await typed_in(seats, 0)

    def about(picture: str, question: str) -> dict[str, Any]:
        url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture * 1_000_000}"}}
        return {"messages": [{"role": "user", "content": [url, {"type": "text", "text": question}]}]}

    first = await told(seats, about("A", "what is that? " * 10_000))
    assert await told(seats, chat("b")) != first
    assert await told(seats, about("B", "what is that? " * 10_000)) == first
    assert max(len(seat.text) for seat in seats._seats) <= 1 << 16

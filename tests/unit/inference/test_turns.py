import asyncio
import contextlib
from collections.abc import Callable

import pytest

from ide_agent.inference import turns as module
from ide_agent.inference.turns import Priority, Turns


class Room:
    """Notes who is in and lets them out one by one."""

    def __init__(self, background: int = 1, alone: int | None = None) -> None:
        self.turns = Turns(background, alone)
        self.inside: list[str] = []
        self.doors: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def enter(self, name: str, priority: Priority) -> None:
        self.doors[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._stay(name, priority))
        await self.settle()

    async def leave(self, name: str) -> None:
        self.doors[name].set()
        await self.tasks[name]
        await self.settle()

    async def cancel(self, name: str) -> None:
        self.tasks[name].cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.tasks[name]
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def _stay(self, name: str, priority: Priority) -> None:
        async with self.turns.take(priority):
            self.inside.append(name)
            try:
                await self.doors[name].wait()
            finally:
                self.inside.remove(name)


async def test_foreground_never_waits() -> None:
    room = Room()
    for name in "abc":
        await room.enter(name, "foreground")
    assert room.inside == ["a", "b", "c"]
    for name in "abc":
        await room.leave(name)


async def test_background_waits_for_all_of_foreground() -> None:
    room = Room()
    await room.enter("a", "foreground")
    await room.enter("b", "foreground")
    await room.enter("later", "background")
    await room.leave("a")
    assert room.inside == ["b"]
    await room.leave("b")
    assert room.inside == ["later"]
    await room.enter("c", "foreground")
    assert room.inside == ["later", "c"]
    await room.leave("c")
    await room.leave("later")


async def test_background_keeps_its_order_and_its_limit() -> None:
    room = Room(background=2)
    for name in "abcd":
        await room.enter(name, "background")
    assert room.inside == ["a", "b"]
    await room.leave("b")
    assert room.inside == ["a", "c"]
    await room.leave("a")
    assert room.inside == ["c", "d"]
    await room.leave("c")
    await room.leave("d")


@pytest.mark.parametrize("waiting", [True, False])
async def test_case_11_who_was_cancelled_takes_no_turn(waiting: bool) -> None:
    room = Room()
    await room.enter("first", "foreground" if waiting else "background")
    await room.enter("gone", "background")
    await room.enter("next", "background")
    await room.cancel("gone" if waiting else "first")
    if waiting:
        assert room.inside == ["first"]
        await room.leave("first")
        assert room.inside == ["next"]
        await room.leave("next")
    else:
        assert room.inside == ["gone"]
        await room.leave("gone")
        assert room.inside == ["next"]
        await room.leave("next")


async def test_cancelled_in_the_very_moment_of_admission() -> None:
    room = Room()
    await room.enter("first", "background")
    await room.enter("gone", "background")
    await room.enter("next", "background")
    room.doors["first"].set()
    while room.inside:
        await asyncio.sleep(0)  # first is out, its successor admitted but not yet awake
    await room.cancel("gone")
    assert room.inside == ["next"]
    await room.leave("next")


@pytest.mark.parametrize("rounds", range(4))
async def test_cancelled_at_any_moment_around_the_end_of_a_turn(rounds: int) -> None:
    for before in (True, False):
        room = Room()
        await room.enter("first", "foreground")
        await room.enter("gone", "background")
        acts: list[Callable[[], object]] = [room.doors["first"].set, room.tasks["gone"].cancel]
        for act in acts if before else acts[::-1]:
            act()
            for _ in range(rounds):
                await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await room.tasks["gone"]
        await room.settle()
        await room.enter("later", "background")
        assert room.inside == ["later"]
        await room.leave("later")


async def test_the_api_and_what_may_be_useful_do_not_wait_for_each_other() -> None:
    room = Room()
    await room.enter("chat", "api")
    await room.enter("second chat", "api")
    await room.enter("ahead", "background")
    assert room.inside == ["chat", "ahead"]
    await room.enter("typing", "foreground")
    await room.leave("chat")
    assert room.inside == ["ahead", "typing"]
    await room.leave("typing")
    assert room.inside == ["ahead", "second chat"]
    await room.leave("second chat")
    await room.leave("ahead")


async def test_while_nobody_types_chats_have_all_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(alone=2)
    for name in ("chat", "second", "third"):
        await room.enter(name, "api")
    assert room.inside == ["chat", "second"]
    await room.leave("chat")
    await room.enter("typing", "foreground")
    assert room.inside == ["second", "third", "typing"]
    await room.enter("fourth", "api")
    for name in ("typing", "second"):
        await room.leave(name)
    assert room.inside == ["third"]  # one slot is for who types
    monkeypatch.setattr(module, "TYPING_SECONDS", 0.0)
    await room.enter("last keystroke", "foreground")
    await room.leave("last keystroke")
    while "fourth" not in room.inside:
        await asyncio.sleep(0)
    for name in ("third", "fourth"):
        await room.leave(name)

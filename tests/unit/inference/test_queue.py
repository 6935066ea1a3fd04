"""The line of those who wait for a place."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ide_agent.inference import queue as module
from ide_agent.inference.models import ModelFile
from ide_agent.inference.plan import Wish
from ide_agent.inference.queue import Queue
from ide_agent.inference.turns import Priority


def wish(name: str, priority: Priority) -> tuple[Wish, ModelFile]:
    return Wish((Path(name), "text"), name, 1, priority), ModelFile(name, Path(name), 1, 1)


def test_the_urgent_stand_in_front_of_the_others() -> None:
    queue = Queue()
    with (
        queue.stand(*wish("index", "background")) as index,
        queue.stand(*wish("chat", "api")) as chat,
        queue.stand(*wish("other chat", "api")) as other,
    ):
        assert list(queue) == [chat, other, index]
        assert [queue.ahead(each) for each in queue] == [None, chat, chat]
        with queue.stand(*wish("ghost", "foreground")) as ghost:
            assert queue.ahead(ghost) is None and queue.ahead(chat) is ghost
            with queue.stand(*wish("ghost", "api")) as also:
                assert queue.ahead(also) is None
    assert not list(queue)


async def test_who_leaves_lets_the_others_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 60.0)
    queue = Queue()
    with queue.stand(*wish("b", "api")):
        with queue.stand(*wish("a", "foreground")):
            looking = asyncio.create_task(queue.change())
            await asyncio.sleep(0)
            assert not looking.done()
        await asyncio.wait_for(looking, 10)


async def test_they_look_from_time_to_time_though_nobody_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.001)
    await asyncio.wait_for(Queue().change(), 10)


async def test_who_looks_at_the_moment_in_which_it_gives_up_gives_up() -> None:
    queue = Queue()
    looking = asyncio.create_task(queue.change())
    await asyncio.sleep(0)
    queue.look()
    looking.cancel()
    await asyncio.wait([looking])
    assert looking.cancelled()


async def test_those_whose_file_nobody_wants_any_more_are_sent_away() -> None:
    queue = Queue()
    with (
        queue.stand(*wish("a", "api")) as a,
        queue.stand(*wish("b", "api")) as b,
        queue.stand(*wish("b", "background")) as also,
    ):
        looking = asyncio.create_task(queue.change())
        await asyncio.sleep(0)
        assert queue.end({Path("b"), Path("c")}) == 2
        await asyncio.wait_for(looking, 10)
        assert [each.ended for each in (a, b, also)] == [False, True, True]

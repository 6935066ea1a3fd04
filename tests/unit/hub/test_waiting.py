"""Threads that are not left behind."""

from __future__ import annotations

import asyncio
import threading

import pytest

from ide_agent.features.hub.waiting import in_thread


async def test_the_result_comes_back() -> None:
    assert await in_thread(lambda: 7) == 7


async def test_so_does_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


@pytest.mark.parametrize("ends_badly", [False, True])
async def test_cancelling_waits_for_the_thread(ends_badly: bool) -> None:
    started, stop, ended = asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(started.set)
        assert stop.wait(30)
        ended.set()
        if ends_badly:
            raise ValueError("too late to matter")

    task = asyncio.create_task(in_thread(work, stop=stop.set))
    await asyncio.wait_for(started.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()

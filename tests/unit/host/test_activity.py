import asyncio
from types import SimpleNamespace

import pytest

from ide_agent.host import activity as module
from ide_agent.host.activity import Activity


async def test_idle_waits_for_every_reason_to_end() -> None:
    activity = Activity()
    with activity.busy("job"):
        with activity.busy("request"), activity.busy("request"):
            assert activity.reasons() == {"job": 1, "request": 2}
        idle = asyncio.create_task(activity.idle(0))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not idle.done()
    await asyncio.wait_for(idle, 60)
    assert activity.reasons() == {}


async def test_idle_time_starts_anew_after_each_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    activity = Activity()
    now = 104.0
    with activity.busy("request"):
        pass
    now = 104.999
    idle = asyncio.create_task(activity.idle(1))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not idle.done()
    now = 105.0
    await asyncio.wait_for(idle, 60)


async def test_a_reason_ends_when_its_work_fails() -> None:
    activity = Activity()
    try:
        with activity.busy("job"):
            raise KeyError
    except KeyError:
        pass
    await asyncio.wait_for(activity.idle(0), 60)

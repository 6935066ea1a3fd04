import asyncio
from contextlib import aclosing

from ide_agent.host.events import Events


async def test_everyone_gets_everything_in_order() -> None:
    events = Events()

    async def read() -> list[object]:
        return [event["n"] async for event in events.subscribe()]

    readers = [asyncio.create_task(read()) for _ in range(3)]
    while len(events) < 3:
        await asyncio.sleep(0)
    for n in range(10):
        events.publish({"type": "note", "n": n})
    events.close()
    assert await asyncio.gather(*readers) == [list(range(10))] * 3
    assert len(events) == 0


async def test_last_status_is_replayed_to_a_newcomer() -> None:
    events = Events()
    for state in ("loading", "ready"):
        events.publish({"type": "status", "state": state})
    events.publish({"type": "note"})
    async with aclosing(events.subscribe()) as stream:
        assert await anext(stream) == {"type": "status", "state": "ready"}


async def test_slow_reader_loses_the_oldest_and_holds_up_nobody() -> None:
    events = Events()
    slow, quick = events.subscribe(), events.subscribe()
    events.publish({"type": "status", "state": "ready"})
    await anext(slow)
    await anext(quick)
    seen = 0
    for n in range(5000):
        events.publish({"type": "note", "n": n})
        assert (await anext(quick))["n"] == n
        seen += 1
    assert seen == 5000
    rest = await anext(slow)
    assert 0 < rest["n"] < 5000
    await slow.aclose()
    await quick.aclose()
    assert len(events) == 0


async def test_subscribing_after_the_end_ends_at_once() -> None:
    events = Events()
    events.publish({"type": "status", "state": "ready"})
    events.close()
    assert [event async for event in events.subscribe()] == [{"type": "status", "state": "ready"}]


async def test_a_passing_status_is_told_but_does_not_replace_the_lasting_one() -> None:
    events = Events()
    assert events.status is None
    ready, passing = ({"type": "status", "state": state} for state in ("ready", "downloading"))
    events.publish(ready)
    events.publish(passing, passing=True)
    assert events.status == ready
    async with aclosing(events.subscribe()) as stream:
        assert await anext(stream) == passing

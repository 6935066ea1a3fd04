import asyncio

from ide_agent.features.completion.pauses import Pauses


async def test_work_begins_after_the_last_pause_only() -> None:
    pauses, done = Pauses(), asyncio.Event()
    seen: list[str] = []

    async def work(uri: str) -> None:
        seen.append(uri)
        done.set()

    for _ in range(3):
        pauses.after(0.01, work, "a")
    assert pauses.waiting("a")
    await asyncio.wait_for(done.wait(), 30)
    assert seen == ["a"]
    assert not pauses.waiting("a")


async def test_of_one_key_the_last_counts() -> None:
    pauses, done = Pauses(), asyncio.Event()
    seen: list[str] = []

    async def work(uri: str) -> None:
        seen.append(uri)
        done.set()

    pauses.after(0.01, work, "a", key="opening")
    pauses.after(0.01, work, "b", key="opening")
    await asyncio.wait_for(done.wait(), 30)
    assert seen == ["b"]


async def test_what_is_dropped_never_begins() -> None:
    pauses, later = Pauses(), asyncio.Event()
    seen: list[str] = []

    async def work(uri: str) -> None:
        seen.append(uri)
        later.set()

    pauses.after(0.0, work, "a")
    pauses.drop("a")
    pauses.after(0.01, work, "b")
    await asyncio.wait_for(later.wait(), 30)
    assert seen == ["b"]

import asyncio

import pytest

from ide_agent.inference.remote.bucket import Bucket


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now += seconds


async def times(bucket: Bucket, clock: Clock, count: int) -> list[float]:
    found = []
    for _ in range(count):
        await bucket.take()
        found.append(round(clock.now, 3))
    return found


async def test_one_a_second() -> None:
    clock = Clock()
    assert await times(Bucket(1, 60, clock, clock.sleep), clock, 4) == [0, 1, 2, 3]


async def test_no_more_than_a_minute_allows() -> None:
    clock = Clock()
    found = await times(Bucket(10, 6, clock, clock.sleep), clock, 9)
    assert found == [0, 0, 0, 0, 0, 0, 10, 20, 30]


async def test_slower_than_one_a_second() -> None:
    clock = Clock()
    assert await times(Bucket(0.5, 60, clock, clock.sleep), clock, 3) == [0, 2, 4]


async def test_who_came_first_goes_first() -> None:
    clock = Clock()
    bucket = Bucket(1, 60, clock, clock.sleep)
    order: list[int] = []

    async def come(number: int) -> None:
        await bucket.take()
        order.append(number)

    await asyncio.gather(*map(come, range(5)))
    assert order == [0, 1, 2, 3, 4]
    assert bucket.waiting == 0


async def test_who_leaves_gives_up_the_place() -> None:
    clock = Clock()
    never = asyncio.Event()

    async def sleep(_: float) -> None:
        await never.wait()

    bucket = Bucket(1, 60, clock, sleep)
    await bucket.take()
    waiting = asyncio.create_task(bucket.take())
    await asyncio.sleep(0)
    assert bucket.waiting == 1
    assert bucket.delay() == pytest.approx(2)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert bucket.waiting == 0
    assert bucket.delay() == pytest.approx(1)


async def test_nobody_passes_while_it_is_held() -> None:
    clock = Clock()
    bucket = Bucket(1000, 6000, clock, clock.sleep)
    bucket.hold(7)
    assert bucket.delay() == pytest.approx(7)
    assert await times(bucket, clock, 2) == [7, 7]

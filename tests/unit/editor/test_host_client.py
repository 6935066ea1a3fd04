from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from ide_agent.editor.host_client import Clock, HostClient
from ide_agent.editor.link import parse_events
from ide_agent.errors import EngineCrashed, HostStartError, HostUnavailable, IdeAgentError, ModelNotFound
from support.editor import PATIENCE, eventually
from support.fake_host import Address, Call, FakeHost


class News:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self._changed = asyncio.Event()

    def _add(self, what: Any) -> None:
        self.heard.append(what)
        self._changed.set()

    def host_event(self, event: dict[str, Any]) -> None:
        self._add(event)

    def host_ready(self) -> None:
        self._add("ready")

    def host_lost(self) -> None:
        self._add("lost")

    def host_failed(self, error: IdeAgentError) -> None:
        self._add(error)

    async def until(self, holds: Callable[[list[Any]], bool]) -> None:
        async def wait() -> None:
            while not holds(self.heard):
                self._changed.clear()
                await self._changed.wait()

        await asyncio.wait_for(wait(), PATIENCE)


class Jump(Clock):
    """Time that passes only where somebody waits for it, and then at once."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Still(Jump):
    """Time that does not pass: who waits, waits for ever."""

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        if seconds:
            await asyncio.Event().wait()


class Place:
    """Hosts, and the client that finds or starts them."""

    def __init__(self, clock: Clock | None) -> None:
        self.loop = asyncio.get_running_loop()
        self.news = News()
        self.host = FakeHost()
        self.address: Address | None = None
        self.starts = 0
        self.refuse: IdeAgentError | None = None
        self.client = HostClient(self.news, self.ensure, clock)

    def ensure(self, timeout: float) -> Address:
        if self.refuse is not None:
            raise self.refuse
        return asyncio.run_coroutine_threadsafe(self._ensure(), self.loop).result(timeout)

    async def _ensure(self) -> Address:
        if self.address is None or not self.host.listening:
            self.starts += 1
            self.address = await self.host.start()
        return self.address


@asynccontextmanager
async def place(clock: Clock | None = None) -> AsyncIterator[Place]:
    here = Place(clock)
    try:
        yield here
    finally:
        await here.client.aclose()
        await here.host.aclose()


async def test_request_starts_the_host_and_carries_the_token() -> None:
    async with place() as here:
        assert await here.client.request("GET", "/status") == {"version": "0.1.0", "pid": 1}
        assert here.starts == 1
        call = next(c for c in here.host.calls if c.path == "/status")
        assert call.headers["authorization"] == "Bearer secret"


async def test_many_requests_start_one_host() -> None:
    async with place() as here:
        await asyncio.gather(*(here.client.request("GET", "/status") for _ in range(20)))
        assert here.starts == 1


async def test_a_cancelled_request_does_not_stop_the_start_for_the_others() -> None:
    async with place() as here:
        first = asyncio.create_task(here.client.request("GET", "/status"))
        second = asyncio.create_task(here.client.request("GET", "/status"))
        await asyncio.sleep(0)
        first.cancel()
        assert (await asyncio.wait_for(second, PATIENCE))["pid"] == 1


async def test_errors_come_back_as_they_left() -> None:
    async with place() as here:
        wire = ModelNotFound(name="x").as_wire()
        here.host.routes["POST /completion"] = lambda call: call.answer({"error": wire}, 404)
        with pytest.raises(ModelNotFound) as caught:
            await here.client.request("POST", "/completion", {})
        assert caught.value.params == {"name": "x"}


async def test_an_answer_that_is_not_ours_is_still_an_error() -> None:
    async with place() as here:
        with pytest.raises(IdeAgentError):
            await here.client.request("GET", "/nowhere")


async def test_stream_yields_events_and_raises_error_events() -> None:
    async with place() as here:

        def complete(call: Call) -> None:
            call.head()
            call.event({"type": "text", "text": "a"})
            call.event({"type": "error", "error": EngineCrashed(model="m", reason="r").as_wire()})
            call.end()

        here.host.routes["POST /completion"] = complete
        got = []
        with pytest.raises(EngineCrashed):
            async for event in here.client.stream("/completion", {"prefix": "x"}):
                got.append(event)
        assert got == [{"type": "text", "text": "a"}]
        assert [c.body for c in here.host.calls if c.path == "/completion"] == [{"prefix": "x"}]


@pytest.mark.parametrize("how", ["aclose", "cancel"])
async def test_leaving_a_stream_closes_the_connection(how: str) -> None:
    async with place() as here:
        calls: list[Call] = []

        async def complete(call: Call) -> None:
            calls.append(call)
            call.head()
            call.event({"n": 1})
            await call.gone.wait()

        here.host.routes["POST /completion"] = complete
        first = asyncio.Event()

        async def read() -> None:
            async with aclosing(here.client.stream("/completion", {})) as events:
                async for _ in events:
                    first.set()
                    if how == "aclose":
                        return

        task = asyncio.create_task(read())
        await asyncio.wait_for(first.wait(), PATIENCE)
        if how == "cancel":
            task.cancel()
        await asyncio.wait_for(calls[0].gone.wait(), PATIENCE)
        await asyncio.gather(task, return_exceptions=True)


async def test_a_stream_that_breaks_off_says_that_the_host_is_gone() -> None:
    async with place() as here:

        def complete(call: Call) -> None:
            call.head()
            call.event({"n": 1})
            call.writer.transport.abort()

        here.host.routes["POST /completion"] = complete
        with pytest.raises(HostUnavailable):
            async for _ in here.client.stream("/completion", {}):
                pass


async def test_work_is_posted_once_even_if_its_connection_breaks() -> None:
    async with place() as here:
        here.host.routes["POST /models/pull"] = lambda call: call.writer.transport.abort()
        with pytest.raises(HostUnavailable):
            await here.client.request("POST", "/models/pull", {})
        assert here.host.paths() == ["POST /models/pull"]
        assert here.client.connected  # one broken connection is not a dead host
        assert "lost" not in here.news.heard


async def test_what_may_be_worked_on_twice_outlives_a_host_that_is_being_killed() -> None:
    """For a moment it takes connections and drops them; then it refuses."""
    async with place(Jump()) as here:
        await here.client.request("GET", "/status")
        await asyncio.wait_for(here.host.attached.wait(), PATIENCE)
        drops = 0

        def complete(call: Call) -> None:
            nonlocal drops
            drops += 1
            if here.starts == 1:
                call.writer.transport.abort()
                if drops == 2:
                    here.host.kill()
                return
            call.head()
            call.event({"n": 1})
            call.end()

        here.host.routes["POST /completion"] = complete
        got = [event async for event in here.client.stream("/completion", {}, repeatable=True)]
        assert got == [{"n": 1}]
        assert (drops, here.starts) == (3, 2)


async def test_a_host_that_drops_all_is_not_asked_for_ever() -> None:
    async with place(Jump()) as here:
        here.host.routes["POST /completion"] = lambda call: call.writer.transport.abort()
        with pytest.raises(HostUnavailable):
            async for _ in here.client.stream("/completion", {}, repeatable=True):
                pass
        assert here.host.paths() == ["POST /completion"] * 4


async def test_a_host_that_is_silent_is_asked_once() -> None:
    """It has the request, and may be at work on it; whoever asks has waited long enough."""
    async with place(Jump()) as here:
        here.host.routes["GET /panels"] = lambda call: None
        with pytest.raises(HostUnavailable):
            await here.client.request("GET", "/panels", timeout=0.5)
        assert here.host.paths() == ["GET /panels"]


async def test_a_request_that_kills_hosts_kills_one_more_and_no_third() -> None:
    async with place(Jump()) as here:

        def die(call: Call) -> None:
            call.writer.transport.abort()
            here.host.kill()

        here.host.routes["GET /panels"] = die
        with pytest.raises(HostUnavailable):
            await here.client.request("GET", "/panels")
        assert here.host.paths() == ["GET /panels"] * 2


async def test_what_came_after_the_first_host_is_asked_once() -> None:
    """However many tries the first one has left."""
    async with place(Jump()) as here:
        await here.client.request("GET", "/status")
        await asyncio.wait_for(here.host.attached.wait(), PATIENCE)
        asked: list[int] = []

        def drop(call: Call) -> None:
            asked.append(here.starts)
            call.writer.transport.abort()
            if here.starts == 1:
                here.host.kill()

        here.host.routes["GET /panels"] = drop
        with pytest.raises(HostUnavailable):
            await here.client.request("GET", "/panels")
        assert asked == [1, 2]


async def test_connection_refused_is_healed_within_the_request() -> None:
    async with place() as here:
        await here.client.request("GET", "/status")
        await asyncio.wait_for(here.host.attached.wait(), PATIENCE)
        here.host.kill()
        assert (await here.client.request("GET", "/status"))["pid"] == 1
        assert here.starts == 2


async def test_a_new_token_is_picked_up() -> None:
    async with place() as here:
        await here.client.request("GET", "/status")
        here.host.token = "other"
        assert here.address is not None
        here.address = Address(here.address.url, {"Authorization": "Bearer other"})
        assert (await here.client.request("GET", "/status"))["pid"] == 1
        assert here.starts == 1


async def test_host_events_reach_the_listener() -> None:
    async with place() as here:
        here.client.start()
        await asyncio.wait_for(here.host.attached.wait(), PATIENCE)
        here.host.publish({"type": "status", "state": "loading"})
        await here.news.until(lambda heard: {"type": "status", "state": "loading"} in heard)
        assert here.news.heard[0] == "ready"


async def test_a_dead_host_is_started_again_and_said_once() -> None:
    async with place(Jump()) as here:
        here.client.start()
        for starts in (1, 2, 3):
            await here.news.until(lambda heard, n=starts: heard.count("ready") == n)  # type: ignore[misc]
            here.host.kill()
        await here.news.until(lambda heard: heard.count("ready") == 4)
        assert here.news.heard.count("lost") == 1
        assert here.starts == 4


async def test_a_host_that_hangs_is_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ide_agent.editor.host_client._LONGEST_SILENCE", 0.2)
    async with place(Jump()) as here:
        here.client.start()
        await here.news.until(lambda heard: heard.count("ready") == 2)
        assert here.news.heard.count("lost") == 1


async def test_repeated_failures_wait_ever_longer_but_not_for_ever() -> None:
    clock = Jump()
    async with place(clock) as here:
        here.refuse = HostStartError(reason="no")
        here.client.start()
        await here.news.until(lambda heard: len(heard) >= 9)
    before_the_first_try, *waits = clock.waits
    assert before_the_first_try == 0
    assert waits[:8] == [0, 0.5, 1, 2, 4, 8, 16, 30]
    assert set(waits[8:]) <= {30}


async def test_while_backing_off_requests_fail_at_once() -> None:
    clock = Still()
    async with place(clock) as here:
        here.refuse = HostStartError(reason="no")
        with pytest.raises(HostStartError):
            await here.client.request("GET", "/status")
        await eventually(lambda: clock.waits[-1:] == [0.5])  # the second try, at once, failed too
        here.refuse = None
        with pytest.raises(HostUnavailable):
            await here.client.request("GET", "/status")
        assert here.starts == 0
        clock.now += 0.5
        assert (await here.client.request("GET", "/status"))["pid"] == 1


async def test_a_host_that_was_stable_is_restarted_at_once_and_its_death_said_again() -> None:
    clock = Jump()
    async with place(clock) as here:
        here.client.start()
        for starts in (1, 2, 3):
            await here.news.until(lambda heard, n=starts: heard.count("ready") == n)  # type: ignore[misc]
            clock.now += 60
            here.host.kill()
        await here.news.until(lambda heard: heard.count("ready") == 4)
    assert here.news.heard.count("lost") == 3
    assert set(clock.waits) == {0}


async def test_a_host_that_left_on_purpose_comes_back_only_when_needed() -> None:
    async with place() as here:
        here.client.start()
        await here.news.until(lambda heard: heard == ["ready"])
        here.host.stop()
        await eventually(lambda: not here.client.connected)
        assert here.starts == 1
        await here.client.request("GET", "/status")
        await here.news.until(lambda heard: heard == ["ready", "ready"])
        assert here.starts == 2


async def _chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_events_are_cut_by_bytes(size: int) -> None:
    """Case 25: a character split across chunks, and U+2028 inside of one."""
    data = b"".join(
        part.encode()
        for part in (
            'data: {"a": "çığ 🙂"}\n\n: ping\n\n',
            'data: {"b": "x\u2028y\x85z"}\r\n\r\n',
            'event: e\ndata:{"c": 1}\n\n',
        )
    )
    parts = [data[i : i + size] for i in range(0, len(data), size)]
    got = [event async for event in parse_events(_chunks(*parts))]
    assert got == [{"a": "çığ 🙂"}, {"b": "x\u2028y\x85z"}, {"c": 1}]


async def test_nothing_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with place() as here:
        assert (await here.client.request("GET", "/status"))["pid"] == 1

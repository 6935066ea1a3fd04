"""Models that somebody activates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from filelock import FileLock

from ide_agent.errors import IdeAgentError, ModelError, ModelNotFound, NotEnoughMemory
from ide_agent.features.hub import kept
from ide_agent.features.hub.active import Activations, follow
from ide_agent.host.activity import Activity
from ide_agent.inference.models import ModelStore
from ide_agent.paths import state_dir
from support import gguf_file
from support.waiting import until

WAITS = [
    ModelError("error.model.waits", model="a", count=2, limit=2, names=names, used="x")
    for names in ("x", "y")
]


class Room:
    """Loads nothing; says what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.loads: list[str] = []
        self.released: list[str] = []
        self.go = asyncio.Event()
        self.loaded = asyncio.Event()
        self.loaded.set()
        self.refusal: IdeAgentError | None = None
        self.waits: asyncio.Queue[IdeAgentError] = asyncio.Queue()

    async def activate(
        self, model: str, on_wait: Callable[[IdeAgentError | None], asyncio.Future[None] | None]
    ) -> Any:
        self.asked.append(model)
        while not self.go.is_set():
            on_wait(await self.waits.get())
        if (first := on_wait(None)) is not None:
            await first
        self.loads.append(model)
        await self.loaded.wait()
        if self.refusal:
            raise self.refusal
        return SimpleNamespace(model=SimpleNamespace(name=model), backend="fake", purpose="text")

    async def release(self, model: str) -> int:
        self.released.append(model)
        return 1


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def activations(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Activations:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path / "home"))
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "a.gguf").write_bytes(gguf_file.file(gguf_file.llama()))
    services = SimpleNamespace(inference=room, models=ModelStore(tmp_path), activity=Activity())
    return Activations(cast("Any", services))


def done(room: Room) -> None:
    room.go.set()
    room.waits.put_nowait(WAITS[0])


async def test_it_says_why_it_waits_and_then_that_it_is_there(activations: Activations, room: Room) -> None:
    events: list[dict[str, Any]] = []
    async with aclosing(follow(activations, "a")) as told:
        async for event in told:
            events.append(event)
            match len(events):
                case 1:
                    for reason in (WAITS[0], WAITS[0], WAITS[1]):
                        room.waits.put_nowait(reason)
                case 2 if event["reason"]["params"]["names"] == "x":
                    continue
                case _:
                    done(room)
    assert events[0]["phase"] == "loading"
    assert events[-1] == {"phase": "ready", "name": "a", "engine": "fake", "purpose": "text"}
    assert "waiting" in [event["phase"] for event in events]
    await until(lambda: activations.running == [])


async def test_who_leaves_gives_up_unless_somebody_else_wants_it(
    activations: Activations, room: Room
) -> None:
    first, second = activations.want("a"), activations.want("a")
    assert first is second
    await asyncio.sleep(0)
    activations.leave(first)
    await asyncio.sleep(0)
    assert activations.running == [second]
    activations.leave(second)
    await asyncio.wait([second.task])
    assert second.task.cancelled() and activations.running == []
    assert room.asked == ["a"]


async def test_what_waits_is_deactivated(activations: Activations, room: Room) -> None:
    told = follow(activations, "a")
    assert (await anext(told))["phase"] == "loading"
    waiting = asyncio.create_task(anext(told))
    await asyncio.sleep(0)
    assert await activations.deactivate("a") == 2
    with pytest.raises(ModelError, match="a was released before it was in memory"):
        await waiting
    assert room.released == ["a"]


async def test_why_it_failed_is_kept_until_the_next_time(activations: Activations, room: Room) -> None:
    room.refusal = NotEnoughMemory(file="a.gguf", need_mb=2, free_mb=1)
    room.go.set()
    failed = activations.want("a")
    await asyncio.wait([failed.task])
    await asyncio.sleep(0)
    assert activations.failed == {"a": room.refusal}
    room.refusal = None
    await activations.want("a").task
    assert activations.failed == {}


async def test_what_was_activated_comes_back_until_it_is_deactivated(
    activations: Activations, room: Room
) -> None:
    room.go.set()
    await activations.want("a").task
    await until(lambda: kept.names() == ["a"])
    kept.add("gone")
    later = Activations(activations._services)
    await later.restore()
    [coming] = later.running
    assert (await coming.task).model.name == "a"
    assert room.asked == ["a", "a"]
    assert kept.names() == ["a"]
    await later.deactivate("a")
    assert kept.names() == []


async def test_what_failed_is_not_forgotten_and_a_bad_note_is(activations: Activations, room: Room) -> None:
    kept.add("a")
    room.refusal = NotEnoughMemory(file="a.gguf", need_mb=2, free_mb=1)
    room.go.set()
    await activations.restore()
    await until(lambda: "a" in activations.failed)
    assert kept.names() == ["a"]
    (state_dir() / "active-models.json").write_text("{")
    assert kept.names() == []


async def test_there_must_be_such_a_model(activations: Activations) -> None:
    with pytest.raises(ModelNotFound):
        activations.want("nosuch")
    with pytest.raises(ModelNotFound):
        await activations.deactivate("nosuch")


async def test_the_host_leaves_without_waiting(activations: Activations) -> None:
    waiting = activations.want("a")
    await asyncio.sleep(0)
    await activations.close()
    assert waiting.task.cancelled()


def stays(activations: Activations) -> bool:
    return bool(activations._services.activity.reasons())


async def test_the_host_stays_for_what_loads_and_not_for_what_only_waits(
    activations: Activations, room: Room
) -> None:
    kept.add("a")
    room.loaded.clear()
    await activations.restore()
    await asyncio.sleep(0)
    assert stays(activations)
    room.waits.put_nowait(WAITS[0])
    await until(lambda: not stays(activations))
    assert activations.running[0].reason is WAITS[0]
    asked = activations.want("a")
    room.waits.put_nowait(WAITS[1])
    await until(lambda: stays(activations))  # somebody wants it now
    activations.leave(asked)
    room.waits.put_nowait(WAITS[0])
    await until(lambda: not stays(activations))
    done(room)
    await until(lambda: stays(activations))
    assert activations.running[0].reason is None
    room.loaded.set()
    await until(lambda: not activations.running)
    assert not stays(activations)


async def test_what_ended_the_host_is_not_tried_again_by_itself(activations: Activations, room: Room) -> None:
    kept.add("a")
    room.loaded.clear()
    await activations.restore()
    await asyncio.sleep(0)
    room.waits.put_nowait(WAITS[0])
    await until(lambda: activations.running[0].reason is not None)
    assert kept.tried() == []  # it only waits
    done(room)
    await until(lambda: kept.tried() == ["a"])
    for _ in range(2):  # as if the host had ended here
        later = Activations(activations._services)
        await later.restore()
        assert later.running == []
        assert "a was not loaded again by itself" in later.failed["a"].message("en")
    room.loaded.set()
    await later.want("a").task
    await until(lambda: not later.running)
    assert (later.failed, kept.tried(), kept.names()) == ({}, [], ["a"])


async def test_it_is_noted_before_it_is_loaded(activations: Activations, room: Room) -> None:
    """Or a model that ends the host at once would be tried again for ever."""
    kept.add("a")
    kept.settle()
    room.go.set()
    with FileLock(state_dir() / "kept-models.lock"):  # somebody else changes the notes just now
        await activations.restore()
        await until(lambda: room.asked == ["a"])
        await asyncio.sleep(0)
        assert (room.loads, kept._read(kept._tried())) == ([], [])
    await until(lambda: room.loads == ["a"])
    await until(lambda: not activations.running)


def test_what_could_not_be_noted_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(kept, "_LOCK_SECONDS", 0.0)
    with FileLock(state_dir() / "kept-models.lock"):
        kept.add("a")
        kept.settle()
    assert kept.names() == []
    assert "active-models.json was not changed" in caplog.text


@pytest.mark.parametrize("refusal", [None, NotEnoughMemory(file="a.gguf", need_mb=2, free_mb=1)])
async def test_what_ended_without_the_host_is_tried_again(
    activations: Activations, room: Room, refusal: IdeAgentError | None
) -> None:
    kept.add("a")
    room.refusal = refusal
    room.go.set()
    await activations.restore()
    await until(lambda: not activations.running)
    assert (kept.names(), kept.tried()) == (["a"], [])


async def test_deactivating_forgets_that_it_was_tried(activations: Activations, room: Room) -> None:
    kept.add("a")
    kept.begin("a")
    await activations.restore()
    await activations.deactivate("a")
    assert (activations.failed, kept.names(), kept.tried()) == ({}, [], [])

"""Who gets a place, keeps it until it is used, and loses it; with engines that have no process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ide_agent.config import InferenceSettings, Settings
from ide_agent.errors import EngineClosed, ModelError, ModelNotFound, NotEnoughMemory
from ide_agent.hooks import Plugins
from ide_agent.host import app as app_module
from ide_agent.host.services import Services
from ide_agent.inference import backends, building, gpus
from ide_agent.inference.beside import NOTHING
from ide_agent.inference.gpus import Gpu
from ide_agent.inference.models import ModelStore
from ide_agent.inference.plan import Wish
from ide_agent.inference.service import Inference
from support import gguf_file
from support.fake_engine import FakeBackend
from support.fake_supervisor import FakeSupervisor
from support.served_host import served
from support.waiting import until

NAMES = ("a", "b", "c", "d", "e", "f")


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    for name in NAMES:
        (folder / name).mkdir(parents=True)
        (folder / name / "m.gguf").write_bytes(gguf_file.file(gguf_file.llama()))
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IDE_AGENT_MODELS", str(folder))
    return folder


@pytest.fixture(autouse=True)
async def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[FakeSupervisor]:
    fake = FakeSupervisor.fresh()
    monkeypatch.setattr(building, "Supervisor", fake)
    monkeypatch.setattr(backends, "BACKENDS", (FakeBackend(tmp_path / "starts"),))
    have(monkeypatch, 8 << 30)
    return fake


def have(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """Let the machine have so many bytes."""
    monkeypatch.setattr("ide_agent.inference.resources.free_memory", lambda: free)


def room_of(models: Path, places: int, told: list[dict[str, Any]] | None = None) -> Inference:
    publish = (lambda _: None) if told is None else told.append
    return Inference(InferenceSettings(active_models=places), ModelStore(models), publish)


@pytest.fixture
async def room(models: Path) -> AsyncGenerator[Inference, None]:
    """With a single place."""
    made = room_of(models, 1)
    yield made
    await made.close()


def rows(room: Inference) -> dict[str, str]:
    return {row["name"]: row["state"] for row in room.running()}


def reason(room: Inference, name: str) -> str:
    (row,) = [row for row in room.running() if row["name"] == name]
    return row["reason"]["code"] if row["reason"] else ""


async def waiting(room: Inference, name: str) -> None:
    await until(lambda: rows(room).get(name) == "waiting" and bool(reason(room, name)))


async def test_two_loads_at_once_share_a_gpu(
    models: Path, engines: type[FakeSupervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 1 << 40
    monkeypatch.setattr(gpus, "gpus", lambda: (Gpu("Card", 1 << 41, free),))
    monkeypatch.setattr(gpus, "_looked", None)
    monkeypatch.setattr(FakeBackend, "offloads", lambda self: True)
    inference, file = room_of(models, 3), ModelStore(models).find("a")
    whole = inference._builder.share(file, "text", NOTHING).gpu
    assert whole is not None and whole.layers == whole.of
    free = gpus._RESERVE + whole.bytes * 3 // 2
    gpus.look_again()
    engines.gate.clear()
    both = [asyncio.create_task(inference.engine(name)) for name in ("a", "b")]
    await until(lambda: len(inference._memory.loads) == 2)
    engines.gate.set()
    parts = [engine.part.gpu for engine in await asyncio.gather(*both)]
    assert sorted(part.layers < part.of for part in parts if part) == [False, True]
    assert sum(part.bytes for part in parts if part) <= whole.bytes * 3 // 2
    await until(lambda: not inference._memory.loads)
    again = inference._builder.share(file, "text", NOTHING).gpu  # what the driver says counts again
    assert again is not None and again.layers == again.of
    await inference.close()


# -- from the load to the use


@pytest.mark.parametrize("names", [("a", "b"), NAMES])
async def test_with_one_place_all_that_are_asked_at_once_answer(
    engines: type[FakeSupervisor], monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    monkeypatch.setattr(app_module, "plugins", Plugins)
    services = Services(Settings(inference=InferenceSettings(active_models=1)), [])
    async with served(services, "token") as client:

        async def ask(name: str) -> httpx.Response:
            return await client.post("/v1/completions", json={"model": name, "prompt": "x"})

        engines.gate.clear()
        asked = [asyncio.create_task(ask(name)) for _ in range(3) for name in names]
        memory = services.inference._memory

        def arrived() -> int:
            return len([*memory.queue]) + sum(len(load.asked) for load in memory.loads.values())

        await until(lambda: arrived() == len(asked))
        engines.gate.set()
        answers = await asyncio.gather(*asked)
    assert [answer.json() for answer in answers] == [{"model": name} for _ in range(3) for name in names]
    assert sorted(line for line in engines.log if line.startswith("load")) == [f"load {n}" for n in names]
    assert engines.most == 1


async def test_who_gives_up_while_it_loads_does_not_hold_it(
    room: Inference, engines: type[FakeSupervisor]
) -> None:
    engines.gate.clear()
    left, stayed = asyncio.create_task(room.engine("a")), asyncio.create_task(room.engine("a"))
    await until(lambda: rows(room) == {"a": "loading"})
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.wait([left])
    engines.gate.set()
    assert (await stayed).busy == 0
    await room.engine("b")
    assert rows(room) == {"b": "ready"}


async def test_one_that_has_to_go_is_given_to_nobody_from_that_moment(
    room: Inference, engines: type[FakeSupervisor]
) -> None:
    a = await room.engine("a")
    engines.ends.clear()
    b = asyncio.create_task(room.engine("b"))
    await until(lambda: rows(room).get("b") == "loading")
    with pytest.raises(EngineClosed):
        await a.request("POST", "/completion", {"prompt": "x"})
    engines.ends.set()
    await b


# -- places


async def test_a_crashed_engine_that_somebody_holds_keeps_its_place(
    room: Inference, engines: type[FakeSupervisor]
) -> None:
    async with room.hold("a") as a:
        (process,) = engines.here
        process.crash()
        b = asyncio.create_task(room.engine("b"))
        await waiting(room, "b")
        await a.request("POST", "/completion", {"prompt": "x"})
    await b
    assert engines.most == 1


async def test_a_crashed_engine_that_is_active_keeps_its_place_until_it_is_given_up(
    room: Inference, engines: type[FakeSupervisor]
) -> None:
    await room.activate("a")
    (process,) = engines.here
    process.crash()
    b = asyncio.create_task(room.engine("b"))
    await waiting(room, "b")
    process.given_up = True
    await b


def line(status: dict[str, Any]) -> tuple[str, str, bool]:
    """State, model, and whether it is in memory."""
    return status["state"], status["model"], status.get("loaded", True)


async def test_what_left_memory_is_not_told_as_running(models: Path) -> None:
    told: list[dict[str, Any]] = []
    room = room_of(models, 2, told)
    a, b = await room.engine("a"), await room.engine("b")
    assert line(told[-1]) == ("ready", "b", True)
    await b._supervisor.unload()  # nobody used it for long
    assert line(told[-1]) == ("ready", "a", True)
    await a._supervisor.unload()
    assert line(told[-1]) == ("ready", "a", False)
    await room.engine("a")
    assert line(told[-1]) == ("ready", "a", True)
    await room.release("a")
    assert line(told[-1]) == ("ready", "", True)
    count = len(told)
    await room.release("b")  # of which nothing was told
    await room.close()
    assert len(told) == count


async def test_an_error_of_a_model_that_is_gone_does_not_stay(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []
    room = room_of(models, 2, told)
    have(monkeypatch, 1 << 20)
    with pytest.raises(NotEnoughMemory):
        await room.engine("b")
    assert line(told[-1]) == ("error", "b", True)
    await room.release("b")
    assert line(told[-1]) == ("ready", "", True)
    have(monkeypatch, 8 << 30)
    a = await room.engine("a")
    a.model.file.unlink()
    assert rows(room) in ({}, {"a": "leaving"})
    await until(lambda: line(told[-1]) == ("ready", "", True))
    await room.close()


async def test_nobody_goes_for_a_model_that_would_not_fit(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []
    room = room_of(models, 2, told)
    a = await room.engine("a")
    need = a.part.bytes
    (models / "b" / "m.gguf").write_bytes(gguf_file.file(gguf_file.llama()) + bytes(8 << 20))
    have(monkeypatch, (128 << 20) + (4 << 20))  # what is kept for others, and a little
    assert need > 4 << 20
    with pytest.raises(NotEnoughMemory):
        await room.engine("b")
    assert rows(room) == {"a": "ready"}
    assert (told[-1]["state"], told[-1]["model"]) == ("error", "b")
    await room.close()


async def test_who_is_only_behind_somebody_says_so(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = room_of(models, 3)
    (models / "b" / "m.gguf").write_bytes(gguf_file.file(gguf_file.llama()) + bytes(8 << 20))
    async with room.hold("a") as a:
        have(monkeypatch, (128 << 20) + a.part.bytes + (4 << 20))
        b = asyncio.create_task(room.engine("b"))
        await waiting(room, "b")
        c = asyncio.create_task(room.engine("c"))  # for which there is room
        await waiting(room, "c")
        assert reason(room, "b") == "error.model.waits_memory"
        assert reason(room, "c") == "error.model.waits_behind"
    await asyncio.gather(b, c)
    assert rows(room) == {"b": "ready", "c": "ready"}
    await room.close()


async def test_all_in_the_line_wait_also_before_anybody_looked(room: Inference, models: Path) -> None:
    model = ModelStore(models).find("b")
    with room._memory.queue.stand(Wish((model.file, "text"), "b", 1, "api"), model):
        assert rows(room) == {"b": "waiting"}


# -- who is not wanted any more


async def test_a_released_model_is_not_waited_for(room: Inference, engines: type[FakeSupervisor]) -> None:
    async with room.hold("a"):
        b = asyncio.create_task(room.engine("b"))
        await waiting(room, "b")
        assert await room.release("b") == 1
        with pytest.raises(ModelError) as told:
            await b
        assert told.value.key_used == "error.model.deactivated"
    assert rows(room) == {"a": "ready"}


async def test_a_model_whose_file_was_removed_takes_nobodys_place(room: Inference, models: Path) -> None:
    async with room.hold("a"):
        b = asyncio.create_task(room.engine("b"))
        await waiting(room, "b")
        (models / "b" / "m.gguf").unlink()
    with pytest.raises(ModelNotFound):
        await b
    assert rows(room) == {"a": "ready"}


# -- the end


async def test_who_waits_at_the_end_loads_nothing(room: Inference, engines: type[FakeSupervisor]) -> None:
    async with room.hold("a"):
        b = asyncio.create_task(room.engine("b"))
        await waiting(room, "b")
        await room.close()
        with pytest.raises(EngineClosed):
            await b
    with pytest.raises(EngineClosed):
        await room.engine("c")
    assert engines.log == ["load a", "end a"]


async def test_a_load_that_is_given_up_leaves_none_of_those_that_had_to_go(
    models: Path, engines: type[FakeSupervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    room = room_of(models, 2)
    part = (await room.engine("a")).part
    await room.engine("b")
    have(monkeypatch, (128 << 20) + 1)
    whole = "ide_agent.inference.building.share"
    real = building.share
    monkeypatch.setattr(whole, lambda *a, **k: type(part)(**{**vars(real(*a, **k)), "bytes": 2 * part.bytes}))
    engines.ends.clear()
    c = asyncio.create_task(room.engine("c"))
    await until(lambda: rows(room) == {"c": "loading"})
    closing = asyncio.create_task(room.close())
    await asyncio.sleep(0)
    engines.ends.set()
    await closing
    with pytest.raises(asyncio.CancelledError):
        await c
    assert sorted(engines.log) == ["end a", "end b", "load a", "load b"]
    assert not engines.here


async def test_what_leaves_at_the_end_has_ended(room: Inference, engines: type[FakeSupervisor]) -> None:
    async with room.hold("a"):
        leaving = asyncio.create_task(room.release("a"))
        await until(lambda: rows(room) == {"a": "leaving"})
        await room.close()
    await asyncio.wait([leaving])
    assert engines.log == ["load a", "end a"]


# -- active models


async def test_a_second_activation_that_is_given_up_does_not_end_the_first(
    room: Inference, engines: type[FakeSupervisor]
) -> None:
    engine = await room.activate("a")
    (process,) = engines.here
    process.crash()
    engines.gate.clear()
    second = asyncio.create_task(room.activate("a"))
    await until(lambda: process.state == "loading")
    second.cancel()
    await asyncio.wait([second])
    assert room._memory.kept == {(engine.model.file, "text")} and engine.kept
    engines.gate.set()


async def test_one_that_is_given_up_while_another_goes_on(
    room: Inference, engines: type[FakeSupervisor]
) -> None:
    engines.gate.clear()
    first, second = asyncio.create_task(room.activate("a")), asyncio.create_task(room.activate("a"))
    await until(lambda: rows(room) == {"a": "loading"})
    first.cancel()
    await asyncio.wait([first])
    engines.gate.set()
    engine = await second
    assert engine.kept and room._memory.kept == {(engine.model.file, "text")}


async def test_a_new_choice_of_engine_leaves_active_models_alone(
    models: Path, engines: type[FakeSupervisor]
) -> None:
    room = room_of(models, 2)
    await room.activate("a")
    await room.engine("b")
    await room.forget()
    assert rows(room) == {"a": "ready"}
    await room.close()

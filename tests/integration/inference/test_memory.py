"""At most N models in memory: who waits, who goes, what is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from ide_agent.config import InferenceSettings
from ide_agent.errors import EngineStartError, EngineUnavailable, IdeAgentError, ModelNotFound
from ide_agent.inference.engine import Engine
from ide_agent.inference.models import ModelStore
from ide_agent.inference.service import Inference
from support import gguf_file, model_folders
from support.fake_engine import FakeBackend
from support.waiting import until

pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
def models(models: Path) -> Path:
    for name in ("second", "third", "vectors"):
        (models / name).mkdir()
        more = {"llama.pooling_type": 1} if name == "vectors" else {}
        (models / name / "m.gguf").write_bytes(gguf_file.file(gguf_file.llama(**more)))
    return models


@pytest.fixture(autouse=True)
def plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs of this machine take no memory."""
    monkeypatch.setattr("ide_agent.inference.resources.free_memory", lambda: 8 << 30)


@pytest.fixture
async def inference(
    models: Path, backend: FakeBackend, told: list[dict[str, Any]]
) -> AsyncGenerator[Inference, None]:
    room = Inference(InferenceSettings(active_models=2), ModelStore(models), told.append)
    yield room
    await room.close()


def rows(inference: Inference) -> dict[str, str]:
    return {row["name"]: row["state"] for row in inference.running()}


async def waiting(inference: Inference, name: str) -> None:
    await until(lambda: rows(inference).get(name) == "waiting")


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def test_an_active_model_stays_and_a_further_one_waits(
    inference: Inference, told: list[dict[str, Any]]
) -> None:
    await inference.activate("tiny")
    await inference.activate("second")
    reasons: list[IdeAgentError | None] = []
    third = asyncio.create_task(inference.activate("third", lambda reason: reasons.append(reason)))
    await waiting(inference, "third")
    assert rows(inference) == {"tiny": "ready", "second": "ready", "third": "waiting"}
    said = "third waits: 2 of 2 models are in memory (second, tiny). These are kept there: "
    assert str(reasons[0]).startswith(said)
    assert (told[-1]["state"], told[-1]["model"]) == ("waiting", "third")
    assert told[-1]["message"].startswith(said) and told[-1]["error"]["code"] == "error.model.waits_active"
    assert await inference.release("tiny") == 1
    assert (await third).kept
    assert reasons[-1] is None  # it begins
    assert rows(inference) == {"second": "ready", "third": "ready"}
    said_by_then = [status["message"] for status in told if status["state"] == "waiting"]
    assert len(said_by_then) == len(set(said_by_then))  # only what is new


async def test_what_has_to_come_first_comes_before_the_process(
    inference: Inference, told: list[dict[str, Any]]
) -> None:
    async def note() -> None:
        await until(lambda: rows(inference) == {"tiny": "loading"})
        for _ in range(100):  # in which a load that does not wait says that it begins
            await asyncio.sleep(0)
        told.append({"state": "noted"})

    engine = await inference.activate("tiny", lambda _: asyncio.create_task(note()))
    assert [status["state"] for status in told] == ["noted", "loading", "ready"]
    assert engine.pid is not None


async def test_one_that_was_unloaded_waits_like_any_other(inference: Inference) -> None:
    engine = await inference.engine("third")
    engine._idle_seconds = 0.0
    async with engine.turn("api"):
        pass
    await until(lambda: engine.state == "unloaded")
    await inference.activate("tiny")
    await inference.activate("second")
    again = asyncio.create_task(inference.engine("third"))
    await waiting(inference, "third")
    await inference.release("tiny")
    assert await again is engine
    assert rows(inference) == {"second": "ready", "third": "ready"}


async def test_who_gives_up_waits_no_longer_and_leaves_no_trace(
    inference: Inference, told: list[dict[str, Any]]
) -> None:
    await inference.activate("tiny")
    await inference.activate("second")
    before = told[-1]
    third = asyncio.create_task(inference.activate("third"))
    await waiting(inference, "third")
    await cancelled(third)
    assert rows(inference) == {"tiny": "ready", "second": "ready"}
    assert told[-1] == before
    await inference.release("second")
    engine = await inference.engine("third")
    assert not engine.kept


async def test_one_that_nothing_here_runs_takes_nobodys_place(
    models: Path, backend: FakeBackend, told: list[dict[str, Any]]
) -> None:
    model_folders.llama(models / "hf")
    settings = InferenceSettings(active_models=1, vllm="/none/vllm", transformers="/none/transformers")
    room = Inference(settings, ModelStore(models), told.append)
    first = await room.engine("tiny")
    pid = first.pid
    with pytest.raises(EngineStartError, match="needs vllm, transformers"):
        await room.engine("hf")
    assert (told[-1]["state"], told[-1]["model"]) == ("error", "hf")
    assert rows(room) == {"tiny": "ready"}
    async with first.turn("api"):  # nor does it wait for one
        with pytest.raises(EngineStartError):
            await room.engine("hf")
    assert await room.engine("tiny") is first
    assert (first.pid, backend.count) == (pid, 1)
    await room.close()


async def test_a_request_takes_the_place_of_an_idle_model(inference: Inference) -> None:
    await inference.activate("tiny")
    first = await inference.engine("second")
    async with first.turn("api"):
        asked = asyncio.create_task(inference.engine("third"))
        await waiting(inference, "third")
    await asked
    assert rows(inference) == {"tiny": "ready", "third": "ready"}


async def test_ghost_texts_model_is_not_evicted_by_a_chat(inference: Inference) -> None:
    ghost = await inference.engine("tiny", priority="foreground")
    async with ghost.turn("foreground"):
        pass
    await inference.engine("second")
    await inference.engine("third")  # takes the place of the newer one
    assert rows(inference) == {"tiny": "ready", "third": "ready"}
    await inference.engine("second", priority="foreground")
    assert rows(inference) == {"tiny": "ready", "second": "ready"}


async def test_background_work_waits_for_the_rest_of_a_model(
    inference: Inference, told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await inference.activate("tiny")
    await inference.engine("second")
    index = asyncio.create_task(inference.engine("vectors", "embedding", "background"))
    await waiting(inference, "vectors")
    assert "waiting" not in [status["state"] for status in told]  # nobody misses it
    monkeypatch.setattr("ide_agent.inference.plan.RESTED_SECONDS", 0.0)
    await index
    assert rows(inference) == {"tiny": "ready", "vectors": "ready"}


async def test_the_urgent_are_served_first(inference: Inference) -> None:
    await inference.activate("tiny")
    await inference.activate("second")
    order: list[str] = []

    async def ask(name: str, **more: Any) -> Engine:
        engine = await inference.engine(name, **more)
        order.append(name)
        return engine

    chat = asyncio.create_task(ask("third"))
    await waiting(inference, "third")
    ghost = asyncio.create_task(ask("vectors", priority="foreground"))
    await waiting(inference, "vectors")
    await inference.release("second")
    await asyncio.gather(chat, ghost)
    assert order == ["vectors", "third"]


async def test_an_active_model_is_not_unloaded_when_idle(models: Path, backend: FakeBackend) -> None:
    settings = InferenceSettings.model_construct(
        **{**InferenceSettings().model_dump(), "idle_unload_seconds": 0}
    )
    inference = Inference(settings, ModelStore(models), lambda status: None)
    try:
        engine = await inference.activate("tiny")
        other = await inference.engine("second")
        await until(lambda: other.state == "unloaded")
        assert engine.state == "ready"
        assert rows(inference) == {"tiny": "ready"}
        engine.kept = False
        await until(lambda: engine.state == "unloaded")
        assert rows(inference) == {}
    finally:
        await inference.close()


async def test_a_model_at_work_ends_when_it_is_done(inference: Inference) -> None:
    engine = await inference.activate("tiny")
    async with engine.turn("api"):
        ending = asyncio.create_task(inference.release("tiny"))
        await until(lambda: rows(inference) == {"tiny": "leaving"})
    assert await ending == 1
    assert rows(inference) == {}


async def test_what_waits_for_one_that_ends_gets_its_place(inference: Inference) -> None:
    first = await inference.activate("tiny")
    await inference.activate("second")
    async with first.turn("api"):
        ending = asyncio.create_task(inference.release("tiny"))
        await until(lambda: rows(inference)["tiny"] == "leaving")
        third = asyncio.create_task(inference.activate("third"))
        await waiting(inference, "third")
    await asyncio.gather(ending, third)
    assert rows(inference) == {"second": "ready", "third": "ready"}


async def test_many_who_wait_for_the_same_load_it_once(inference: Inference, backend: FakeBackend) -> None:
    await inference.activate("tiny")
    await inference.activate("second")
    asked = [asyncio.create_task(inference.engine("third", priority=p)) for p in ("api", "background")]  # type: ignore[arg-type]
    await waiting(inference, "third")
    await inference.release("tiny")
    first, second = await asyncio.gather(*asked)
    assert first is second
    assert backend.count == 3


async def test_memory_that_is_short_is_waited_for_where_somebody_will_give_it(
    inference: Inference, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await inference.engine("tiny")
    engines = inference._memory.engines  # whether its process lives is the machine's business

    def free() -> int:
        return 150 << 20 if first in engines.values() else 8 << 30

    monkeypatch.setattr("ide_agent.inference.resources.free_memory", free)
    async with first.turn("api"):
        asked = asyncio.create_task(inference.engine("second"))
        await waiting(inference, "second")
        (reason,) = [row["reason"] for row in inference.running() if row["reason"]]
        assert reason["code"] == "error.model.waits_memory"
    await asked
    assert rows(inference) == {"second": "ready"}


async def test_an_embedder_is_activated_as_one(inference: Inference) -> None:
    engine = await inference.activate("vectors")
    assert engine.purpose == "embedding"
    (row,) = inference.running()
    assert (row["purpose"], row["active"], row["context"], row["format"]) == (
        "embedding",
        True,
        512,
        "gguf/q4_1",
    )
    assert row["pid"] == engine.pid and (row["rss"] or 0) > 0 and row["since"] and row["idle"] is not None


async def test_a_model_that_cannot_be_started_ends_nobody(inference: Inference, backend: FakeBackend) -> None:
    backend.flaw = lambda count: "dies-early" if count <= 3 else ""
    for _ in range(3):
        with pytest.raises(Exception, match="tiny"):
            await inference.engine("tiny")
    await inference.engine("second")
    await inference.engine("third")
    with pytest.raises(EngineUnavailable):
        await inference.engine("tiny")
    assert rows(inference) == {"second": "ready", "third": "ready", "tiny": "error"}


async def test_there_must_be_such_a_model(inference: Inference) -> None:
    with pytest.raises(ModelNotFound):
        await inference.activate("nosuch")
    assert inference.running() == []

"""Dying and coming back, or not, with an engine process that misbehaves on demand."""

import os
import signal
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from ide_agent.errors import (
    EngineCrashed,
    EngineStartError,
    EngineUnavailable,
    ModelFileInvalid,
)
from ide_agent.inference import supervisor
from ide_agent.inference.circuit import Circuit
from ide_agent.inference.service import Inference
from support.fake_engine import FakeBackend
from support.processes import pid_of

pytestmark = pytest.mark.usefixtures("no_pauses")


async def test_killed_in_the_middle_of_a_stream_then_heals(
    inference: Inference, backend: FakeBackend, told: list[dict[str, Any]]
) -> None:
    engine = await inference.engine()
    seen = []
    with pytest.raises(EngineCrashed, match="memory ran out") as caught:
        async for event in engine.stream("/x", {"n": 9, "die_at": 2}):
            seen.append(event["content"])
    assert seen == ["0", "1"]
    assert caught.value.key_used == "error.engine.killed"
    assert told[-1]["state"] == "error"
    assert told[-1]["error"]["code"] == "error.engine.killed"
    assert await engine.request("POST", "/x", {"a": 1}) == {"echo": {"a": 1}}
    assert backend.count == 2
    assert told[-1]["state"] == "ready"


async def test_the_cause_of_a_crash_is_named(inference: Inference) -> None:
    engine = await inference.engine()
    with pytest.raises(EngineCrashed, match="SIGSEGV"):
        await engine.request("POST", "/die", {"signal": signal.SIGSEGV})


async def test_case_35_a_crash_loop_opens_the_circuit_with_one_clear_message(
    inference: Inference, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(
        supervisor, "Circuit", lambda: Circuit(limit=3, open_seconds=30, clock=lambda: now[0])
    )
    backend.flaw = lambda count: "dies-on-request" if count <= 3 else ""
    engine = await inference.engine()
    for _ in range(3):
        with pytest.raises(EngineCrashed):
            while True:
                await engine.request("POST", "/die", {"signal": signal.SIGSEGV})
    for _ in range(5):
        with pytest.raises(EngineUnavailable) as caught:
            await engine.request("POST", "/x", {})
        assert caught.value.params == {"model": "tiny", "crashes": 3, "reason": "SIGSEGV", "seconds": 30}
    assert backend.count == 3
    assert inference.snapshot()[0]["state"] == "error"
    now[0] += 30
    assert await engine.request("POST", "/x", {}) == {"echo": {}}
    assert backend.count == 4


async def test_an_engine_that_cannot_start_says_why_and_is_not_tried_for_ever(
    inference: Inference, backend: FakeBackend
) -> None:
    backend.flaw = lambda count: "dies-early"
    for _ in range(3):
        with pytest.raises(EngineStartError, match=r"something broke: error 42\. See engine\.log"):
            await inference.engine()
    with pytest.raises(EngineUnavailable):
        await inference.engine()
    assert backend.count == 3


async def test_a_file_that_only_the_engine_finds_bad_is_tried_once(
    inference: Inference, backend: FakeBackend, models: Path, told: list[dict[str, Any]]
) -> None:
    backend.flaw = lambda count: "refuses-model" if count == 1 else ""
    for _ in range(3):
        with pytest.raises(ModelFileInvalid, match=r"tiny\.gguf.*tensor 'x' not found"):
            await inference.engine()
    assert backend.count == 1
    assert [status["state"] for status in told] == ["loading", "error"]
    os.utime(models / "tiny" / "tiny.gguf", ns=(1, 1))
    await inference.engine()
    assert backend.count == 2


async def test_a_file_for_which_memory_is_lacking_may_be_good(
    inference: Inference, backend: FakeBackend
) -> None:
    backend.flaw = lambda count: {1: "lacks-memory", 2: "killed-early"}.get(count, "")
    for reason in ("unable to allocate", "SIGKILL"):
        with pytest.raises(EngineStartError, match=rf"tiny\.gguf .*{reason}.* smaller model") as caught:
            await inference.engine()
        assert caught.value.key_used == "error.engine.memory"
    await inference.engine()


async def test_a_stream_that_was_left_counts_as_an_answer(inference: Inference) -> None:
    engine = await inference.engine()
    for _ in range(4):
        for _ in range(2):
            with pytest.raises(EngineCrashed):
                await engine.request("POST", "/die", {"signal": signal.SIGSEGV})
        async with aclosing(engine.stream("/x", {"n": 5, "hang_at": 1})) as events:
            assert await anext(events) == {"content": "0"}


async def test_a_stream_that_broke_off_does_not(inference: Inference) -> None:
    engine = await inference.engine()
    for _ in range(3):
        with pytest.raises(EngineCrashed):
            async for _ in engine.stream("/x", {"n": 9, "die_at": 2}):
                pass
    with pytest.raises(EngineUnavailable):
        await engine.request("POST", "/x", {})


async def test_an_engine_that_hangs_is_replaced(
    inference: Inference, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_CHECK_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(supervisor, "_CHECK_SECONDS", 0.3)
    engine = await inference.engine()
    os.kill(pid_of(inference), signal.SIGSTOP)
    assert await engine.request("POST", "/x", {}) == {"echo": {}}
    assert backend.count == 2

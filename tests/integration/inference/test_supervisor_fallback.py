"""The next engine takes over where one is of no use."""

import signal
from pathlib import Path
from typing import Any

import pytest

from ide_agent.errors import (
    EngineCrashed,
    EngineStartError,
)
from ide_agent.inference import backends
from ide_agent.inference.service import Inference
from support.fake_engine import FakeBackend

pytestmark = pytest.mark.usefixtures("no_pauses")


class Better(FakeBackend):
    name = "better"


@pytest.fixture
def better(tmp_path: Path, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> FakeBackend:
    """A backend that is tried before the other."""
    fake = Better(tmp_path / "starts of the better")
    monkeypatch.setattr(backends, "BACKENDS", (fake, backend))
    return fake


@pytest.mark.parametrize("flaw", ["dies-early", "refuses-model"])
async def test_where_one_engine_fails_the_next_is_tried(
    inference: Inference, better: FakeBackend, backend: FakeBackend, told: list[dict[str, Any]], flaw: str
) -> None:
    better.flaw = lambda count: flaw
    engine = await inference.engine()
    assert await engine.request("POST", "/x", {}) == {"echo": {}}
    assert engine.backend == "fake"
    assert (better.count, backend.count) == (1, 1)
    assert [(status["engine"], status["state"]) for status in told] == [
        ("better", "loading"),
        ("fake", "loading"),
        ("fake", "ready"),
    ]


async def test_only_the_last_engines_failure_is_an_error(
    inference: Inference, better: FakeBackend, backend: FakeBackend, told: list[dict[str, Any]]
) -> None:
    better.flaw = backend.flaw = lambda count: "dies-early"
    with pytest.raises(EngineStartError):
        await inference.engine()
    assert [(status["engine"], status["state"]) for status in told] == [
        ("better", "loading"),
        ("fake", "loading"),
        ("fake", "error"),
    ]


async def test_an_engine_that_does_not_suit_the_processor_is_given_up_while_it_serves(
    inference: Inference, better: FakeBackend, backend: FakeBackend, told: list[dict[str, Any]]
) -> None:
    engine = await inference.engine()
    with pytest.raises(EngineCrashed, match="SIGILL"):
        await engine.request("POST", "/die", {"signal": signal.SIGILL})
    assert await engine.request("POST", "/x", {}) == {"echo": {}}
    assert await inference.engine() is engine
    assert (engine.backend, better.count, backend.count) == ("fake", 1, 1)
    assert "error" not in [status["state"] for status in told]


async def test_an_engine_that_keeps_crashing_is_given_up(
    inference: Inference, better: FakeBackend, backend: FakeBackend
) -> None:
    engine = await inference.engine()
    for _ in range(3):
        with pytest.raises(EngineCrashed):
            await engine.request("POST", "/die", {"signal": signal.SIGSEGV})
    assert await engine.request("POST", "/x", {}) == {"echo": {}}
    assert (engine.backend, better.count, backend.count) == ("fake", 3, 1)


async def test_an_engine_that_loads_no_more_is_given_up(
    inference: Inference, better: FakeBackend, backend: FakeBackend, told: list[dict[str, Any]]
) -> None:
    better.flaw = lambda count: "dies-early" if count == 2 else ""
    engine = await inference.engine()
    await engine._supervisor.unload()
    assert await engine.request("POST", "/x", {}) == {"echo": {}}
    assert (engine.backend, better.count, backend.count) == ("fake", 2, 1)
    assert "error" not in [status["state"] for status in told]


async def test_no_engine_installed(inference: Inference, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "BACKENDS", ())
    with pytest.raises(EngineStartError) as caught:
        await inference.engine()
    assert caught.value.key_used == "error.engine.missing"

"""An engine process from its start to its end, with one that misbehaves on demand."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psutil
import pytest

from ide_agent.config import InferenceSettings
from ide_agent.errors import (
    EngineClosed,
    EngineError,
    EngineStartError,
    ModelFileInvalid,
    ModelNotFound,
    NotEnoughMemory,
)
from ide_agent.inference import memory
from ide_agent.inference.header import Purpose
from ide_agent.inference.models import ModelFile, ModelStore
from ide_agent.inference.service import Inference
from support.fake_engine import FakeBackend
from support.processes import gone, pid_of
from support.waiting import until

pytestmark = pytest.mark.usefixtures("no_pauses")


async def test_one_start_serves_all_who_ask(
    inference: Inference, backend: FakeBackend, told: list[dict[str, Any]]
) -> None:
    engines = await asyncio.gather(*(inference.engine() for _ in range(9)))
    assert len(set(map(id, engines))) == 1
    assert await inference.engine("tiny") is engines[0]
    assert backend.count == 1
    status = {"type": "status", "model": "tiny", "engine": "fake", "format": "gguf/q4_1"}
    assert told == [{**status, "state": "loading"}, {**status, "state": "ready"}]


async def test_nothing_stands_still_while_a_model_is_chosen(
    inference: Inference, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, threads = ModelStore.find, list[int]()

    def noted(store: ModelStore, name: str = "", *, purpose: Purpose = "text") -> ModelFile:
        threads.append(threading.get_ident())
        return find(store, name, purpose=purpose)

    monkeypatch.setattr(ModelStore, "find", noted)
    assert (await inference.engine()).name == (await inference.activate("")).name == "tiny"
    assert len(threads) == 2 and threading.get_ident() not in threads


async def test_the_start_goes_on_when_the_first_who_asked_leaves(
    inference: Inference, backend: FakeBackend
) -> None:
    backend.flaw = lambda count: "dawdles"
    first = asyncio.create_task(inference.engine())
    second = asyncio.create_task(inference.engine())
    await until(lambda: backend.count == 1)
    first.cancel()
    await asyncio.wait([first])
    backend.gate.touch()
    await second
    assert backend.count == 1
    assert first.cancelled()


async def test_requests_and_streams(inference: Inference) -> None:
    engine = await inference.engine()
    assert await engine.request("POST", "/x", {"a": 1}) == {"echo": {"a": 1}}
    events = [event async for event in engine.stream("/x", {"n": 3})]
    assert events == [{"content": "0"}, {"content": "1"}, {"content": "2"}]


async def test_a_refusal_is_passed_on_and_is_no_crash(inference: Inference, backend: FakeBackend) -> None:
    engine = await inference.engine()
    for attempt in (engine.request("POST", "/refuse", {}), anext(engine.stream("/refuse", {}))):
        with pytest.raises(EngineError, match=r"exceeds the context") as caught:
            await attempt
        assert caught.value.key_used == "error.engine.refused"
    with pytest.raises(EngineError, match="out of luck"):
        async for _ in engine.stream("/x", {"n": 9, "fail_at": 2}):
            pass
    assert backend.count == 1


async def test_what_native_code_prints_is_no_answer_and_blocks_nothing(
    inference: Inference, backend: FakeBackend
) -> None:
    backend.flaw = lambda count: "babbles"
    engine = await inference.engine()
    assert await engine.request("POST", "/x", {}) == {"echo": {}}


@pytest.mark.parametrize(
    ("content", "key"),
    [(b"PK\3\4 a zip", "error.model.not_gguf"), (b"GGUF\3\0\0\0\1", "error.model.cut")],
)
async def test_a_bad_file_is_refused_before_any_process_is_started(
    inference: Inference, backend: FakeBackend, models: Path, content: bytes, key: str,
    told: list[dict[str, Any]],
) -> None:  # fmt: skip
    (models / "tiny" / "tiny.gguf").write_bytes(content)
    with pytest.raises(ModelFileInvalid, match=r"tiny\.gguf") as caught:
        await inference.engine()
    assert caught.value.key_used == key
    assert backend.count == 0
    assert [status["state"] for status in told] == ["error"]


async def test_case_34_too_little_memory_is_refused_before_any_process_is_started(
    inference: Inference, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ide_agent.inference.resources.free_memory", lambda: 1 << 20)
    with pytest.raises(NotEnoughMemory, match=r"tiny\.gguf needs about \d+ MB"):
        await inference.engine()
    assert backend.count == 0


async def test_idle_engines_make_room(
    inference: Inference, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (models / "second").mkdir()
    (models / "second" / "s.gguf").write_bytes((models / "tiny" / "tiny.gguf").read_bytes())
    first = await inference.engine("tiny")
    monkeypatch.setattr(
        "ide_agent.inference.resources.free_memory", lambda: 1 << 20 if first.url else 8 << 30
    )
    await inference.engine("second")
    assert [engine["model"] for engine in inference.snapshot()] == ["second"]


async def test_idle_unload_spares_the_busy_and_the_next_request_loads_again(
    models: Path, backend: FakeBackend
) -> None:
    inference = Inference(InferenceSettings(), ModelStore(models), lambda status: None)
    try:
        engine = await inference.engine()
        async with engine.turn("background"):
            engine._idle_seconds = 0.0  # not before: how long it takes to get here is nobody's business
            pid = pid_of(inference)
            for _ in range(3):
                await engine.request("POST", "/x", {})
                await asyncio.sleep(0)
            assert pid_of(inference) == pid
        await until(lambda: inference.snapshot()[0]["state"] == "unloaded")
        assert gone(pid)
        assert engine.url == ""
        assert await engine.request("POST", "/x", {}) == {"echo": {}}
        assert backend.count == 2
    finally:
        await inference.close()


async def test_closing_a_stream_closes_its_connection_and_frees_the_engine(inference: Inference) -> None:
    engine = await inference.engine()

    def connected() -> bool:
        peers = psutil.Process(pid_of(inference)).net_connections("tcp")
        return any(peer.status == psutil.CONN_ESTABLISHED for peer in peers)

    async with aclosing(engine.stream("/x", {"n": 5, "hang_at": 1})) as events:
        assert await anext(events) == {"content": "0"}
        assert engine.busy == 1
        assert connected()
    assert engine.busy == 0
    await until(lambda: not connected())  # the other end hears of it when the system comes round to it


async def test_a_replaced_file_is_loaded_anew(
    inference: Inference, backend: FakeBackend, models: Path
) -> None:
    first = await inference.engine()
    file = models / "tiny" / "tiny.gguf"
    os.utime(file, ns=(1, 1))
    second = await inference.engine()
    assert second is not first
    assert (backend.count, len(inference.snapshot())) == (2, 1)


async def test_a_replaced_files_engine_ends_when_its_work_is_done(
    inference: Inference, backend: FakeBackend, models: Path
) -> None:
    first = await inference.engine()
    async with aclosing(first.stream("/x", {"n": 2})) as events:
        await anext(events)
        os.utime(models / "tiny" / "tiny.gguf", ns=(1, 1))
        loading = asyncio.create_task(inference.engine())
        assert [event async for event in events] == [{"content": "1"}]
    assert await loading is not first
    assert backend.count == 2


async def test_but_not_for_ever(
    inference: Inference, backend: FakeBackend, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_DRAIN_SECONDS", 0.05)
    first = await inference.engine()
    async with first.turn("foreground"):
        os.utime(models / "tiny" / "tiny.gguf", ns=(1, 1))
        assert await inference.engine() is not first


async def test_a_released_model_is_let_go_when_its_work_is_done(
    inference: Inference, backend: FakeBackend
) -> None:
    engine = await inference.engine()
    pid = pid_of(inference)
    async with aclosing(engine.stream("/x", {"n": 2})) as events:
        await anext(events)
        releasing = asyncio.create_task(inference.release("tiny"))
        assert [event async for event in events] == [{"content": "1"}]
    assert await releasing == 1
    assert gone(pid)
    assert inference.snapshot() == []
    assert await inference.release("tiny") == 0
    await inference.engine()
    assert backend.count == 2


async def test_a_model_is_released_after_its_load(inference: Inference, backend: FakeBackend) -> None:
    backend.flaw = lambda count: "dawdles"
    loading = asyncio.create_task(inference.engine())
    await until(lambda: backend.count == 1)
    releasing = asyncio.create_task(inference.release("tiny"))
    backend.gate.touch()
    await loading
    assert await releasing == 1


@pytest.mark.parametrize("asked", ["status", "engine"])
async def test_the_engine_of_a_removed_file_is_ended(inference: Inference, models: Path, asked: str) -> None:
    await inference.engine()
    pid = pid_of(inference)
    (models / "tiny" / "tiny.gguf").unlink()
    if asked == "status":
        assert inference.snapshot() == []
    else:
        with pytest.raises(ModelNotFound):
            await inference.engine()
    await until(lambda: gone(pid))


async def test_an_engine_that_was_put_away_does_not_come_back(
    inference: Inference, backend: FakeBackend
) -> None:
    engine = await inference.engine()
    await inference.forget()
    with pytest.raises(EngineClosed):
        await engine.request("POST", "/x", {})
    with pytest.raises(EngineClosed):
        await anext(engine.stream("/x", {"n": 1}))
    with pytest.raises(EngineClosed):
        async with engine.turn("foreground"):
            pass
    with pytest.raises(EngineClosed):
        await engine._supervisor.running()
    assert backend.count == 1
    assert await (await inference.engine()).request("POST", "/x", {}) == {"echo": {}}


async def test_several_strings_are_no_prompt(inference: Inference) -> None:
    engine = await inference.engine()
    with pytest.raises(ValueError, match="several strings"):
        await engine.request("POST", "/completion", {"prompt": ["a", "b"]})
    with pytest.raises(ValueError, match="several strings"):
        await anext(engine.stream("/completion", {"prompt": ["a", "b"], "n": 1}))
    for prompt in ("a", ["a"], ["a", 1, "b"], [1, 2]):
        assert await engine.request("POST", "/completion", {"prompt": prompt})


async def test_text_and_embedding_are_two_engines(inference: Inference, backend: FakeBackend) -> None:
    text, embedding = await asyncio.gather(inference.engine(), inference.engine(purpose="embedding"))
    assert text is not embedding
    assert {engine["purpose"] for engine in inference.snapshot()} == {"text", "embedding"}


async def test_close_leaves_no_process(inference: Inference) -> None:
    await inference.engine()
    await inference.engine(purpose="embedding")
    pids = [engine["pid"] for engine in inference.snapshot()]
    await inference.close()
    assert all(gone(pid) for pid in pids if pid)


async def test_close_during_a_load_leaves_no_process(inference: Inference, backend: FakeBackend) -> None:
    backend.flaw = lambda count: "never-answers"
    loading = asyncio.create_task(inference.engine())
    await until(lambda: backend.count == 1)
    await inference.close()
    with pytest.raises(asyncio.CancelledError):
        await loading
    pid = int(backend.starts.read_text())
    await until(lambda: gone(pid))


async def test_the_key_is_neither_in_argv_nor_in_the_environment(inference: Inference) -> None:
    engine = await inference.engine()
    key = engine._supervisor.current.client.api_key  # type: ignore[union-attr]
    process = psutil.Process(pid_of(inference))
    assert len(key) >= 32
    assert key not in " ".join(process.cmdline())
    assert key not in str(process.environ())


_HOST = """
import asyncio, sys
from pathlib import Path
from ide_agent.config import InferenceSettings
from ide_agent.inference import backends
from ide_agent.inference.models import ModelStore
from ide_agent.inference.service import Inference
from support.fake_engine import FakeBackend

async def main():
    backends.BACKENDS = (FakeBackend(Path(sys.argv[2])),)
    inference = Inference(InferenceSettings(), ModelStore(Path(sys.argv[1])), lambda status: None)
    await inference.engine()
    print(inference.snapshot()[0]["pid"], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
async def test_the_engine_dies_with_its_host(models: Path, tmp_path: Path, how: str) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", _HOST, str(models), str(tmp_path / "starts")],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert host.stdout is not None
    pid = int(host.stdout.readline())
    assert not gone(pid)
    host.send_signal(getattr(signal, how))
    host.wait()
    host.stdout.close()
    await until(lambda: gone(pid))


async def test_stderr_goes_to_a_log_that_rotates(
    inference: Inference, backend: FakeBackend, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ide_agent.inference.process._LOG_BYTES", 1000)
    backend.flaw = lambda count: "dies-early" if count <= 2 else "babbles"
    for _ in range(2):
        with pytest.raises(EngineStartError):
            await inference.engine()
    await inference.engine()
    await inference.close()
    logs = sorted(path.name for path in (home / "state").glob("engine.log*"))
    assert logs == ["engine.log", "engine.log.1"]

"""Servers in an environment of their own, with a small one in the place of vLLM."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from ide_agent.config import InferenceSettings
from ide_agent.errors import EngineStartError, ModelError, PictureError
from ide_agent.inference import supervisor
from ide_agent.inference.backends.spawned import TransformersServe
from ide_agent.inference.engine import Engine
from ide_agent.inference.models import ModelStore
from ide_agent.inference.service import Inference
from support import model_folders
from support.adapter_folder import write_adapter
from support.projector_file import COLOURS, picture

SERVERS = Path(__file__).parents[2] / "support" / "servers"
PATIENCE = 60.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are tested")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = os.pathsep.join(filter(None, [str(SERVERS), os.environ.get("PYTHONPATH")]))
    monkeypatch.setenv("PYTHONPATH", path)
    return model_folders.llama(tmp_path / "models" / "hf")


@pytest.fixture
async def inference(folder: Path) -> AsyncGenerator[Inference]:
    settings = InferenceSettings(vllm=sys.executable, slots=3, threads=1)
    room = Inference(settings, ModelStore(folder.parent), lambda status: None)
    yield room
    await room.close()


async def ask(engine: Engine, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await engine.request("POST", "/v1/completions", {"prompt": "a", **more})
    return answer


async def gone(*pids: int) -> None:
    """Return when the processes have ended."""

    def lives(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    async with asyncio.timeout(PATIENCE):
        while any(map(lives, pids)):
            await asyncio.sleep(0.01)


async def test_it_is_told_all_it_needs_and_nothing_else(inference: Inference, folder: Path) -> None:
    engine = await inference.engine("hf")
    assert (engine.backend, engine.dialect) == ("vllm", "openai")
    answer = await ask(engine, model="whatever clients say")
    assert answer["body"] == {"prompt": "a", "model": str(folder)}
    argv = answer["argv"]
    for name, value in {"--model": str(folder), "--max-model-len": "512", "--max-num-seqs": "3"}.items():
        assert argv[argv.index(name) + 1] == value
    environment = answer["environment"]
    assert environment["HF_HUB_OFFLINE"] == environment["DO_NOT_TRACK"] == "1"
    assert environment["VLLM_NO_USAGE_STATS"] == environment["VLLM_CPU_KVCACHE_SPACE"] == "1"
    assert (environment["OMP_NUM_THREADS"], environment["VLLM_CPU_OMP_THREADS_BIND"]) == ("1", "nobind")
    assert environment["VLLM_HOST_IP"] == "127.0.0.1"
    assert environment.get("GLOO_SOCKET_IFNAME") == ("lo" if sys.platform == "linux" else None)


@pytest.mark.parametrize("default", ["", "hf:house"])
async def test_an_adapter_is_asked_by_its_name(folder: Path, default: str) -> None:
    write_adapter(folder / "adapters" / "house", model_folders.LLAMA, rank=4, strength=1)
    settings = InferenceSettings(vllm=sys.executable, model=default)
    room = Inference(settings, ModelStore(folder.parent, default), lambda status: None)
    asked = {"prompt": "a", "model": "whatever"}
    names = {"hf": str(folder), "hf:house": "hf:house", "": default or str(folder)}
    for name, addressed in names.items():
        async with room.model(name) as model:
            answer = await model.request("POST", "/v1/completions", asked)
            assert (model.name, model.backend, model.dialect) == (name or default or "hf", "vllm", "openai")
            assert answer["body"] == {"prompt": "a", "model": addressed}
            assert "--enable-lora" in answer["argv"]
            async with (
                model.turn("api"),
                aclosing(model.stream("/v1/completions", {**asked, "max_tokens": 2})) as events,
            ):
                assert [event["choices"][0]["text"] async for event in events] == ["0", "1"]
    async with room.model("HF:House") as model:
        assert model.name == "hf:house"
    assert len(room.snapshot()) == 1
    write_adapter(folder / "adapters" / "late", model_folders.LLAMA, rank=4, strength=1)
    async with room.model("hf:late") as model:
        answer = await model.request("POST", "/v1/completions", asked)
    assert answer["body"]["model"] == "hf:late"
    assert len(room.snapshot()) == 1
    await room.close()


async def test_who_asks_for_an_adapter_where_none_are_loaded_takes_no_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TransformersServe, "available", lambda self: True)
    write_adapter(folder / "adapters" / "house", model_folders.LLAMA, rank=4, strength=1)
    settings = InferenceSettings()
    room = Inference(settings, ModelStore(folder.parent), lambda status: None)
    with pytest.raises(ModelError, match="hf:house is not loaded: transformers"):
        async with room.model("hf:house"):
            pass
    assert room.snapshot() == room.running() == []
    await room.close()


async def test_it_gets_no_picture_that_it_would_have_to_fetch(inference: Inference) -> None:
    engine = await inference.engine("hf")
    for url, wrong in (("http://127.0.0.1:9/a.png", PictureError), (picture(COLOURS["red"]), ModelError)):
        content = [{"type": "image_url", "image_url": {"url": url}}]
        with pytest.raises(wrong):
            await engine.request(
                "POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": content}]}
            )


async def test_streams_have_nothing_of_llama_cpp_in_them(inference: Inference) -> None:
    engine = await inference.engine("hf")
    async with aclosing(engine.stream("/v1/completions", {"prompt": "a", "max_tokens": 3})) as events:
        texts = [event["choices"][0]["text"] async for event in events]
    assert texts == ["0", "1", "2"]


async def test_only_who_has_the_key_is_answered(inference: Inference) -> None:
    engine = await inference.engine("hf")
    async with httpx.AsyncClient(base_url=engine.url, trust_env=False) as stranger:
        for path in ("/v1/completions", "/metrics", "/"):
            wrong = await stranger.post(path, json={}, headers={"Authorization": "Bearer wrong"})
            assert (wrong.status_code, (await stranger.get(path)).status_code) == (401, 401)
        assert (await stranger.get("/health")).status_code == 200


async def test_nothing_of_it_is_left(inference: Inference) -> None:
    engine = await inference.engine("hf")
    answer = await ask(engine)
    await inference.close()
    await gone(answer["pid"], answer["child"])


async def test_nothing_is_left_of_one_whose_launcher_was_killed(inference: Inference) -> None:
    engine = await inference.engine("hf")
    answer = await ask(engine)
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    await gone(answer["pid"], answer["child"])


async def test_a_dead_one_is_started_again(inference: Inference, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_DYING_SECONDS", PATIENCE)
    engine = await inference.engine("hf")
    before = await ask(engine)
    os.kill(before["pid"], signal.SIGKILL)
    await gone(before["pid"], before["child"])
    async with asyncio.timeout(PATIENCE):
        while engine.state == "ready":
            await asyncio.sleep(0.01)
    assert (await ask(engine))["pid"] != before["pid"]


async def test_a_well_one_stays_however_long_it_was_not_heard_of(
    inference: Inference, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await inference.engine("hf")
    before = await ask(engine)
    monkeypatch.setattr(supervisor, "_CHECK_AFTER_SECONDS", 0.0)
    assert (await ask(engine))["pid"] == before["pid"]


async def test_one_that_says_it_is_not_well_is_started_again(
    inference: Inference, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await inference.engine("hf")
    before = await ask(engine, ail=True)
    monkeypatch.setattr(supervisor, "_CHECK_AFTER_SECONDS", 0.0)
    assert (await ask(engine))["pid"] != before["pid"]
    await gone(before["pid"], before["child"])


async def test_what_it_died_of_at_its_start_is_said(
    inference: Inference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_TEST_FLAW", "dies")
    with pytest.raises(EngineStartError, match="there is no such layer"):
        await inference.engine("hf")


async def test_without_any_it_is_said_what_to_install(folder: Path) -> None:
    settings = InferenceSettings(vllm="/none/vllm", transformers="/none/transformers")
    room = Inference(settings, ModelStore(folder.parent), lambda status: None)
    with pytest.raises(EngineStartError, match=r"needs vllm, transformers.*pip install"):
        await room.engine("hf")
    await room.close()


async def test_the_row_counts_the_memory_of_all_its_processes(inference: Inference) -> None:
    engine = await inference.engine("hf")
    (row,) = inference.running()
    assert engine.pid is not None and row["rss"] is not None
    assert row["rss"] > psutil.Process(engine.pid).memory_info().rss
    assert (row["format"], row["engine"]) == ("hf/bf16", "vllm")

"""vLLM and ``transformers serve`` as they are, on the starter model in Hugging Face's format.

Run by ``make test-runtimes``; not part of ``make test``. ``IDE_AGENT_VLLM`` and ``IDE_AGENT_TRANSFORMERS``
name the programs (or the Python) of their environments; the second one also makes the model.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from ide_agent.config import InferenceSettings
from ide_agent.errors import ModelError, ModelNotFound
from ide_agent.inference import supervisor
from ide_agent.inference.backends.spawned import python_of
from ide_agent.inference.engine import Engine
from ide_agent.inference.models import ModelStore
from ide_agent.inference.service import Inference
from support.adapter_folder import write_adapter
from support.models import starter_model
from support.waiting import until

PROGRAMS = {"vllm": "IDE_AGENT_VLLM", "transformers": "IDE_AGENT_TRANSFORMERS"}
ASKED: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Write a Python function that adds two numbers."}],
    "max_tokens": 24,
    "temperature": 0,
}
CONVERT = """
import sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
folder, file, target = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.bfloat16).to(torch.bfloat16)
model.hf_quantizer, model.is_quantized = None, False  # or it cannot be saved
if hasattr(model.config, "quantization_config"):
    del model.config.quantization_config
model.save_pretrained(target)
AutoTokenizer.from_pretrained(folder, gguf_file=file).save_pretrained(target)
"""
LOADING_S = 600
ADAPTERS = {"quiet": (4, 0.0), "loud": (16, 0.2)}  # rank and strength

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(2 * LOADING_S)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = os.environ.get(PROGRAMS["transformers"])
    if not program:
        pytest.skip(f"{PROGRAMS['transformers']} is not set")
    starter = starter_model().file
    target = tmp_path_factory.mktemp("models") / "starter-hf"
    command = [python_of(Path(program)), "-c", CONVERT, str(starter.parent), starter.name, str(target)]
    subprocess.run(command, check=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}, timeout=LOADING_S)
    base = json.loads((target / "config.json").read_text())
    for name, (rank, strength) in ADAPTERS.items():
        write_adapter(target / "adapters" / name, base, rank=rank, strength=strength)
    return target.parent


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=sorted(PROGRAMS))
async def room(
    request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Inference]:
    program = os.environ.get(PROGRAMS[request.param])
    if not program:
        pytest.skip(f"{PROGRAMS[request.param]} is not set")
    chosen = {"vllm": "/none", "transformers": "/none", request.param: program}
    settings = InferenceSettings(**chosen, context_tokens=2048, idle_unload_seconds=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDE_AGENT_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr(supervisor, "_DYING_SECONDS", 60.0)
        room = Inference(settings, ModelStore(folder), lambda status: None)
        yield room
        await room.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(room: Inference) -> Engine:
    return await room.engine("starter-hf")


async def test_a_stream_says_what_the_whole_answer_says(engine: Engine) -> None:
    with engine.lease():
        async with aclosing(engine.stream("/v1/chat/completions", ASKED)) as events:
            pieces = [
                choice["delta"].get("content") or "" async for event in events for choice in event["choices"]
            ]
        whole = await engine.request("POST", "/v1/chat/completions", ASKED)
        assert "".join(pieces) == whole["choices"][0]["message"]["content"]
        assert len([piece for piece in pieces if piece]) > 8
        assert whole["usage"]["completion_tokens"] == ASKED["max_tokens"]


async def test_no_process_of_it_listens_to_other_machines(engine: Engine) -> None:
    with engine.lease():
        await engine.request("POST", "/v1/completions", {"prompt": "def", "max_tokens": 1})
        assert engine.pid is not None
        tree = [psutil.Process(engine.pid), *psutil.Process(engine.pid).children(recursive=True)]
        sockets = [each for process in tree for each in process.net_connections("inet")]
        places = {each.laddr.ip for each in sockets if each.status == psutil.CONN_LISTEN}
        assert places == {"127.0.0.1"}


async def test_an_adapter_answers_by_its_name(room: Inference, engine: Engine) -> None:
    async def says(name: str) -> str:
        async with room.model(name) as model, model.turn("api"):
            assert model.name == name
            async with aclosing(model.stream("/v1/chat/completions", {**ASKED, "model": "x"})) as events:
                pieces = [
                    choice["delta"].get("content") or ""
                    async for event in events
                    for choice in event["choices"]
                ]
            whole = await model.request("POST", "/v1/chat/completions", ASKED)
            assert "".join(pieces) == whole["choices"][0]["message"]["content"]
            return "".join(pieces)

    with pytest.raises(ModelNotFound):
        await says("starter-hf:none")
    if engine.backend != "vllm":
        with pytest.raises(ModelError, match="is not loaded: transformers loads none"):
            await says("starter-hf:loud")
        return
    plain = await says("starter-hf")
    assert await says("starter-hf:quiet") == plain
    assert await says("starter-hf:loud") != plain
    assert await says("starter-hf") == plain


async def test_text_goes_on(engine: Engine) -> None:
    payload = {"prompt": "def add(a, b):\n    return a", "max_tokens": 4, "temperature": 0}
    answer = await engine.request("POST", "/v1/completions", payload)
    assert "b" in answer["choices"][0]["text"]


async def test_who_leaves_stops_it(engine: Engine) -> None:
    """A long answer that goes on would leave processor time behind."""
    with engine.lease():
        async with aclosing(engine.stream("/v1/chat/completions", {**ASKED, "max_tokens": 1800})) as events:
            await anext(events)
        assert engine.pid is not None
        tree = [psutil.Process(engine.pid), *psutil.Process(engine.pid).children(recursive=True)]

        async def rests() -> bool:
            before = sum(sum(each.cpu_times()[:2]) for each in tree)
            await asyncio.sleep(1)
            return sum(sum(each.cpu_times()[:2]) for each in tree) - before < 0.5

        async with asyncio.timeout(20):  # all of it would take a minute and more
            while not await rests():
                pass


async def test_a_killed_server_is_started_again(engine: Engine) -> None:
    assert engine.pid is not None
    with engine.lease():
        (server,) = (
            each for each in psutil.Process(engine.pid).children() if "keyed" in " ".join(each.cmdline())
        )
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda: engine.state != "ready")
        answer = await engine.request("POST", "/v1/completions", {"prompt": "def", "max_tokens": 1})
        assert answer["choices"]


async def test_an_unused_one_goes_with_all_its_processes(engine: Engine) -> None:
    await engine.start()
    assert engine.pid is not None
    tree = psutil.Process(engine.pid).children(recursive=True)
    await until(lambda: engine.state == "unloaded")
    gone = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    await until(lambda: not any(each.is_running() and each.status() not in gone for each in tree))

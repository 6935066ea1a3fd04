"""Where the engines' answers end: who left, what does not fit, what is broken or forbidden."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from ide_agent.errors import EngineCrashed, EngineError, EngineStartError, ModelFileInvalid
from ide_agent.inference.backends import EngineSpec, usable
from ide_agent.inference.engine import Engine
from ide_agent.inference.models import ModelFile
from ide_agent.inference.process import EngineProcess
from ide_agent.inference.service import Inference
from support.processes import gone
from support.real_engine import GREEDY, NATIVE, TEXT, done_by, streamed, whole, working
from support.waiting import until


async def idle(engine: Engine) -> bool:
    return not any(slot["is_processing"] for slot in await engine.request("GET", "/slots"))


async def begin(engine: Engine, payload: dict[str, Any], slots: int = 1) -> asyncio.Task[int]:
    """Stream in a task until `slots` slots are busy; the task's result is the number of events."""

    async def run() -> int:
        async with aclosing(engine.stream("/completion", {**GREEDY, **payload})) as events:
            return len([event async for event in events])

    async def begun() -> bool:
        assert not task.done()
        return len(await working(engine)) >= slots

    task = asyncio.create_task(run())
    await until(begun)
    return task


async def stop(task: asyncio.Task[int]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.engine
@pytest.mark.asyncio(loop_scope="module")
class TestLimits:
    async def test_case_15_a_caller_who_leaves_during_the_answer_frees_the_slot(self, engine: Engine) -> None:
        task = await begin(engine, {"prompt": "Once", "n_predict": 4000, "ignore_eos": True})
        slots = await working(engine)
        await stop(task)
        await until(lambda: idle(engine))
        assert await done_by(engine, slots) < 4000, "the answer was made for nobody"

    @pytest.mark.parametrize("path", ["/completion", "/v1/completions"])
    async def test_who_waits_for_the_whole_answer_and_leaves_frees_the_slot(
        self, engine: Engine, path: str
    ) -> None:
        payload = {"prompt": "Once upon", "max_tokens": 4000, "ignore_eos": True}
        task = asyncio.create_task(engine.request("POST", path, payload))

        async def begun() -> bool:
            assert not task.done()
            return not await idle(engine)

        await until(begun)
        slots = await working(engine)
        task.cancel()
        await asyncio.wait([task])
        await until(lambda: idle(engine))
        assert await done_by(engine, slots) < 4000, "the answer was made for nobody"

    async def test_a_caller_who_leaves_during_the_prompt_frees_the_slot(self, engine: Engine) -> None:
        ids = (await engine.tokenize(TEXT[5000:]))[:3500]
        task = await begin(engine, {"prompt": ids, "n_predict": 1})
        slots = await working(engine)
        await stop(task)
        await until(lambda: idle(engine))
        assert await done_by(engine, slots) < len(ids) - 1, "the prompt was computed for nobody"

    async def test_case_16_dead_requests_in_the_queue_are_never_served(self, engine: Engine) -> None:
        long = {"n_predict": 4000, "ignore_eos": True}
        tasks = [await begin(engine, {"prompt": p, **long}, n) for n, p in ((1, "One"), (2, "Two"))]
        queued = [asyncio.create_task(streamed(engine, f"{n}", **long)) for n in range(3)]
        await until(lambda: engine.busy == 5)
        slots = await working(engine)
        assert len(slots) == 2
        for task in (*queued, *tasks):
            task.cancel()
        await asyncio.wait([*queued, *tasks])
        await until(lambda: idle(engine))
        assert await done_by(engine, slots) < 4000
        assert engine.busy == 0

    async def test_what_does_not_fit_is_refused(self, engine: Engine) -> None:
        with pytest.raises(EngineError, match="exceeds the available context size") as caught:
            await whole(engine, [5] * 5000, n_predict=1)
        assert caught.value.key_used == "error.engine.refused"

    async def test_no_web_page_gets_in(self, engine: Engine) -> None:
        evil = {"Origin": "https://evil.example"}
        async with httpx.AsyncClient(base_url=engine.url, trust_env=False) as page:
            for path in ("/props", "/slots", "/v1/models"):
                answer = await page.get(path, headers=evil)
                assert answer.status_code == 401
                assert answer.headers.get("Access-Control-Allow-Origin") not in ("*", evil["Origin"])
            refused = await page.post("/completion", json={"prompt": "x"}, headers=evil)
            assert refused.status_code == 401
            assert (await page.get("/health")).status_code == 200

    async def test_prompts_are_not_logged(self, engine: Engine, inference: Inference) -> None:
        secret = "Kirschwasser4711"
        await whole(engine, f"password = '{secret}'", n_predict=4)
        with pytest.raises(EngineError):
            await whole(engine, [f"{secret} " * 3000], n_predict=1)
        folder = Path(psutil.Process(inference.snapshot()[0]["pid"] or 0).cwd())
        logs = "".join(log.read_text() for log in folder.glob("engine.log*"))
        assert secret not in logs

    async def test_killed_in_the_middle_then_heals(self, engine: Engine, inference: Inference) -> None:
        seen = 0
        with pytest.raises(EngineCrashed) as caught:
            async for _ in engine.stream(
                "/completion", {"prompt": "A", "n_predict": 999, "ignore_eos": True}
            ):
                seen += 1
                if seen == 3:
                    os.kill(engine.snapshot()["pid"] or 0, signal.SIGKILL)
        assert caught.value.key_used == "error.engine.killed"
        assert (await whole(engine, "def f(", n_predict=3))["timings"]["predicted_n"] == 3

    async def test_a_damaged_file_names_itself(self, inference: Inference, tmp_path: Path) -> None:
        whole_file = (await inference.engine("starter")).model.file.read_bytes()
        renamed = tmp_path / "renamed.gguf"
        renamed.write_bytes(whole_file.replace(b"blk.3.attn_k.weight", b"blk.3.attn_x.weight"))
        with pytest.raises(ModelFileInvalid, match=r"renamed\.gguf.*attn_k") as caught:
            await inference.engine(str(renamed))
        assert caught.value.key_used == "error.model.refused"
        cut = tmp_path / "cut.gguf"
        cut.write_bytes(whole_file[:-1000])
        with pytest.raises(ModelFileInvalid, match=r"cut\.gguf is incomplete"):
            await inference.engine(str(cut))

    async def test_the_engine_dies_with_its_host(self, inference: Inference, model: ModelFile) -> None:
        engine = await inference.engine("starter")
        host = subprocess.Popen(
            [sys.executable, "-c", _HOST, str(model.file.parent.parent), engine.backend],
            stdout=subprocess.PIPE,
        )
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        assert not gone(pid)
        host.kill()
        host.wait()
        host.stdout.close()
        await until(lambda: gone(pid))


@pytest.mark.engine
@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process")
@pytest.mark.parametrize("name", ["xllamacpp", NATIVE])
async def test_where_memory_is_short_the_file_is_not_blamed(model: ModelFile, name: str) -> None:
    (backend,) = usable(name)
    limited = ["bash", "-c", 'ulimit -v 3500000; exec "$@"', "limited", *backend.command()]
    spec = EngineSpec(str(model.file), 200_000, 1, 1, 8, "key", os.getpid())  # 4.4 GiB of context
    with pytest.raises(EngineStartError, match=r"\.gguf .*failed to allocate") as caught:
        await EngineProcess.start(limited, backend.environment(), spec, "starter")
    assert caught.value.key_used == "error.engine.memory"


_HOST = """
import asyncio, sys
from pathlib import Path
from ide_agent.config import InferenceSettings
from ide_agent.inference.models import ModelStore
from ide_agent.inference.service import Inference

async def main():
    settings = InferenceSettings(engine=sys.argv[2], context_tokens=512)
    inference = Inference(settings, ModelStore(Path(sys.argv[1])), lambda status: None)
    await inference.engine("starter")
    print(inference.snapshot()[0]["pid"], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""

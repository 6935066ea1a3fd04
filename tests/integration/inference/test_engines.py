"""Both engines on the real starter model: the same tests for each."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio

from ide_agent.config import InferenceSettings
from ide_agent.errors import EngineCrashed, EngineError, EngineStartError, ModelFileInvalid
from ide_agent.features.completion.prompt import PromptPlanner
from ide_agent.features.completion.templates import FimTemplate, resolve
from ide_agent.features.completion.wire import CompletionRequest
from ide_agent.inference import special_texts, supervisor
from ide_agent.inference.backends import EngineSpec, usable
from ide_agent.inference.engine import Engine
from ide_agent.inference.models import ModelFile, ModelStore
from ide_agent.inference.process import EngineProcess
from ide_agent.inference.service import Inference
from support.models import starter_model
from support.processes import gone
from support.waiting import until

NATIVE = pytest.param(
    "llama-cpp-python",
    marks=[
        pytest.mark.native,
        pytest.mark.skipif(find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed"),
    ],
)
# Prose and code that no other test sends, so that nothing of it is cached.
TEXT = Path(json.__file__).read_text(encoding="utf-8") * 4
GREEDY = {"temperature": 0, "cache_prompt": True}


@pytest.fixture(scope="module")
def model() -> ModelFile:
    return starter_model()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["xllamacpp", NATIVE])
async def inference(
    request: pytest.FixtureRequest, model: ModelFile, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Inference, None]:
    settings = InferenceSettings(engine=request.param, context_tokens=4096)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IDE_AGENT_HOME", str(tmp_path_factory.mktemp("home")))
        room = Inference(settings, ModelStore(model.file.parent.parent), lambda status: None)
        await room.engine("starter")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervisor, "_DYING_SECONDS", 60.0)  # a death may be noticed late on a busy machine
        yield room
    await room.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(inference: Inference) -> Engine:
    return await inference.engine("starter")


async def whole(engine: Engine, prompt: Any, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await engine.request("POST", "/completion", {"prompt": prompt, **GREEDY, **more})
    return answer


async def streamed(engine: Engine, prompt: Any, **more: Any) -> list[dict[str, Any]]:
    payload = {"prompt": prompt, **GREEDY, **more}
    return [event async for event in engine.stream("/completion", payload)]


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(event["content"] for event in events)


async def idle(engine: Engine) -> bool:
    return not any(slot["is_processing"] for slot in await engine.request("GET", "/slots"))


async def working(engine: Engine) -> set[int]:
    """The slots that compute."""
    return {slot["id"] for slot in await engine.request("GET", "/slots") if slot["is_processing"]}


async def done_by(engine: Engine, slots: set[int]) -> int:
    """Tokens that the slots hold: the most that one of them has computed for its last request."""
    found = {slot["id"]: slot.get("n_prompt_tokens", 0) for slot in await engine.request("GET", "/slots")}
    return max(int(found[slot]) for slot in slots)


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
class TestEngine:
    async def test_a_stream_says_what_the_whole_answer_says(self, engine: Engine) -> None:
        prompt = "def fibonacci(n: int) -> int:\n    "
        events = await streamed(engine, prompt, n_predict=12)
        assert len(events) > 6
        assert text_of(events) == (await whole(engine, prompt, n_predict=12))["content"]
        *middle, last = events
        assert not any(event["stop"] for event in middle)
        assert (last["stop"], last["stop_type"]) == (True, "limit")
        timings = last["timings"]
        assert timings["predicted_n"] == 12
        assert timings["prompt_n"] + timings["cache_n"] == len(await engine.tokenize(prompt))
        assert {"prompt_ms", "predicted_ms"} <= timings.keys()

    async def test_stop_strings_end_the_answer_and_are_not_sent(self, engine: Engine) -> None:
        prompt = "1\n2\n3\n4\n5\n6\n"
        events = await streamed(engine, prompt, n_predict=40, stop=["9", "\n8"])
        assert text_of(events) == "7"
        assert (events[-1]["stop_type"], events[-1]["stopping_word"]) == ("word", "\n8")

    async def test_case_25_characters_of_several_tokens_come_whole(self, engine: Engine) -> None:
        wanted = "ğüş → 😀 漢字\u2028\u0085 end"
        grammar = f"root ::= {json.dumps(wanted, ensure_ascii=False)}"
        events = await streamed(engine, "Say it:", n_predict=60, grammar=grammar)
        assert text_of(events) == wanted
        assert len(events) > 8

    async def test_answers_follow_a_json_schema(self, engine: Engine) -> None:
        schema = {
            "type": "object",
            "properties": {"name": {"type": "string", "maxLength": 8}, "sure": {"type": "boolean"}},
            "required": ["name", "sure"],
        }
        answer = await engine.request(
            "POST",
            "/v1/chat/completions",
            {
                "messages": [{"role": "user", "content": "Name an animal."}],
                "max_tokens": 60,
                "temperature": 0,
                "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
            },
        )
        assert json.loads(answer["choices"][0]["message"]["content"]).keys() == {"name", "sure"}

    async def test_prompts_of_text_of_tokens_and_of_both(self, engine: Engine) -> None:
        ids = await engine.tokenize("import os\n\ndef")
        answers = [
            (await whole(engine, prompt, n_predict=8))["content"]
            for prompt in ("import os\n\ndef", ids, [*ids[:2], "\n\ndef"])
        ]
        assert len(set(answers)) == 1

    async def test_several_strings_with_an_id_among_them_are_one_prompt(self, engine: Engine) -> None:
        ids = await engine.tokenize("import os\n\ndef f(")
        texts = [(await engine.request("POST", "/detokenize", {"tokens": [each]}))["content"] for each in ids]
        events = await streamed(engine, ["", *texts[:2], ids[2], *texts[3:]], n_predict=8)
        assert [event["stop"] for event in events].count(True) == 1
        assert text_of(events) == (await whole(engine, ids, n_predict=8))["content"]

    @pytest.mark.parametrize("special", ["<|im_end|>", "<filename>", "<s>10</s> <|im_start|>[PREFIX]"])
    async def test_case_22_a_file_that_names_special_tokens_gets_one_completion(
        self, engine: Engine, special: str
    ) -> None:
        source = f'MARKS = ["{special}"]\n\n\ndef add(a, b):\n    return a'
        planner = PromptPlanner(None, engine.tokenize, special_texts(engine.model.header))
        plan = await planner.plan(CompletionRequest(document="d", prefix=source))
        request = {**plan.healing.payload([], 12), "n_predict": 12}
        events = await streamed(engine, plan.parts, **request)
        assert [event["stop"] for event in events].count(True) == 1
        timings = events[-1]["timings"]
        text = source.removesuffix(plan.healing.text)
        assert timings["prompt_n"] + timings["cache_n"] == len(await engine.tokenize(text))
        assert len(await engine.tokenize(text, special=True)) < len(await engine.tokenize(text))
        assert text_of(events).startswith(" a + b")

    async def test_a_template_becomes_ids_and_its_prompt_one_prompt(self, engine: Engine) -> None:
        spelled = FimTemplate("spelled", "<repo_name>", "<file_sep>", "<filename>")
        planner = PromptPlanner(await resolve(spelled, engine.tokenize), engine.tokenize)
        plan = await planner.plan(CompletionRequest(document="d", prefix="x = [1", suffix="]\ny = 2"))
        events = await streamed(engine, plan.parts, n_predict=2)
        assert [event["stop"] for event in events].count(True) == 1
        parts = [len(await engine.tokenize(text)) for text in ("x = [1", "]\ny = 2")]
        timings = events[-1]["timings"]
        assert timings["prompt_n"] + timings["cache_n"] == 3 + sum(parts)
        unknown = FimTemplate("unknown", "<repo_name>", "<file_sep>", "<no_such_token>")
        assert await resolve(unknown, engine.tokenize) is None

    async def test_special_tokens_are_read_only_on_demand(self, engine: Engine) -> None:
        assert len(await engine.tokenize("<|im_end|>", special=True)) == 1
        plain = await engine.tokenize("<|im_end|>")
        assert len(plain) > 1
        answer = await engine.request("POST", "/detokenize", {"tokens": plain})
        assert answer["content"] == "<|im_end|>"
        assert await engine.tokenize("") == []

    async def test_typing_on_recomputes_only_what_is_new(self, engine: Engine) -> None:
        ids = await engine.tokenize(TEXT[:1200])
        first = (await whole(engine, ids, n_predict=1))["timings"]
        assert first["prompt_n"] > 200
        second = (await whole(engine, [*ids, *ids[:3]], n_predict=1))["timings"]
        assert second["cache_n"] >= len(ids) - 1
        assert second["prompt_n"] <= 4
        warmed = (await whole(engine, [*ids, *ids[:5]], n_predict=0))["timings"]
        assert warmed["prompt_n"] <= 3

    async def test_text_that_moved_forward_is_not_recomputed(self, engine: Engine) -> None:
        ids = await engine.tokenize(TEXT[1200:4000])
        assert len(ids) > 600
        await whole(engine, ids, n_predict=1)
        moved = (await whole(engine, [*ids[:100], *ids[200:]], n_predict=1))["timings"]
        assert moved["cache_n"] > 400

    async def test_a_slot_tells_how_much_it_holds(self, engine: Engine) -> None:
        ids = await engine.tokenize(TEXT[4000:4300])
        held = (await whole(engine, ids, n_predict=9, ignore_eos=True))["id_slot"]
        assert len(ids) + 8 <= await done_by(engine, {held}) <= len(ids) + 9

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

    async def test_cases_11_and_16_who_leaves_the_queue_is_never_served(self, engine: Engine) -> None:
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

    async def test_twenty_at_once_none_lost_none_mixed_up(self, engine: Engine) -> None:
        async def ask(number: int) -> str:
            grammar = f'root ::= "answer {number} is {number * number}"'
            return text_of(await streamed(engine, f"Question {number}:", n_predict=40, grammar=grammar))

        answers = await asyncio.gather(*(ask(number) for number in range(20)))
        assert answers == [f"answer {number} is {number * number}" for number in range(20)]

    async def test_what_does_not_fit_is_refused(self, engine: Engine) -> None:
        with pytest.raises(EngineError, match="exceeds the available context size") as caught:
            await whole(engine, [5] * 5000, n_predict=1)
        assert caught.value.key_used == "error.engine.refused"

    async def test_the_openai_dialect(self, engine: Engine) -> None:
        request = {"prompt": "one two three", "max_tokens": 4, "temperature": 0, "model": "starter"}
        answer = await engine.request("POST", "/v1/completions", request)
        assert answer["object"] == "text_completion"
        assert answer["usage"]["completion_tokens"] == 4
        assert answer["choices"][0]["finish_reason"] == "length"
        options = {**request, "stream_options": {"include_usage": True}}
        events = [event async for event in engine.stream("/v1/completions", options)]
        texts = [event["choices"][0]["text"] for event in events if event["choices"]]
        assert "".join(texts) == answer["choices"][0]["text"]
        assert events[-1]["usage"]["total_tokens"] == answer["usage"]["total_tokens"]

    async def test_chat(self, engine: Engine) -> None:
        request = {
            "messages": [
                {"role": "system", "content": "You answer in one word."},
                {"role": "user", "content": [{"type": "text", "text": "The capital of France?"}]},
            ],
            "max_tokens": 24,
            "temperature": 0,
        }
        answer = await engine.request("POST", "/v1/chat/completions", request)
        said = answer["choices"][0]["message"]
        assert said["role"] == "assistant"
        assert "Paris" in said["content"]
        events = [event async for event in engine.stream("/v1/chat/completions", request)]
        deltas = [event["choices"][0]["delta"] for event in events if event["choices"]]
        assert deltas[0]["role"] == "assistant"
        assert "".join(delta.get("content") or "" for delta in deltas) == said["content"]
        finish = [event["choices"][0]["finish_reason"] for event in events if event["choices"]]
        assert finish[-1] == answer["choices"][0]["finish_reason"]

    async def test_embeddings(self, inference: Inference) -> None:
        engine = await inference.engine("starter", "embedding")
        texts = ["the cat sat on the mat", "a cat is sitting on a mat", "SELECT id FROM invoices"]
        answer = await engine.request("POST", "/v1/embeddings", {"input": [*texts, texts[0]]})
        vectors = [item["embedding"] for item in answer["data"]]
        cat, alike, other, again = vectors
        assert again == pytest.approx(cat, abs=1e-3)
        assert sum(x * x for x in cat) == pytest.approx(1, abs=1e-3)
        assert _dot(cat, alike) > _dot(cat, other)

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

    async def test_props_tell_the_context(self, engine: Engine) -> None:
        props = await engine.props()
        assert props["default_generation_settings"]["n_ctx"] == 4096
        assert props["total_slots"] == engine.slots == 2
        assert "im_start" in props["chat_template"]

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
    with pytest.raises(EngineStartError, match="failed to allocate"):
        await EngineProcess.start(limited, backend.environment(), spec, "starter")


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


def _dot(left: list[float], right: list[float]) -> float:
    return sum(x * y for x, y in zip(left, right, strict=True))

"""What the engines answer: the same tests for each."""

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest

from ide_agent.features.completion.prompt import PromptPlanner
from ide_agent.features.completion.templates import FimTemplate, resolve
from ide_agent.features.completion.wire import CompletionRequest
from ide_agent.inference import special_texts
from ide_agent.inference.engine import Engine
from ide_agent.inference.service import Inference
from support.real_engine import TEXT, done_by, streamed, text_of, whole

CHAT = "/v1/chat/completions"


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

    @pytest.mark.parametrize("penalty", [{"repeat_penalty": 1.9}, {"presence_penalty": 9.0}])
    async def test_a_penalty_changes_what_repeats(self, engine: Engine, penalty: dict[str, float]) -> None:
        prompt = "zeros = [0, 0, 0, 0, 0, 0, 0, 0, 0, "
        plain = await whole(engine, prompt, n_predict=12)
        assert plain["content"].count("0") > 3
        held_back = await whole(engine, prompt, n_predict=12, **penalty)
        assert held_back["content"].count("0") < plain["content"].count("0")

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
        ids = await engine.tokenize(TEXT[:400])
        first = (await whole(engine, ids, n_predict=1))["timings"]
        assert first["prompt_n"] > 100
        second = (await whole(engine, [*ids, *ids[:3]], n_predict=1))["timings"]
        assert second["cache_n"] >= len(ids) - 1
        assert second["prompt_n"] <= 4
        warmed = (await whole(engine, [*ids, *ids[:5]], n_predict=0))["timings"]
        assert warmed["prompt_n"] <= 3

    async def test_text_that_moved_forward_is_not_recomputed(self, engine: Engine) -> None:
        ids = (await engine.tokenize(TEXT[1200:2700]))[:360]
        assert len(ids) == 360
        await whole(engine, ids, n_predict=1)
        moved = (await whole(engine, [*ids[:60], *ids[80:]], n_predict=1))["timings"]
        assert moved["cache_n"] > 330

    @pytest.mark.parametrize("together", [True, False], ids=["together", "in turn"])
    async def test_chats_leave_what_is_typed_in_the_cache(self, engine: Engine, together: bool) -> None:
        ids = (await engine.tokenize(TEXT[6000 + 3000 * together :]))[:400]
        slot = (await whole(engine, ids, n_predict=8, interactive=True))["id_slot"]
        chats = [_chat(number, together) for number in range(2 * engine.slots)]
        if together:
            await asyncio.gather(*(engine.request("POST", CHAT, chat) for chat in chats))
        else:
            for chat in chats:
                await engine.request("POST", CHAT, chat)
        again = await whole(engine, ids, n_predict=1, interactive=True)
        assert again["timings"]["cache_n"] >= len(ids) - 4
        assert again["id_slot"] == slot, "it was put aside meanwhile"

    async def test_who_types_waits_for_no_chat_that_waits(self, engine: Engine) -> None:
        await whole(engine, TEXT[:300], n_predict=1, interactive=True)
        async with asyncio.TaskGroup() as group:

            async def begun(tokens: int, **more: Any) -> asyncio.Task[None]:
                first = asyncio.Event()

                async def run() -> None:
                    payload = {"prompt": TEXT[:300], "n_predict": tokens, "ignore_eos": True, **more}
                    async with aclosing(engine.stream("/completion", payload)) as events:
                        async for _ in events:
                            first.set()

                task = group.create_task(run())
                await first.wait()
                return task

            chat = await begun(1500)
            await begun(60, interactive=True)
            waiting = group.create_task(streamed(engine, TEXT[2000:2300], n_predict=1500, ignore_eos=True))
            for _ in range(3):  # it is on its way to the engine, or stopped before
                await engine.props()
            await whole(engine, TEXT[:310], n_predict=1, interactive=True)
            assert not chat.done()
            chat.cancel()
            waiting.cancel()

    async def test_a_slot_tells_how_much_it_holds(self, engine: Engine) -> None:
        ids = await engine.tokenize(TEXT[4000:4300])
        held = (await whole(engine, ids, n_predict=9, ignore_eos=True))["id_slot"]
        assert len(ids) + 8 <= await done_by(engine, {held}) <= len(ids) + 9

    async def test_twenty_at_once_none_lost_none_mixed_up(self, engine: Engine) -> None:
        async def ask(number: int) -> str:
            grammar = f'root ::= "{number}={number * number}"'
            return text_of(await streamed(engine, f"{number}:", n_predict=40, grammar=grammar))

        answers = await asyncio.gather(*(ask(number) for number in range(20)))
        assert answers == [f"{number}={number * number}" for number in range(20)]

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

    async def test_words_for_the_template_are_taken(self, engine: Engine) -> None:
        messages = [{"role": "user", "content": "Hi"}]
        request = {"messages": messages, "max_tokens": 1, "chat_template_kwargs": {"enable_thinking": False}}
        answer = await engine.request("POST", "/v1/chat/completions", request)
        assert answer["choices"][0]["message"]["role"] == "assistant"

    async def test_embeddings(self, inference: Inference) -> None:
        engine = await inference.engine("starter", "embedding")
        texts = ["the cat sat on the mat", "a cat is sitting on a mat", "SELECT id FROM invoices"]
        answer = await engine.request("POST", "/v1/embeddings", {"input": [*texts, texts[0]]})
        vectors = [item["embedding"] for item in answer["data"]]
        cat, alike, other, again = vectors
        assert again == pytest.approx(cat, abs=1e-3)
        assert sum(x * x for x in cat) == pytest.approx(1, abs=1e-3)
        assert _dot(cat, alike) > _dot(cat, other)

    async def test_props_tell_the_context(self, engine: Engine) -> None:
        props = await engine.props()
        assert props["default_generation_settings"]["n_ctx"] == 4096
        assert props["total_slots"] == engine.slots == 2
        assert "im_start" in props["chat_template"]


def _chat(number: int, *unlike: object) -> dict[str, Any]:
    """A conversation that begins like no other."""
    system = {"role": "system", "content": f"{number} {unlike} " * 40}
    return {"messages": [system, {"role": "user", "content": "Hi"}], "max_tokens": 4, "temperature": 0}


def _dot(left: list[float], right: list[float]) -> float:
    return sum(x * y for x, y in zip(left, right, strict=True))

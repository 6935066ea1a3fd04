"""The official openai client, unchanged, against the host with a real model."""

import asyncio
import base64
import os
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest

from ide_agent.paths import models_dir
from ide_agent.runtime import RuntimeInfo, call, ensure_host
from support.host_process import clean_home, wait_for
from support.real_engine import NATIVE

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", params=["xllamacpp", NATIVE])
def name(request: pytest.FixtureRequest) -> str:
    """Of the engine."""
    return str(request.param)


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory, name: str) -> Iterator[RuntimeInfo]:
    home = tmp_path_factory.mktemp("openai")
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text(f'[inference]\nengine = "{name}"\nthreads = 1\n')
    with pytest.MonkeyPatch.context() as patch, clean_home(home):
        patch.setenv("IDE_AGENT_MODELS", str(models_dir()))
        patch.setenv("IDE_AGENT_HOME", str(home))
        yield ensure_host(60)


@pytest.fixture(scope="module")
def client(info: RuntimeInfo) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{info.url}/v1", api_key=info.token, max_retries=0) as client:
        yield client


def idle(info: RuntimeInfo) -> bool:
    return all(engine["busy"] == 0 for engine in call(info, "GET", "/status")["engines"])


def test_models(client: openai.OpenAI) -> None:
    assert "starter" in [model.id for model in client.models.list()]
    model = client.models.retrieve("starter")
    assert (model.object, model.owned_by) == ("model", "local")
    assert model.created > 0


def test_completion(client: openai.OpenAI) -> None:
    answer = client.completions.create(
        model="starter", prompt="one two three four five six", max_tokens=8, temperature=0
    )
    assert answer.object == "text_completion"
    assert answer.model == "starter"
    assert answer.choices[0].text.strip()
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 8


def test_streamed_completion_is_the_same_text(client: openai.OpenAI) -> None:
    asked = {"model": "default", "prompt": "for i in range(", "max_tokens": 12, "temperature": 0}
    whole = client.completions.create(**asked).choices[0].text
    chunks = list(client.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == whole
    assert len(chunks) > 5
    assert {chunk.model for chunk in chunks} == {"starter"}
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 12


CHAT: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Write a Python function that adds two numbers."}],
    "max_tokens": 24,
    "temperature": 0,
}


async def test_chat_whole_and_streamed(client: openai.OpenAI, info: RuntimeInfo) -> None:
    answer = client.chat.completions.create(model="starter", **CHAT)
    message = answer.choices[0].message
    assert message.role == "assistant"
    assert "def " in (message.content or "")
    async with openai.AsyncOpenAI(base_url=f"{info.url}/v1", api_key=info.token, max_retries=0) as other:
        stream = await other.chat.completions.create(model="", stream=True, **CHAT)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    assert len(pieces) > 10
    assert "".join(pieces) == message.content


@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_embeddings(client: openai.OpenAI, encoding: str | None) -> None:
    chosen = {} if encoding is None else {"encoding_format": encoding}
    answer = client.embeddings.create(
        model="starter", input=["a cat sat", "a cat sits", "tax law of 1987"], **chosen
    )
    vectors = [_floats(item.embedding) if encoding == "base64" else item.embedding for item in answer.data]

    def dot(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    assert len(vectors[0]) == 576
    assert dot(vectors[0], vectors[1]) > dot(vectors[0], vectors[2])


def _floats(coded: Any) -> list[float]:
    raw = base64.b64decode(coded, validate=True)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def test_embeddings_are_not_streamed(client: openai.OpenAI) -> None:
    wanted = {"input": "a shop", "model": "starter"}
    answer = client.post("/embeddings", cast_to=object, body={**wanted, "stream": True})
    assert isinstance(answer, dict)
    assert len(answer["data"][0]["embedding"]) > 1


def test_both_encodings_say_the_same(client: openai.OpenAI) -> None:
    asked = {"model": "starter", "input": "a cat sat"}
    coded = client.embeddings.create(**asked, encoding_format="base64").data[0].embedding
    plain = client.embeddings.create(**asked, encoding_format="float").data[0].embedding
    assert _floats(coded) == pytest.approx(plain, abs=1e-3)
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(**asked, encoding_format="int8")


PROMPTS = ["one, two, three, four,", "1, 2, 3, 4, 5,"]


def test_several_prompts_are_answered_each(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": "starter", "max_tokens": 6, "temperature": 0}
    apart = [client.completions.create(prompt=prompt, **asked) for prompt in PROMPTS]
    both = client.completions.create(prompt=PROMPTS, **asked)
    assert [choice.index for choice in both.choices] == [0, 1]
    assert [choice.text for choice in both.choices] == [answer.choices[0].text for answer in apart]
    assert both.usage is not None
    assert both.usage.completion_tokens == 12
    assert both.usage.prompt_tokens == sum(answer.usage.prompt_tokens for answer in apart if answer.usage)
    texts = ["", ""]
    for chunk in client.completions.create(prompt=PROMPTS, stream=True, **asked):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert texts == [choice.text for choice in both.choices]


def test_several_answers_to_one_prompt(client: openai.OpenAI) -> None:
    asked = {**CHAT, "model": "starter", "max_tokens": 8}
    answer = client.chat.completions.create(n=2, **asked)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert all(choice.message.content for choice in answer.choices)
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 16
    once = client.chat.completions.create(**asked).usage
    assert once is not None
    assert answer.usage.prompt_tokens == once.prompt_tokens


@pytest.mark.parametrize("wish", [{"echo": True}, {"best_of": 2}, {"suffix": "x"}], ids=str)
def test_what_no_engine_can_do_is_refused(client: openai.OpenAI, wish: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError, match=next(iter(wish))):
        client.completions.create(model="starter", prompt="x", max_tokens=1, **wish)


@pytest.mark.parametrize("wish", [{"logprobs": 1}, {"logit_bias": {"5": 1}}], ids=str)
def test_what_only_one_engine_can_do(client: openai.OpenAI, name: str, wish: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"model": "starter", "prompt": "x", "max_tokens": 1, **wish}
    if name == "xllamacpp":
        assert client.completions.create(**asked).choices
        return
    with pytest.raises(openai.BadRequestError, match=next(iter(wish))):
        client.completions.create(**asked)


def test_concurrent_answers_are_not_mixed_up(client: openai.OpenAI) -> None:
    def ask(number: int) -> tuple[str, str]:
        prompt = f"[{number}, {number}, {number},"
        answer = client.completions.create(model="starter", prompt=prompt, max_tokens=6, temperature=0)
        return str(number), answer.choices[0].text

    with ThreadPoolExecutor(8) as pool:
        for number, text in pool.map(ask, range(1111, 9999, 1111)):
            assert number in text


@pytest.mark.parametrize("stream", [False, True])
def test_unknown_model(client: openai.OpenAI, stream: bool) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.completions.create(model="gpt-9", prompt="x", stream=stream)
    assert caught.value.type == "ModelNotFound"
    assert caught.value.code == "error.model.not_found"
    assert "gpt-9" in caught.value.message


@pytest.mark.parametrize("stream", [False, True])
def test_request_that_the_engine_refuses(client: openai.OpenAI, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="starter", messages=[{"content": "x"}], stream=stream)  # type: ignore[call-overload]
    assert caught.value.code == "error.engine.refused"


def test_messages_that_are_none_reach_no_engine(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="starter", messages="hello")  # type: ignore[call-overload]
    assert caught.value.code == "error.picture.messages"


def test_wrong_key(info: RuntimeInfo) -> None:
    client = openai.OpenAI(base_url=f"{info.url}/v1", api_key="guess")
    with client, pytest.raises(openai.AuthenticationError):
        client.models.list()


def test_no_answer_names_a_path_of_this_machine(client: openai.OpenAI) -> None:
    folder = str(Path(os.environ["IDE_AGENT_MODELS"]))
    answer = client.completions.with_raw_response.create(model="starter", prompt="x", max_tokens=1)
    assert folder not in answer.text
    assert folder not in client.models.with_raw_response.list().text


def test_leaving_a_stream_frees_the_engine(client: openai.OpenAI, info: RuntimeInfo) -> None:
    stream = client.completions.create(
        model="starter",
        prompt="Once upon a time",
        max_tokens=4000,
        stream=True,
        extra_body={"ignore_eos": True},
    )
    next(iter(stream))
    assert not idle(info)
    stream.close()
    wait_for(lambda: idle(info), "the engine to be free")


async def test_leaving_before_the_answer_frees_the_engine(info: RuntimeInfo) -> None:
    async with openai.AsyncOpenAI(base_url=f"{info.url}/v1", api_key=info.token, max_retries=0) as client:
        asking = asyncio.create_task(
            client.completions.create(
                model="starter", prompt="Once upon a time", max_tokens=4000, extra_body={"ignore_eos": True}
            )
        )
        await asyncio.to_thread(wait_for, lambda: not idle(info), "the engine to work")
        asking.cancel()
        await asyncio.wait([asking])
        await asyncio.to_thread(wait_for, lambda: idle(info), "the engine to be free")

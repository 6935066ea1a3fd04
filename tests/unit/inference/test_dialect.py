from types import SimpleNamespace
from typing import Any

import pytest

from ide_agent.inference.serve.dialect import Native, OpenAI, Wish, parse
from ide_agent.inference.serve.generation import Generation, Piece
from ide_agent.inference.serve.http import BadRequest
from ide_agent.inference.serve.sampler import Sampling


class LetterModel:
    """One token a character; 1 is the start token."""

    vocab = None
    native = SimpleNamespace(llama_vocab_n_tokens=lambda vocab: 1000)

    def tokenize(self, text: str, *, start: bool, special: bool) -> list[int]:
        return [1] * start + [ord(character) for character in text]


def read(**body: Any) -> Wish:
    return parse(LetterModel(), {"prompt": "ab", **body}, 20)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [("ab", [1, 97, 98]), ([5, 6], [5, 6]), (["a", 5, "b"], [1, 97, 5, 98]), ([5, "a"], [5, 97])],
)
def test_prompts_of_text_and_token_ids(prompt: Any, tokens: list[int]) -> None:
    assert read(prompt=prompt).prompts == [tokens]


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [
        (["ab"], [[1, 97, 98]]),
        (["a", "b"], [[1, 97], [1, 98]]),
        ([[5, 6], [7]], [[5, 6], [7]]),
        (["a", [5, "b"]], [[1, 97], [5, 98]]),
    ],
)
def test_a_list_without_token_ids_is_a_list_of_prompts(prompt: Any, prompts: list[list[int]]) -> None:
    assert read(prompt=prompt).prompts == prompts


def test_several_answers_to_each_prompt() -> None:
    assert (read().repeat, read(n=None).repeat, read(n=3).repeat) == (1, 1, 3)
    for n in (0, -1, 65, "2", True):
        with pytest.raises(BadRequest, match="n: "):
            read(n=n)


@pytest.mark.parametrize("body", [{"prompt": ["a", "b"]}, {"n": 2}])
def test_llama_servers_own_dialect_has_one_answer(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="one prompt"):
        Native("m", read(**body))


@pytest.mark.parametrize(
    "body", [{"logprobs": 0}, {"logprobs": True}, {"top_logprobs": 2}, {"logit_bias": {"5": 1}}]
)
def test_what_we_cannot_do_is_refused_by_its_name(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=next(iter(body))):
        read(**body)
    read(**dict.fromkeys(body))
    read(logprobs=False, top_logprobs=0, logit_bias={})


def test_defaults_are_those_of_llama_server() -> None:
    wish = read()
    assert (wish.limit, wish.stops, wish.reuse, wish.stream, wish.usage) == (-1, [], True, False, False)
    assert wish.sampling == Sampling()


def test_both_dialects_names() -> None:
    assert read(n_predict=0).limit == 0
    assert read(max_tokens=3).limit == read(max_completion_tokens=3).limit == 3
    assert read(stop="x").stops == read(stop=["x"]).stops == ["x"]
    assert read(stop=None, temperature=None).sampling.temperature == 0.8
    assert read(temperature=0).sampling.temperature == 0.0
    assert read(stream=True, stream_options={"include_usage": True}).usage


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": []},
        {"prompt": None},
        {"prompt": 3},
        {"prompt": [True]},
        {"prompt": [-1]},
        {"prompt": [1000]},
        {"prompt": [{"text": "x"}]},
        {"n_predict": "5"},
        {"n_predict": True},
        {"temperature": "hot"},
        {"stop": 3},
        {"stop": [3]},
    ],
)
def test_nonsense_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        read(**body)


def test_a_prompt_that_fills_the_context_is_refused_by_its_name() -> None:
    read(prompt=[5] * 19)
    with pytest.raises(BadRequest, match="exceeds the available context size") as caught:
        read(prompt=[5] * 20)
    assert caught.value.kind == "exceed_context_size_error"


def done(stop: Any = "eos") -> tuple[Piece, Generation]:
    work = Generation([1, 2, 3], lambda piece: None)
    work.cached, work.made, work.slot = 2, 5, 1
    work.begun, work.prompted, work.ended = 10.0, 10.5, 11.5
    return Piece("end", (7,), stop), work


def test_the_last_native_event() -> None:
    event = Native("m", read()).last(0, *done("word"))[0]
    assert (event["content"], event["stop"], event["stop_type"], event["id_slot"]) == ("end", True, "word", 1)
    timings = event["timings"]
    assert (timings["cache_n"], timings["prompt_n"], timings["prompt_ms"]) == (2, 1, 500)
    assert (timings["predicted_n"], timings["predicted_ms"], timings["predicted_per_second"]) == (5, 1000, 5)


def test_openai_events_of_a_chat() -> None:
    shape = OpenAI("m", read(stream_options={"include_usage": True}), chat=True)
    piece, work = done("limit")
    events = [*shape.chunk(0, Piece("a")), *shape.chunk(0, Piece("")), *shape.last(0, piece, work)]
    deltas = [event["choices"][0]["delta"] for event in events]
    assert deltas == [{"role": "assistant", "content": "a"}, {"content": "end"}, {}]
    assert [event["choices"][0]["finish_reason"] for event in events] == [None, None, "length"]
    (end,) = shape.end([work])
    assert (end["choices"], end["usage"]["total_tokens"]) == ([], 8)
    assert len({event["id"] for event in [*events, end]}) == 1


def test_openai_answers_in_one() -> None:
    piece, work = done()
    answer = OpenAI("m", read(), chat=False).whole(["all of it"], [piece], [work])
    assert answer["choices"] == [{"index": 0, "logprobs": None, "finish_reason": "stop", "text": "all of it"}]
    assert answer["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}


def test_several_openai_answers() -> None:
    piece, work = done()
    shape = OpenAI("m", read(n=2, stream_options={"include_usage": True}), chat=True)
    answer = shape.whole(["a", "b"], [piece, piece], [work, work])
    said = [(choice["index"], choice["message"]["content"]) for choice in answer["choices"]]
    assert said == [(0, "a"), (1, "b")]
    usage = {"prompt_tokens": 3, "completion_tokens": 10, "total_tokens": 13}
    assert answer["usage"] == {**usage, "prompt_tokens_details": {"cached_tokens": 2}}
    events = [*shape.chunk(0, Piece("a")), *shape.chunk(1, Piece("b"))]
    assert [event["choices"][0]["delta"].get("role") for event in events] == ["assistant"] * 2
    assert [event["choices"][0]["index"] for event in events] == [0, 1]

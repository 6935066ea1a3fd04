from collections.abc import AsyncGenerator
from typing import Any

from ide_agent.inference.whole import streaming, whole


async def events(*parts: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
    for part in parts:
        yield part


def chunk(**choice: Any) -> dict[str, Any]:
    return {"id": "c1", "object": "chat.completion.chunk", "choices": [{"index": 0, **choice}]}


def test_usage_is_asked_for_where_the_dialect_has_it() -> None:
    assert streaming("/completion", {"prompt": "x", "stream": False}) == {"prompt": "x", "stream": True}
    asked = streaming("/v1/completions", {"prompt": "x"})
    assert asked["stream_options"] == {"include_usage": True}


async def test_native_events() -> None:
    answer = await whole(
        events(
            {"content": "a", "tokens": [1], "stop": False},
            {"content": "b", "tokens": [2, 3], "stop": False},
            {"content": "", "tokens": [], "stop": True, "stop_type": "eos", "timings": {"cache_n": 1}},
        )
    )
    assert answer == {
        "content": "ab",
        "tokens": [1, 2, 3],
        "stop": True,
        "stop_type": "eos",
        "timings": {"cache_n": 1},
    }


async def test_text_completions_of_several_prompts() -> None:
    head = {"id": "c1", "object": "text_completion"}
    answer = await whole(
        events(
            {**head, "choices": [{"index": 1, "text": "x", "finish_reason": None}]},
            {**head, "choices": [{"index": 0, "text": "a", "finish_reason": None}]},
            {**head, "choices": [{"index": 0, "text": "b", "finish_reason": "stop"}]},
            {**head, "choices": [{"index": 1, "text": "", "finish_reason": "length"}]},
            {**head, "choices": [], "usage": {"total_tokens": 9}},
        )
    )
    assert [(c["text"], c["finish_reason"]) for c in answer["choices"]] == [("ab", "stop"), ("x", "length")]
    assert (answer["object"], answer["usage"]) == ("text_completion", {"total_tokens": 9})


async def test_chat_with_reasoning_and_tool_calls() -> None:
    call = {"index": 0, "id": "t1", "function": {"name": "look", "arguments": '{"a"'}}
    answer = await whole(
        events(
            chunk(delta={"role": "assistant", "content": None}, finish_reason=None),
            chunk(delta={"reasoning_content": "hm"}, finish_reason=None),
            chunk(delta={"reasoning_content": "m"}, finish_reason=None),
            chunk(delta={"content": "I "}, finish_reason=None),
            chunk(delta={"content": "look"}, finish_reason=None, logprobs={"content": [{"token": "look"}]}),
            chunk(delta={"tool_calls": [call]}, finish_reason=None),
            chunk(
                delta={"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]}, finish_reason=None
            ),
            chunk(delta={}, finish_reason="tool_calls"),
        )
    )
    assert answer["object"] == "chat.completion"
    (choice,) = answer["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": "I look",
        "reasoning_content": "hmm",
        "tool_calls": [
            {"id": "t1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
        ],
    }
    assert choice["finish_reason"] == "tool_calls"
    assert choice["logprobs"] == {"content": [{"token": "look"}]}


async def test_a_chat_that_says_nothing() -> None:
    answer = await whole(events(chunk(delta={"role": "assistant", "content": ""}, finish_reason="stop")))
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": ""}


async def test_usage_of_several_answers_is_summed_up() -> None:
    def usage(read: int, made: int) -> dict[str, Any]:
        return {"prompt_tokens": read, "completion_tokens": made, "total_tokens": read + made}

    parts = [
        {"object": "text_completion", "choices": [{"index": 0, "text": "a"}], "usage": usage(5, 2)},
        {"object": "text_completion", "choices": [{"index": 1, "text": "b"}], "usage": usage(7, 4)},
    ]
    assert (await whole(events(*parts)))["usage"] == usage(12, 6)
    assert (await whole(events(*parts), repeat=2))["usage"] == usage(6, 6)

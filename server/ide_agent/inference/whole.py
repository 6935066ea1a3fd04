"""Makes one answer out of a stream's events.

llama.cpp's server notices a caller who left only when it has something to write to him: an answer in one
piece is computed to its end for nobody. So we always stream, and put the pieces together here.
"""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Any

_OBJECTS = {"chat.completion.chunk": "chat.completion"}


def streaming(path: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The request whose events `whole` can put together to the answer of `payload`."""
    if path == "/completion":
        return {**payload, "stream": True}
    return {**payload, "stream": True, "stream_options": {"include_usage": True}}


async def whole(events: AsyncIterable[dict[str, Any]], repeat: Any = 1) -> dict[str, Any]:
    """The answer that the engine would have given without ``stream``; `repeat`: answers to each prompt."""
    answer: dict[str, Any] = {}
    texts: list[str] = []
    tokens: list[int] = []
    choices: dict[int, dict[str, Any]] = {}
    usages: list[dict[str, Any]] = []
    async for event in events:
        usages += [event["usage"]] if event.get("usage") else []
        texts.append(event.get("content") or "")
        tokens += event.get("tokens") or []
        for part in event.get("choices") or []:
            _merge_choice(choices.setdefault(part["index"], {"index": part["index"]}), part)
        answer |= event
    if choices:
        kind = answer["object"]
        answer["object"] = _OBJECTS.get(kind, kind)
        answer["choices"] = [choices[index] for index in sorted(choices)]
        if len(usages) > 1:
            summed = _sum(usages, repeat if isinstance(repeat, int) else 1)
            answer["usage"] = {**answer["usage"], **summed}
    else:
        answer |= {"content": "".join(texts), "tokens": tokens}
    return answer


def _sum(usages: list[dict[str, Any]], repeat: int) -> dict[str, int]:
    """Of answers that were made apart; a prompt counts once, however often it is answered."""
    read = sum(usage["prompt_tokens"] for usage in usages) // max(repeat, 1)
    made = sum(usage["completion_tokens"] for usage in usages)
    return {"prompt_tokens": read, "completion_tokens": made, "total_tokens": read + made}


def _merge_choice(choice: dict[str, Any], part: dict[str, Any]) -> None:
    choice["finish_reason"] = part.get("finish_reason") or choice.get("finish_reason")
    if "text" in part:
        choice["text"] = choice.get("text", "") + (part["text"] or "")
    if "delta" in part:
        _merge_delta(choice.setdefault("message", {"role": "assistant", "content": None}), part["delta"])
    logprobs = part.get("logprobs")
    if logprobs:
        kept = choice.get("logprobs") or {"content": []}
        choice["logprobs"] = {"content": [*kept["content"], *(logprobs.get("content") or [])]}
    else:
        choice.setdefault("logprobs", None)


def _merge_delta(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for key, value in delta.items():
        if key == "tool_calls":
            for part in value or []:
                _merge_call(message.setdefault("tool_calls", []), part)
        elif key == "role":
            message["role"] = value or message["role"]
        elif isinstance(value, str):
            message[key] = (message.get(key) or "") + value


def _merge_call(calls: list[dict[str, Any]], part: dict[str, Any]) -> None:
    index = int(part.get("index", 0))
    while len(calls) <= index:
        calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
    call, function = calls[index], part.get("function") or {}
    call["id"] = part.get("id") or call["id"]
    call["function"]["name"] += function.get("name") or ""
    call["function"]["arguments"] += function.get("arguments") or ""

"""Asking an engine that has the starter model."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ide_agent.inference.engine import Engine

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


async def whole(engine: Engine, prompt: Any, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await engine.request("POST", "/completion", {"prompt": prompt, **GREEDY, **more})
    return answer


async def streamed(engine: Engine, prompt: Any, **more: Any) -> list[dict[str, Any]]:
    payload = {"prompt": prompt, **GREEDY, **more}
    return [event async for event in engine.stream("/completion", payload)]


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(event["content"] for event in events)


async def working(engine: Engine) -> set[int]:
    """The slots that compute."""
    return {slot["id"] for slot in await engine.request("GET", "/slots") if slot["is_processing"]}


async def done_by(engine: Engine, slots: set[int]) -> int:
    """Tokens that the slots hold: the most that one of them has computed for its last request."""
    found = {slot["id"]: slot.get("n_prompt_tokens", 0) for slot in await engine.request("GET", "/slots")}
    return max(int(found[slot]) for slot in slots)

"""How long a suggestion takes, and how much of that is ours."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import httpx

from .stack import QUIET, SAME_ENGINE, Stack, bare_engine, first_line, stack

ROUNDS = 60
SOURCE = '"""A shop."""\n\nfrom dataclasses import dataclass\n\n\n' + "".join(
    f"@dataclass\nclass Item{n}:\n    name: str\n    price: float\n    quantity: int = {n}\n\n"
    f"    def total(self) -> float:\n        return self.price * self.quantity\n\n\n"
    for n in range(9)
)
TYPED = "def total_price(items):\n    return sum("
SHORT = "item.total() for item in items"  # little is left to say: the engine's own time varies less


def percentiles(samples: list[float]) -> dict[str, float]:
    """p50 and p95, in the samples' unit."""
    ordered = sorted(samples)
    return {
        "p50": round(statistics.median(ordered), 1),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 1),
        "samples": len(ordered),
    }


async def overhead() -> dict[str, Any]:
    """Milliseconds that lsp and host add to the first line: the whole way, less what the engine took for it.

    Both of the very same request, for two answers of an engine to the same prompt differ by more than we add.
    Beside it a request that has nothing to answer: what client, pipe and JSON-RPC take of that.
    """
    ours: list[float] = []
    engine: list[float] = []
    nothing: list[float] = []
    text = SOURCE + TYPED + SHORT
    line = text.count("\n")
    character = len(text) - text.rindex("\n") - 1
    async with stack(settings=SAME_ENGINE, tapped=True) as product:
        for number in range(ROUNDS + 3):
            # a document of its own for each request: nothing may come from the cache of suggestions
            uri = f"file:///bench/{number}/x.py"
            product.open(uri, text)
            await _settle(product)
            began = time.perf_counter()
            item = await product.ask(uri, line, character)
            mine = (time.perf_counter() - began) * 1000
            own = (await product.host.get("/bench")).json()["engine_ms"]
            assert item is not None and own is not None
            if number >= 3:
                ours.append(mine)
                engine.append(own)
            await _settle(product)
            began = time.perf_counter()
            assert await product.ask("file:///bench/closed.py", 0, 0) is None
            nothing.append((time.perf_counter() - began) * 1000)
    added = [whole - own for whole, own in zip(ours, engine, strict=True)]
    return {
        "ours": percentiles(ours),
        "engine": percentiles(engine),
        "added": percentiles(added),
        "nothing": percentiles(nothing),
    }


async def cached() -> dict[str, Any]:
    """Milliseconds for a suggestion that the user types through."""
    samples: list[float] = []
    text = SOURCE + TYPED
    line, character = text.count("\n"), len(TYPED.split("\n")[-1])
    async with stack(settings=QUIET) as product:
        for number in range(8):
            uri = f"file:///bench/{number}.py"
            product.open(uri, text)
            await _settle(product)
            item = await product.ask(uri, line, character)
            assert item is not None
            suggestion = str(item["insertText"]).split("\n")[0]
            for typed in range(len(suggestion) - 1):
                product.insert(uri, line, character + typed, suggestion[typed])
                began = time.perf_counter()
                answer = await product.ask(uri, line, character + typed + 1, invoked=False)
                samples.append((time.perf_counter() - began) * 1000)
                assert answer is not None
    return percentiles(samples)


async def keystroke() -> dict[str, Any]:
    """Milliseconds from a keystroke to the first ghost line, debounce included, with a warm prefix.

    Types a function at 120 ms a character, asking after each as an editor does, and takes the time where
    something is shown that does not come from the cache.
    """
    samples: list[float] = []
    body = "    total = 0\n    for item in items:\n        total += item.price\n    return total\n"
    async with stack(settings=QUIET) as product:
        for number in range(6):
            uri = f"file:///bench/{number}.py"
            text = SOURCE + f"def total_{number}(items):\n"
            product.open(uri, text)
            await _settle(product)
            await product.ask(uri, text.count("\n"), 0)
            for character in body:
                line, column = text.count("\n"), len(text.rsplit("\n", 1)[-1])
                product.insert(uri, line, column, character)
                text += character
                line, column = text.count("\n"), len(text.rsplit("\n", 1)[-1])
                began = time.perf_counter()
                asked = asyncio.ensure_future(product.ask(uri, line, column, invoked=False))
                done, _ = await asyncio.wait([asked], timeout=0.12)
                if not done and character in " \n.(":
                    done, _ = await asyncio.wait([asked])
                if done and asked.result() is not None:
                    samples.append((time.perf_counter() - began) * 1000)
    return percentiles([each for each in samples if each > 5])  # what is quicker came from the cache


async def recomputed() -> dict[str, Any]:
    """Share of the prompt that the engine reads again per keystroke, by its own count."""
    shares: list[float] = []
    async with stack() as product:
        for typed in range(1, len(TYPED)):
            timings = (await _through_host(product.host, SOURCE + TYPED[:typed]))["timings"]
            total = timings["prompt_n"] + timings["cache_n"]
            if typed > 1:
                shares.append(100 * timings["prompt_n"] / total)
    return percentiles(shares)


async def cancelling() -> dict[str, Any]:
    """Milliseconds from closing the connection to an idle engine, while it reads and while it writes."""
    reading: list[float] = []
    writing: list[float] = []
    async with stack() as product:
        await _through_host(product.host, SOURCE)
        for number in range(10):
            reading.append(await _cancel(product, f"# {number}\n" + SOURCE * 3, wait_for_text=False))
            writing.append(await _cancel(product, SOURCE + f"# {number}\n", wait_for_text=True))
    return {"while_reading": percentiles(reading), "while_writing": percentiles(writing)}


async def _cancel(product: Stack, prefix: str, *, wait_for_text: bool) -> float:
    body = _body(prefix) | {"prompt_tokens": 4096, "max_tokens": 512}
    async with product.host.stream("POST", "/completion", json=body) as response:
        async for line in response.aiter_lines():
            if line.startswith("data:") and (not wait_for_text or '"text"' in line):
                break
        if not wait_for_text:
            await asyncio.sleep(0.15)
    began = time.perf_counter()
    while any(engine["busy"] for engine in (await product.host.get("/status")).json()["engines"]):
        await asyncio.sleep(0.001)
    return (time.perf_counter() - began) * 1000


async def concurrent() -> dict[str, Any]:
    """20 requests at once, each with a marker that the answer must repeat: as installed (with the native
    engine where it is built), with the bare one's own kind, and the bare one.

    Four times each, in turns, for the machine's own speed varies from one minute to the next.
    """
    answers: dict[str, list[tuple[float, bool]]] = {"ours": [], "ours, xllamacpp": [], "bare": []}
    async with (
        stack(settings=QUIET) as installed,
        stack(settings=SAME_ENGINE) as same,
        bare_engine(*_like_ours()) as engine,
    ):
        asks = (
            partial(_timed_host, installed.host),
            partial(_timed_host, same.host),
            partial(_timed_bare, engine),
        )
        for ask in asks:
            await ask(SOURCE)
        sides = list(zip(answers, asks, strict=True))
        for turn in range(4):
            for name, ask in sides[turn % 3 :] + sides[: turn % 3]:
                answers[name] += await _twenty(ask, turn)
    return {name: _summary(side) | {"p95_by_turn": _by_turn(side)} for name, side in answers.items()}


def _by_turn(side: list[tuple[float, bool]]) -> str:
    turns = [side[start : start + 20] for start in range(0, len(side), 20)]
    return str([round(percentiles([duration for duration, _ in turn])["p95"]) for turn in turns])


async def _twenty(ask: Callable[[str], Awaitable[tuple[float, str]]], turn: int) -> list[tuple[float, bool]]:
    """Milliseconds of each, and whether its answer was its own."""
    names = [f"marker{turn}{number:02d}x" for number in range(20)]
    prompts = [f"# the answer\n{name} = '{name}'\n" * 3 + f"{name} = '" for name in names]
    answers = await asyncio.gather(*(ask(prompt) for prompt in prompts))
    return [(duration, name in text) for name, (duration, text) in zip(names, answers, strict=True)]


def _summary(answers: list[tuple[float, bool]]) -> dict[str, Any]:
    return percentiles([duration for duration, _ in answers]) | {"right": sum(right for _, right in answers)}


async def _timed_host(host: httpx.AsyncClient, prompt: str) -> tuple[float, str]:
    payload = _body(prompt) | {"path": "", "max_tokens": 24}  # a path would stand in the prompt
    _, whole, text = await first_line(host, "/completion", payload)
    return whole, text


async def _timed_bare(engine: httpx.AsyncClient, prompt: str) -> tuple[float, str]:
    payload = {"prompt": prompt, "n_predict": 24, "temperature": 0.0, "stream": True, "cache_prompt": True}
    _, whole, text = await first_line(engine, "/completion", payload)
    return whole, text


async def _through_host(host: httpx.AsyncClient, prefix: str) -> dict[str, Any]:
    """The last event of a completion of one token."""
    answer = await host.post("/completion", json=_body(prefix) | {"max_tokens": 1})
    events = [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: ")]
    return dict(events[-1])


async def _settle(product: Stack) -> None:
    """Wait until the engine has nothing to do: the document that was opened has been read."""
    await asyncio.sleep(0.5)
    while any(engine["busy"] for engine in (await product.host.get("/status")).json()["engines"]):
        await asyncio.sleep(0.01)


def _body(prefix: str) -> dict[str, Any]:
    return {"document": "file:///bench/x.py", "path": "x.py", "language": "python", "prefix": prefix}


def _like_ours() -> list[str]:
    """The bare engine with our number of threads, which is what the machine can bear."""
    from ide_agent.inference.resources import default_threads

    threads = default_threads()
    return [f"cpuparams.n_threads={threads}", f"cpuparams_batch.n_threads={threads}"]

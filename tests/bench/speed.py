"""Tokens per second of each engine, against llama-cpp-python called bare, in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from ide_agent.config import InferenceSettings
from ide_agent.inference import Inference, ModelStore
from ide_agent.inference.resources import default_threads
from ide_agent.paths import models_dir

PROMPT = "def quicksort(items):\n    "
TOKENS = 96
ROUNDS = 5
ENGINES = ("xllamacpp", "llama-cpp-python")


async def engines() -> dict[str, Any]:
    """Median tokens per second while generating, one stream; the ratio is to the bare library."""
    result: dict[str, Any] = {"threads": default_threads()}
    bare = _bare(models_dir() / "starter")
    rates: dict[str, list[float]] = {name: [] for name in ENGINES}
    reference: list[float] = []
    for _ in range(ROUNDS):
        if bare is not None:
            reference.append(bare())
        for name in ENGINES:
            if (rate := await _rate(name)) is not None:
                rates[name].append(rate)
    if reference:
        result["bare llama-cpp-python"] = {
            "tokens_per_s": round(statistics.median(reference), 1),
            "ratio": 1.0,
        }
    for name, samples in rates.items():
        if samples:
            median = statistics.median(samples)
            ratio = round(median / statistics.median(reference), 2) if reference else None
            result[name] = {"tokens_per_s": round(median, 1), "ratio": ratio}
    return result


async def _rate(name: str) -> float | None:
    settings = InferenceSettings.model_validate({"engine": name})
    inference = Inference(settings, ModelStore(models_dir()), lambda event: None)
    try:
        engine = await inference.engine("starter")
        if engine.backend != name:
            return None
        await _generate(engine)
        return await _generate(engine)
    except ImportError:
        return None
    finally:
        await inference.close()


async def _generate(engine: Any) -> float:
    payload = {
        "prompt": PROMPT,
        "n_predict": TOKENS,
        "temperature": 0.0,
        "ignore_eos": True,
        "cache_prompt": True,
        "stream": True,
    }
    timings: dict[str, Any] = {}
    async with aclosing(engine.stream("/completion", payload)) as events:
        async for event in events:
            timings = event.get("timings") or timings
    return 1000 * float(timings["predicted_n"]) / float(timings["predicted_ms"])


def _bare(folder: Path) -> Callable[[], float] | None:
    """A function that generates once with llama_cpp's own class; None where it is not installed."""
    try:
        import llama_cpp
    except ImportError:
        return None
    library: Any = llama_cpp.llama_cpp
    defaults = library.llama_model_default_params

    def safe() -> Any:
        """Without the kernels that die on some machines, as our engine does: see serve/llama.py."""
        params = defaults()
        params.use_extra_bufts = b"AMX_INT8 = 1" not in library.llama_print_system_info()
        return params

    library.llama_model_default_params = safe
    model = llama_cpp.Llama(
        str(next(folder.glob("*.gguf"))),
        n_ctx=8192,
        n_threads=default_threads(),
        n_threads_batch=default_threads(),
        verbose=False,
    )

    def generate() -> float:
        tokens = model.tokenize(PROMPT.encode())
        stream = model.generate(tokens, temp=0.0)
        next(stream)
        began = time.perf_counter()
        for _, _token in zip(range(TOKENS - 1), stream, strict=False):
            pass
        return (TOKENS - 1) / (time.perf_counter() - began)

    return generate

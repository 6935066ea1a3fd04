"""Two models active: what the memory plan says they take, and what they take."""

from __future__ import annotations

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ide_agent.config import InferenceSettings
from ide_agent.features.hub.service import Hub
from ide_agent.inference.models import ModelStore
from ide_agent.inference.running import Running
from ide_agent.inference.service import Inference
from support.models import starter_model

_SECOND = "gemma3-270m"
_MB = 1_000_000
_PROMPTS = 8


async def planned() -> dict[str, Any]:
    """RSS and plan of both models on each engine, just loaded and after some prompts."""
    with tempfile.TemporaryDirectory() as folder:
        home, models = Path(folder, "home"), Path(folder, "models")
        models.mkdir()
        (models / "starter").symlink_to(starter_model().file.parent)
        await Hub(models).pull(_SECOND)
        before = os.environ.get("IDE_AGENT_HOME")
        os.environ["IDE_AGENT_HOME"] = str(home)
        try:
            engines = [("xllamacpp", "xllamacpp"), ("llama-cpp-python", "llama_cpp")]
            return {name: await _of(name, models) for name, module in engines if find_spec(module)}
        finally:
            del os.environ["IDE_AGENT_HOME"]
            if before is not None:
                os.environ["IDE_AGENT_HOME"] = before


async def _of(engine: str, models: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for context in (2048, 8192):
        settings = InferenceSettings.model_validate({"engine": engine, "context_tokens": context})
        inference = Inference(settings, ModelStore(models), lambda _: None)
        try:
            loaded = [await inference.activate(name) for name in ("starter", _SECOND)]
            rows = inference.running()
            for each in loaded:
                for number in range(_PROMPTS):
                    prompt = " ".join(f"{number}.{word}" for word in range(24))
                    await each.request("POST", "/completion", {"prompt": prompt, "n_predict": 4})
            found[f"{context} tokens"] = {
                row["name"]: _row(row, later) for row, later in zip(rows, inference.running(), strict=True)
            }
        finally:
            await inference.close()
    return found


def _row(loaded: Running, used: Running) -> dict[str, float]:
    """In megabytes; `off` is RSS against the plan, in percent, when just loaded."""
    rss, later, plan = loaded["rss"] or 0, used["rss"] or 0, loaded["bytes"]
    return {
        "planned": round(plan / _MB),
        "loaded": round(rss / _MB),
        "off": round(100 * rss / plan - 100, 1),
        "planned with prompts": round((plan + loaded["cache"]) / _MB),
        f"after {_PROMPTS} prompts": round(later / _MB),
    }

"""ONNX Runtime, for models that make vectors of text."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from ide_agent.inference.backends.base import Backend, Costs


class OnnxRuntime(Backend):
    """Runs embedders in the format ONNX."""

    name = "onnxruntime"
    progress = False
    dialect = "openai"
    formats = ("onnx",)
    purposes = ("embedding",)
    costs = Costs(process=300 << 20, token=0)

    def available(self) -> bool:
        """Whether its packages are installed."""
        return find_spec("onnxruntime") is not None and find_spec("tokenizers") is not None

    def command(self) -> list[str]:
        """``-P``: the working folder must not be able to bring modules of its own."""
        return [sys.executable, "-P", "-m", "ide_agent.inference.serve.onnx_main"]

    def environment(self) -> dict[str, str]:
        """As others, and its tokenizer takes no cores of its own."""
        return {**super().environment(), "TOKENIZERS_PARALLELISM": "false"}

"""llama-cpp-python, compiled for this very machine; our own small server over its low-level API."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from ide_agent.inference.backends.base import Backend, Costs


class LlamaCppPython(Backend):
    """The faster engine, where somebody built it (extra ``native``)."""

    name = "llama-cpp-python"
    progress = False
    costs = Costs(process=70 << 20, token=380)

    def available(self) -> bool:
        """Whether the extra is installed."""
        return find_spec("llama_cpp") is not None

    def offloads(self) -> bool:
        """Whether it was built with CUDA: then that library lies beside it. It is not loaded for this."""
        spec = find_spec("llama_cpp")
        folders = spec.submodule_search_locations if spec is not None else None
        return any(any(Path(folder, "lib").glob("*ggml-cuda*")) for folder in folders or ())

    def command(self) -> list[str]:
        """``-P``: the working folder must not be able to bring modules of its own."""
        return [sys.executable, "-P", "-m", "ide_agent.inference.serve.native_main"]

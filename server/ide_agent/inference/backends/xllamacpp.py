"""llama.cpp out of a prebuilt wheel: its native server in a process of its own. Needs no compiler."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from ide_agent.inference.backends.base import Backend, Costs


class Xllamacpp(Backend):
    """The default engine."""

    name = "xllamacpp"
    progress = True
    seated = True
    purposes = ("text", "embedding", "reranking")
    projectors = True
    costs = Costs(process=47 << 20, token=230, prompts=256 << 20, slides=True)

    def available(self) -> bool:
        """Whether the wheel is installed."""
        return find_spec("xllamacpp") is not None

    def command(self) -> list[str]:
        """``-P``: the working folder must not be able to bring modules of its own."""
        return [sys.executable, "-P", "-m", "ide_agent.inference.serve.xllamacpp_main"]

    def environment(self) -> dict[str, str]:
        """Off Linux its threads sleep when they wait: that does no harm to an editor. Not measured there."""
        return super().environment() or {"OMP_WAIT_POLICY": "passive"}

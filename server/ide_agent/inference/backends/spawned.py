"""Servers that live in an environment of their own: vLLM and ``transformers serve``."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import ClassVar

from ide_agent.inference.backends.base import Backend, Costs

_MAX_LINE = 1024


class Spawned(Backend):
    """A server that is started by `serve.launch_main`.

    Args:
        program: its program, or the Python of the environment that it is installed in; empty: found on PATH.
    """

    kind: ClassVar[str]
    progress = False
    dialect = "openai"
    formats = ("safetensors",)
    purposes = ("text",)
    missing = "error.engine.no_server"

    def __init__(self, program: str = "") -> None:
        self._program = program

    @property
    def python(self) -> str:
        """The Python that runs it; empty when it is not here."""
        program = self._program or shutil.which(self.kind) or ""
        return python_of(Path(program).expanduser()) if program else ""

    def available(self) -> bool:
        """Whether its program is here."""
        return bool(self.python)

    def command(self) -> list[str]:
        """``-P``: the working folder must not be able to bring modules of its own."""
        launcher = "ide_agent.inference.serve.launch_main"
        return [sys.executable, "-P", "-m", launcher, self.kind, self.python]

    def environment(self) -> dict[str, str]:
        """None: the launcher says how its threads wait."""
        return {}


class Vllm(Spawned):
    """Fast, for several requests at once."""

    name = "vllm"
    kind = "vllm"
    costs = Costs(process=2200 << 20, token=0, kv_step=1 << 30)


class TransformersServe(Spawned):
    """Runs whatever transformers can."""

    name = "transformers"
    kind = "transformers"
    streamed = True
    costs = Costs(process=480 << 20, token=0)


def python_of(program: Path) -> str:
    """The Python that runs `program`, a script that pip has made; itself where it is one. Empty: none."""
    if not program.is_file() or not os.access(program, os.X_OK):
        return ""
    if program.name.startswith("python"):
        return os.fspath(program.absolute())
    try:
        with program.open("rb") as stream:
            first = stream.readline(_MAX_LINE).decode("utf-8", "replace").strip()
    except OSError:
        return ""
    asked = first.removeprefix("#!") if first.startswith("#!") else ""
    beside = program.resolve().parent
    for candidate in (asked, os.fspath(beside / "python"), os.fspath(beside / "python.exe")):
        if candidate and Path(candidate).name.startswith("python") and os.access(candidate, os.X_OK):
            return candidate
    return ""

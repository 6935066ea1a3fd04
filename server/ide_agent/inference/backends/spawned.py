"""Servers that live in an environment of their own: vLLM and ``transformers serve``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
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
    needs: ClassVar[tuple[str, ...]]
    """What must lie among the packages of its environment."""
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
        """Whether its program is here, and with it all that it needs to serve."""
        python = self.python
        return bool(python) and holds(python, self.needs)

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
    adapters = True
    needs = ("vllm/entrypoints/openai/api_server.py", "uvicorn")
    costs = Costs(process=2200 << 20, token=0, kv_step=1 << 30)


class TransformersServe(Spawned):
    """Runs whatever transformers can."""

    name = "transformers"
    kind = "transformers"
    needs = ("transformers/cli/serve.py", "fastapi", "uvicorn", "torch")
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


def holds(python: str, needs: Iterable[str]) -> bool:
    """Whether all of `needs` lie among the packages of `python`, which is not run for that.

    Where its packages lie in no usual place, that is believed.
    """
    prefix = Path(python).parent.parent
    places = list(_packages(prefix))
    if not places:
        return True
    shared = _shared(prefix)
    if shared is not None:
        places += [*_packages(shared), *_packages(Path("/usr/local")), *_packages(Path.home() / ".local")]
    places += [Path(each) for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    return all(any(_lies(need, place) for place in places) for need in needs)


def _packages(prefix: Path) -> Iterator[Path]:
    for pattern in ("lib*/python3*/*-packages", "Lib/site-packages"):
        yield from prefix.glob(pattern)


def _shared(prefix: Path) -> Path | None:
    """Where the Python is installed whose packages the environment at `prefix` sees, too."""
    try:
        lines = (prefix / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return prefix  # no environment of its own
    said = {name.strip().lower(): value.strip() for name, _, value in (line.partition("=") for line in lines)}
    if said.get("include-system-site-packages", "").lower() != "true":
        return None
    return Path(said.get("home", "")).parent


def _lies(need: str, place: Path) -> bool:
    """Whether `need` is there, or a note that its package lies in a checkout elsewhere."""
    return (place / need).exists() or any(place.glob(f"__editable__*{need.partition('/')[0]}*"))

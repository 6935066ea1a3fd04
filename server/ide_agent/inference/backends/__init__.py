"""The engine implementations, best first."""

from __future__ import annotations

from contextlib import suppress
from importlib import invalidate_caches
from pathlib import Path

from ide_agent.errors import EngineStartError
from ide_agent.inference.backends.base import Backend, Costs, EngineSpec, Purpose
from ide_agent.inference.backends.llamacpp_python import LlamaCppPython
from ide_agent.inference.backends.xllamacpp import Xllamacpp
from ide_agent.inference.header import Format
from ide_agent.paths import state_dir

__all__ = ["BACKENDS", "Backend", "Costs", "EngineSpec", "Purpose", "costs", "remember_fastest", "usable"]

BACKENDS: tuple[Backend, ...] = (LlamaCppPython(), Xllamacpp())


def usable(preference: str, model: str = "", form: Format = "gguf") -> list[Backend]:
    """The installed backends to try, in this order.

    Args:
        preference: a backend's name, or ``auto`` for all of them, what was measured to be fastest here first.
        model: who asks; for the message.
        form: its format.

    Raises:
        EngineStartError: none is installed.
    """
    if form != "gguf":
        raise EngineStartError("error.engine.no_runtime", model=model, format=form)
    invalidate_caches()  # the native one may have been installed since we started
    wanted = [backend for backend in BACKENDS if preference in ("auto", backend.name)]
    found = [backend for backend in wanted if backend.available()]
    if not found:
        names = ", ".join(backend.name for backend in wanted) or preference
        key = "error.engine.not_built" if preference == LlamaCppPython.name else "error.engine.missing"
        raise EngineStartError(key, model=model, engine=names)
    fastest = _fastest()
    return sorted(found, key=lambda backend: backend.name != fastest)


def costs(preference: str) -> Costs:
    """What the engine that will be used takes of memory.

    Args:
        preference: as `usable` takes it.
    """
    try:
        return usable(preference)[0].costs
    except EngineStartError:
        return Costs()


def remember_fastest(engine: str) -> None:
    """Keep what a measurement on this machine has shown; see `usable`."""
    _memory().write_text(engine, encoding="utf-8")


def _fastest() -> str:
    with suppress(OSError):
        return _memory().read_text(encoding="utf-8").strip()
    return ""


def _memory() -> Path:
    return state_dir() / "fastest-engine"

"""The engine implementations, best first."""

from __future__ import annotations

from importlib import invalidate_caches

from ide_agent.errors import EngineStartError
from ide_agent.inference.backends.base import Backend, EngineSpec, Purpose
from ide_agent.inference.backends.llamacpp_python import LlamaCppPython
from ide_agent.inference.backends.xllamacpp import Xllamacpp

__all__ = ["BACKENDS", "Backend", "EngineSpec", "Purpose", "usable"]

BACKENDS: tuple[Backend, ...] = (LlamaCppPython(), Xllamacpp())


def usable(preference: str, model: str = "") -> list[Backend]:
    """The installed backends to try, in this order.

    Args:
        preference: a backend's name, or ``auto`` for all of them.
        model: who asks; for the message.

    Raises:
        EngineStartError: none is installed.
    """
    invalidate_caches()  # the native one may have been installed since we started
    wanted = [backend for backend in BACKENDS if preference in ("auto", backend.name)]
    found = [backend for backend in wanted if backend.available()]
    if not found:
        names = ", ".join(backend.name for backend in wanted) or preference
        raise EngineStartError("error.engine.missing", model=model, engine=names)
    return found

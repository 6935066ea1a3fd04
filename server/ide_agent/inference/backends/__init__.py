"""The engine implementations, best first."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from importlib import invalidate_caches
from pathlib import Path
from typing import get_args

from ide_agent.config import InferenceSettings
from ide_agent.errors import EngineStartError
from ide_agent.inference import gpus
from ide_agent.inference.backends.base import Backend, Costs, Dialect, EngineSpec
from ide_agent.inference.backends.llamacpp_python import LlamaCppPython
from ide_agent.inference.backends.onnx import OnnxRuntime
from ide_agent.inference.backends.spawned import TransformersServe, Vllm
from ide_agent.inference.backends.xllamacpp import Xllamacpp
from ide_agent.inference.header import Format, Purpose
from ide_agent.paths import state_dir

__all__ = [
    "BACKENDS",
    "Backend",
    "Costs",
    "Dialect",
    "EngineSpec",
    "Purpose",
    "costs",
    "costs_of",
    "engine_for",
    "remember_fastest",
    "runnable",
    "runtimes",
    "suited",
    "usable",
]

BACKENDS: tuple[Backend, ...] = (LlamaCppPython(), Xllamacpp())
"""Those that run GGUF."""


def runtimes(settings: InferenceSettings) -> tuple[Backend, ...]:
    """Those that run the other formats, best first, here or not."""
    return (OnnxRuntime(), Vllm(settings.vllm), TransformersServe(settings.transformers))


def engine_for(form: Format, settings: InferenceSettings) -> str:
    """The first engine on this machine that runs models of that format; empty where there is none."""
    engines = (*BACKENDS, *runtimes(settings))
    return next((each.name for each in engines if form in each.formats and each.available()), "")


def runnable(settings: InferenceSettings) -> frozenset[Format]:
    """The formats that some engine on this machine runs."""
    formats: tuple[Format, ...] = get_args(Format)
    return frozenset(form for form in formats if engine_for(form, settings))


def suited(
    settings: InferenceSettings,
    model: str = "",
    form: Format = "gguf",
    purpose: Purpose = "text",
    *,
    projector: bool = False,
) -> list[Backend]:
    """The backends to try for a model, in this order.

    Args:
        settings: the user's.
        model: its name; for the message.
        form: its format.
        purpose: what it is to do.
        projector: whether there is something that lets it see or hear.

    Raises:
        EngineStartError: none of those that could is here; says how to get one.
    """
    if form == "gguf":
        return usable(settings.engine, model, purpose, projector=projector)
    invalidate_caches()
    able = [each for each in runtimes(settings) if form in each.formats and purpose in each.purposes]
    found = [backend for backend in able if backend.available()]
    if not able:
        raise EngineStartError("error.engine.no_runtime", model=model, format=form)
    if not found:
        names = ", ".join(backend.name for backend in able)
        raise EngineStartError(able[-1].missing, model=model, engine=names)
    return found


def usable(
    preference: str, model: str = "", purpose: Purpose = "text", *, projector: bool = False
) -> list[Backend]:
    """The installed backends to try for GGUF, in this order.

    Args:
        preference: a backend's name, or ``auto`` for all of them, what was measured to be fastest here first.
        model: who asks; for the message.
        purpose: what it is to do; where the one that is preferred does not do that, another one does.
        projector: the same for what lets a model see or hear; where none that does is here, it does neither.

    Raises:
        EngineStartError: none is installed.
    """
    invalidate_caches()  # the native one may have been installed since we started
    able = [backend for backend in BACKENDS if purpose in backend.purposes]
    if projector:
        able = [backend for backend in able if backend.projectors and backend.available()] or able
    wanted = [backend for backend in able if preference in ("auto", backend.name)]
    if not wanted and preference in [backend.name for backend in BACKENDS]:
        wanted = able
    found = [backend for backend in wanted if backend.available()]
    if not found:
        names = ", ".join(backend.name for backend in wanted) or preference
        key = "error.engine.not_built" if preference == LlamaCppPython.name else "error.engine.missing"
        raise EngineStartError(key, model=model, engine=names)
    fastest = _fastest()
    return sorted(found, key=lambda backend: backend.name != fastest)


def costs(
    settings: InferenceSettings,
    form: Format = "gguf",
    purpose: Purpose = "text",
    *,
    projector: bool = False,
) -> Costs:
    """What the engine that will be used takes of memory; arguments as `suited` takes them."""
    try:
        return costs_of(suited(settings, "", form, purpose, projector=projector)[0], settings)
    except EngineStartError:
        return Costs()


def costs_of(backend: Backend, settings: InferenceSettings) -> Costs:
    """What `backend` takes of memory, on this machine and now."""
    if not (settings.gpu_layers and backend.offloads()):
        return backend.costs
    return replace(backend.costs, gpu_room=gpus.room(), gpu_layers=settings.gpu_layers)


def remember_fastest(engine: str) -> None:
    """Keep what a measurement on this machine has shown; see `usable`."""
    _memory().write_text(engine, encoding="utf-8")


def _fastest() -> str:
    with suppress(OSError):
        return _memory().read_text(encoding="utf-8").strip()
    return ""


def _memory() -> Path:
    return state_dir() / "fastest-engine"

"""The models in memory and those that wait for a place, for people to look at."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any, TypedDict

from ide_agent.errors import ModelFileInvalid
from ide_agent.inference.backends import Purpose
from ide_agent.inference.engine import Engine
from ide_agent.inference.models import ModelFile
from ide_agent.inference.queue import Waiting
from ide_agent.inference.resources import Share


class Running(TypedDict):
    """A model that is in memory, on its way there, or waits.

    Attributes:
        format: its format and quantisation, e.g. ``gguf/q4_k_m``.
        state: ``waiting``, ``loading``, ``ready``, ``leaving`` (once its work is done) or ``error``.
        active: somebody activated it: it stays until it is deactivated.
        pid: its process; None while there is none.
        rss: bytes of memory that the process has now; None where nobody knows.
        bytes: memory that it was planned with.
        cache: memory that its use may add: for prompts of the past, or the scores of long texts.
        context: tokens of KV cache per slot.
        slots: requests it can work on at once.
        busy: requests that it has now.
        since: when it was loaded, seconds since the epoch; None while it is not.
        idle: seconds since it was used last; None while it is.
        reason: why it waits, as errors go over the wire; None when it does not.
    """

    name: str
    format: str
    state: str
    engine: str
    purpose: Purpose
    active: bool
    pid: int | None
    rss: int | None
    bytes: int
    cache: int
    context: int
    slots: int
    busy: int
    since: float | None
    idle: float | None
    reason: dict[str, Any] | None


def of_engine(engine: Engine, state: str) -> Running:
    """The row of `engine`, which is in `state`."""
    idle = None if engine.busy or engine.since is None else round(time.monotonic() - engine.last_used, 1)
    return Running(
        name=engine.model.name,
        format=format_of(engine.model),
        state=state,
        engine=engine.backend,
        purpose=engine.purpose,
        active=engine.kept,
        pid=engine.pid,
        rss=rss_of(engine.pid),
        bytes=engine.part.bytes,
        cache=engine.part.cache,
        context=engine.part.context,
        slots=engine.slots,
        busy=engine.busy,
        since=engine.since,
        idle=idle,
        reason=None,
    )


def without_engine(model: ModelFile, purpose: Purpose, part: Share, waiting: Waiting | None) -> Running:
    """The row of `model`, which is being loaded; where it is `waiting`, later."""
    return Running(
        name=model.name,
        format=format_of(model),
        state="waiting" if waiting else "loading",
        engine="",
        purpose=purpose,
        active=False,
        pid=None,
        rss=None,
        bytes=part.bytes,
        cache=part.cache,
        context=part.context,
        slots=0,
        busy=0,
        since=None,
        idle=None,
        reason=waiting.reason.as_wire() if waiting and waiting.reason else None,
    )


def format_of(model: ModelFile) -> str:
    """Format and quantisation of `model`, ``gguf/q4_k_m`` or ``hf/bf16``, as far as it can be read."""
    try:
        quantisation = model.header.quantisation.lower()
    except ModelFileInvalid:
        quantisation = ""
    form = "hf" if model.format == "safetensors" else model.format
    return f"{form}/{quantisation}" if quantisation else form


def rss_of(pid: int | None) -> int | None:
    """Bytes of memory that process `pid` has, with all that it started; None when it has gone."""
    import psutil

    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
        total = process.memory_info().rss
        for child in process.children(recursive=True):
            with suppress(psutil.Error):
                total += child.memory_info().rss
    except psutil.Error:
        return None
    return int(total)

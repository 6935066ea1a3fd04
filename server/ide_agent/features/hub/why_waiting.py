"""Saying on standard error why a model does not begin to answer: it waits for a place in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from ide_agent.errors import IdeAgentError, from_wire
from ide_agent.inference.models import folded
from ide_agent.locale import language

if TYPE_CHECKING:
    from ide_agent.runtime import RuntimeInfo

_LOOK_SECONDS = 1.0


@contextmanager
def telling_why(info: RuntimeInfo, model: str) -> Iterator[threading.Event]:
    """Tell it for the time of the block, or until the event that this gives is set.

    Args:
        info: the host, which will be asked within the block.
        model: who is to answer; empty: the host says, so that those which wait before that are not meant.
    """
    begun = threading.Event()
    others = set() if model else {row["name"] for row in _waiting(info)}
    threading.Thread(target=_tell, args=(info, begun, model, others), daemon=True).start()
    try:
        yield begun
    finally:
        begun.set()


def _waiting(info: RuntimeInfo) -> list[dict[str, Any]]:
    """Rows of ``GET /models/running``; none where that fails: the answer will say what is wrong."""
    from ide_agent.runtime import call

    try:
        rows: list[dict[str, Any]] = call(info, "GET", "/models/running")["models"]
    except IdeAgentError:
        return []
    return [row for row in rows if row["state"] == "waiting" and row["reason"]]


def _is_meant(name: str, model: str) -> bool:
    """Whether who asks for `model`, perhaps with an adapter, means the one called `name`."""
    names = {folded(name), folded(name.partition("/")[0])}
    return not names.isdisjoint({folded(model), folded(model.rpartition(":")[0])})


def _tell(info: RuntimeInfo, begun: threading.Event, model: str, others: set[str]) -> None:
    told: set[str] = set()
    while not begun.wait(_LOOK_SECONDS):
        for row in _waiting(info):
            meant = _is_meant(row["name"], model) if model else row["name"] not in others
            if meant and not begun.is_set():
                why = from_wire(row["reason"]).message(language())
                if why not in told:
                    told.add(why)
                    typer.echo(why, err=True)

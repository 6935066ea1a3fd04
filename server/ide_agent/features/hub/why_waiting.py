"""Saying on standard error why a model does not begin to answer: it waits for a place in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from ide_agent.errors import IdeAgentError, from_wire
from ide_agent.locale import language

if TYPE_CHECKING:
    from ide_agent.runtime import RuntimeInfo

_LOOK_SECONDS = 1.0


@contextmanager
def telling_why(info: RuntimeInfo) -> Iterator[threading.Event]:
    """Tell it for the time of the block, or until the event that this gives is set."""
    begun = threading.Event()
    threading.Thread(target=_tell, args=(info, begun), daemon=True).start()
    try:
        yield begun
    finally:
        begun.set()


def _tell(info: RuntimeInfo, begun: threading.Event) -> None:
    from ide_agent.runtime import call

    told: set[str] = set()
    while not begun.wait(_LOOK_SECONDS):
        try:
            rows: list[dict[str, Any]] = call(info, "GET", "/models/running")["models"]
        except IdeAgentError:
            return  # the answer will say what is wrong
        for row in rows:
            if row["state"] == "waiting" and row["reason"] and not begun.is_set():
                why = from_wire(row["reason"]).message(language())
                if why not in told:
                    told.add(why)
                    typer.echo(why, err=True)

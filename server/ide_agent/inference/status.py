"""What is told of the engines in one line: what counts now, and what counts again once a wait is over."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from ide_agent.errors import IdeAgentError
from ide_agent.inference.models import ModelFile
from ide_agent.inference.queue import Waiting
from ide_agent.inference.running import format_of

_WAITING = "waiting"
_TOLD = (_WAITING, "loading", "ready", "error")


class Status:
    """The last thing that was told.

    Args:
        publish: see `Inference`.
    """

    def __init__(self, publish: Callable[[dict[str, Any]], None]) -> None:
        self._publish = publish
        self._told: dict[str, Any] = {}
        self._settled: dict[str, Any] = {}
        self._waits: dict[str, dict[str, Any]] = {}  # by the model's name, in the order they began

    def is_of(self, names: Collection[str]) -> bool:
        """Whether it is of one of the models called so, waits aside."""
        return self._settled.get("model") in names

    def tell(self, model: ModelFile, engine: str, state: str, error: IdeAgentError | None) -> None:
        """Tell how `model` stands; a wait that was told of is not told again."""
        if state not in _TOLD:
            return
        status: dict[str, Any] = {"type": "status", "state": state, "model": model.name, "engine": engine}
        status["format"] = format_of(model)
        if error is not None:
            status |= {"message": str(error), "error": error.as_wire()}
        if state == _WAITING:
            known = self._waits.get(model.name) == status
            self._waits[model.name] = status
            if known and self._told.get("state") == _WAITING:
                return  # where several wait, each is told of once
        else:
            self._waits.pop(model.name, None)
            self._settled = status
        self._told = status
        self._publish(status)

    def tell_wait(self, waiting: Waiting) -> None:
        """Tell why somebody waits; what waits in the background nobody misses."""
        if waiting.reason is not None and waiting.wish.priority != "background":
            self.tell(waiting.model, "", _WAITING, waiting.reason)

    def waits_no_more(self, model: ModelFile) -> None:
        """Where the last thing was that `model` waits: who waits still, else how things are without it."""
        gone = self._waits.pop(model.name, None)
        left = next(iter(self._waits.values()), self._settled)
        if gone is not None and gone == self._told and left:
            self._told = left
            self._publish(left)

    def settle(self, about: dict[str, Any]) -> None:
        """What was told holds no more; of what is ready there is `about` to say, or nothing."""
        status = {"type": "status", "state": "ready", "model": "", "engine": "", **about}
        self._settled = status
        if self._told.get("state") != _WAITING:  # which is what counts as long as it does
            self._told = status
            self._publish(status)

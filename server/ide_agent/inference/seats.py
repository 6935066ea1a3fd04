"""Which slot of an engine a request is for, where the engine itself would give it that of who types.

llama.cpp's server gives a new conversation the slot used longest ago, whoever used it, and keeps what it held
in a store that conversations fill as well. So they are told to go elsewhere.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_TYPING_SECONDS = 600.0  # nobody types any more who has not for so long
_SIMILAR = 0.1  # a conversation goes on where at least this part of it is known


@dataclass
class _Seat:
    """A slot.

    Attributes:
        text: what was asked there last.
        running: requests that were sent there and have no end yet.
        used: when, in monotonic seconds.
    """

    id: int
    text: str = ""
    running: int = 0
    used: float = 0.0


class Seats:
    """The slots of one engine.

    Args:
        slots: how many there are.
    """

    def __init__(self, slots: int) -> None:
        self._seats = [_Seat(number) for number in range(slots)]
        self._kept = -1
        self._typed = 0.0

    def heard(self, payload: dict[str, Any], event: dict[str, Any]) -> None:
        """The answer to `payload` has come so far; the slot of who types is theirs from now on."""
        if payload.get("interactive") is True:
            self._kept = event.get("id_slot", self._kept)
            self._typed = time.monotonic()

    @contextmanager
    def take(self, payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """A request, with its slot where it is not of who types; that it has for the time of the block."""
        typed = self._kept >= 0 and time.monotonic() - self._typed < _TYPING_SECONDS
        if payload.get("interactive") is True or not typed or len(self._seats) == 1 or _several(payload):
            yield payload
            return
        text = json.dumps(payload.get("messages") or payload.get("prompt"))
        seat = self._for(text)
        seat.text, seat.used = text, time.monotonic()
        seat.running += 1
        try:
            yield {**payload, "id_slot": seat.id}
        finally:
            seat.running -= 1
            seat.used = time.monotonic()

    def _for(self, text: str) -> _Seat:
        others = [seat for seat in self._seats if seat.id != self._kept]
        least = min(seat.running for seat in others)
        free = [seat for seat in others if seat.running == least]
        best = max(free, key=lambda seat: _common(seat.text, text))
        if _common(best.text, text) >= _SIMILAR * len(text):
            return best
        return min(free, key=lambda seat: seat.used)


def _several(payload: dict[str, Any]) -> bool:
    """Whether it may need more than one slot, or says itself which one."""
    prompt = payload.get("prompt")
    one = not isinstance(prompt, list) or any(isinstance(part, int) for part in prompt)
    return not one or payload.get("n") not in (None, 1) or "id_slot" in payload


def _common(left: str, right: str) -> int:
    """Length of the common start."""
    lengths = range(1, min(len(left), len(right)) + 1)
    return bisect_left(lengths, True, key=lambda length: left[:length] != right[:length])

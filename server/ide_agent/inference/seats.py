"""Which slot of an engine a request is for, where the engine itself would give it that of who types.

llama.cpp's server gives a new conversation the slot used longest ago, whoever used it, and keeps what it held
in a store that conversations fill as well. So they are told to go elsewhere, and wait here until that slot is
free: where one waits for it in the server, each other slot that gets free wakes it, in vain, and nobody else.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ide_agent.inference.turns import TYPING_SECONDS

_SIMILAR = 0.1  # a conversation goes on where at least this part of it is known
_COMPARED = 1 << 16  # characters of it


@dataclass
class _Seat:
    """A slot.

    Attributes:
        text: what was asked there last, as far as it is compared.
        used: when, in monotonic seconds.
    """

    id: int
    text: str = ""
    used: float = 0.0


@dataclass(eq=False)
class Stay:
    """A request while it is in the engine.

    Attributes:
        payload: what the engine is asked.
        slot: which it has; None: not known, or several.
        stray: nobody will know.
    """

    payload: dict[str, Any]
    slot: int | None = None
    stray: bool = False


class Seats:
    """The slots of one engine.

    Args:
        slots: how many there are.
    """

    def __init__(self, slots: int) -> None:
        self._seats = [_Seat(number) for number in range(slots)]
        self._stays: list[Stay] = []
        self._change = asyncio.Event()
        self._kept = -1
        self._typed = 0.0

    def heard(self, stay: Stay, event: dict[str, Any]) -> None:
        """Its answer has come so far; the slot of who types is theirs from now on."""
        if stay.payload.get("interactive") is True:
            self._typed = time.monotonic()
            slot = event.get("id_slot", -1)  # llama.cpp's server says -1 before the end
            if slot >= 0:
                self._kept = stay.slot = slot
                self._changed()

    @asynccontextmanager
    async def take(self, payload: dict[str, Any]) -> AsyncGenerator[Stay]:
        """A request, with its slot where it is not of who types; that it has for the time of the block."""
        stay = await self._enter(payload)
        try:
            yield stay
        finally:
            self._stays.remove(stay)
            if "id_slot" in stay.payload and stay.slot is not None:
                self._seats[stay.slot].used = time.monotonic()
            self._changed()

    async def _enter(self, payload: dict[str, Any]) -> Stay:
        while (stay := self._stay(payload)) is None:
            await self._change.wait()
        self._stays.append(stay)
        return stay

    def _stay(self, payload: dict[str, Any]) -> Stay | None:
        """None: no slot is free, or it is not known yet which one is."""
        if payload.get("interactive") is True:
            return Stay(payload)
        typed = self._kept >= 0 and time.monotonic() - self._typed < TYPING_SECONDS
        strays = any(stay.stray for stay in self._stays)  # whose slot it would be sent to, perhaps
        if not typed or strays or len(self._seats) == 1 or _several(payload):
            return Stay(payload, stray=True)
        taken = {self._kept, *(stay.slot for stay in self._stays)}
        free = [seat for seat in self._seats if seat.id not in taken]
        if None in taken or not free:
            return None
        text = _start(payload)
        seat = _for(text, free)
        seat.text, seat.used = text, time.monotonic()
        return Stay({**payload, "id_slot": seat.id}, seat.id)

    def _changed(self) -> None:
        self._change.set()
        self._change = asyncio.Event()


def _for(text: str, free: Sequence[_Seat]) -> _Seat:
    best = max(free, key=lambda seat: _common(seat.text, text))
    if _common(best.text, text) >= _SIMILAR * len(text):
        return best
    return min(free, key=lambda seat: seat.used)


def _several(payload: dict[str, Any]) -> bool:
    """Whether it may need more than one slot, or says itself which one."""
    prompt = payload.get("prompt")
    one = not isinstance(prompt, list) or any(isinstance(part, int) for part in prompt)
    return not one or payload.get("n") not in (None, 1) or "id_slot" in payload


def _start(payload: dict[str, Any]) -> str:
    """What it asks, as far as it is compared."""
    parts, left = list[str](), _COMPARED
    for part in _texts(payload.get("messages") or payload.get("prompt")):
        parts.append(part[:left])
        left -= len(parts[-1])
        if not left:
            break
    return "".join(parts)


def _texts(value: Any) -> Iterator[str]:
    """All of it but pictures, which may be many megabytes."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name != "image_url":
                yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str):
        yield value[:_COMPARED]
        yield "\0"
    else:
        yield f"{value}\0"


def _common(left: str, right: str) -> int:
    """Length of the common start."""
    lengths = range(1, min(len(left), len(right)) + 1)
    return bisect_left(lengths, True, key=lambda length: left[:length] != right[:length])

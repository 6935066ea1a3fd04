"""Which models stay in memory: who may have to go for the one that is wanted, and why it has to wait.

A place is a model in memory; there are `inference.active_models` of them. A model that is wanted takes a free
place, else that of one that nobody uses, the longest unused first. What it never takes:

- that of a model at work,
- that of a model somebody activated,
- that of the model behind the ghost text, unless ghost text asks,
- for work in the background, that of a model that was used a moment ago.

Nothing here has an effect: `Inference` looks at the plan and acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ide_agent.errors import ModelError, NotEnoughMemory
from ide_agent.inference.backends import Purpose
from ide_agent.inference.beside import NOTHING, Beside
from ide_agent.inference.turns import Priority

Key = tuple[Path, Purpose]
"""A model file and what for: an engine does one or the other."""

RESTED_SECONDS = 60.0
"""How long a model must have been unused before work in the background may take its place."""

_MB = 1 << 20
_RANKS: dict[Priority, int] = {"foreground": 0, "api": 1, "background": 2}


@dataclass(frozen=True)
class Place:
    """A model in memory, or on its way there.

    Attributes:
        bytes: memory it needs, about.
        state: ``idle``; ``busy``, while it works; ``loading``; ``leaving``, once its work is done.
        kept: somebody activated it.
        foreground: ghost text comes from it.
        rested: seconds since it was used.
    """

    key: Key
    name: str
    bytes: int
    state: Literal["idle", "busy", "loading", "leaving"]
    kept: bool = False
    foreground: bool = False
    rested: float = 0.0


@dataclass(frozen=True)
class Wish:
    """A model that is wanted in memory.

    Attributes:
        bytes: memory it needs, about.
        priority: of whoever asks.
        beside: what is to be loaded with it.
    """

    key: Key
    name: str
    bytes: int
    priority: Priority
    beside: Beside = NOTHING

    @property
    def rank(self) -> int:
        """The less, the sooner it is served."""
        return _RANKS[self.priority]


@dataclass(frozen=True)
class Verdict:
    """What becomes of a wish.

    Attributes:
        ends: those that have to go first.
        waits: why it cannot be now; None when it can.
        refused: why it cannot be, however long it waits; None when it can.
    """

    ends: tuple[Place, ...] = ()
    waits: ModelError | None = None
    refused: NotEnoughMemory | None = None


def decide(wish: Wish, held: Sequence[Place], *, limit: int, free: int) -> Verdict:
    """Whether there is room for `wish`. Nobody has to go for what would not fit even then.

    Args:
        wish: what is wanted; not among `held`.
        held: what is in memory.
        limit: models that may be there at once.
        free: bytes that can be had now.
    """
    free -= sum(place.bytes for place in held if place.state == "loading")  # they have not taken it yet
    some_day = [place for place in held if _will_go(place, wish)]
    if wish.bytes > free + sum(place.bytes for place in some_day):
        if loading := [place for place in held if place.state == "loading"]:
            return Verdict(waits=_short(wish, loading, free))  # what is free is certain once they are there
        return Verdict(refused=_too_big(wish, free))
    ready = idle(wish, held)
    ends: list[Place] = []
    while len(held) - len(ends) >= limit or (wish.bytes > free and ready):
        if not ready:
            return Verdict(waits=_full(wish, held, limit))
        place = ready.pop(0)
        ends.append(place)
        free += place.bytes
    if wish.bytes > free:
        return Verdict(waits=_short(wish, [place for place in some_day if place not in ends], free))
    return Verdict(tuple(ends))


def idle(wish: Wish, held: Sequence[Place]) -> list[Place]:
    """Those of `held` whose place `wish` may take now, the longest unused first, ghost text's last."""
    ready = (place for place in held if _may_go(place, wish))
    return sorted(ready, key=lambda place: (place.foreground, -place.rested))


def _may_go(place: Place, wish: Wish) -> bool:
    """Whether `wish` may take `place` now."""
    rested = wish.priority != "background" or place.rested >= RESTED_SECONDS
    return place.state == "idle" and rested and not _stays(place, wish)


def _will_go(place: Place, wish: Wish) -> bool:
    """Whether `place` can be had, now or once it is no longer used."""
    return place.state == "leaving" or not _stays(place, wish)


def _stays(place: Place, wish: Wish) -> bool:
    return place.kept or (place.foreground and wish.priority != "foreground")


def called(one: Place | Wish) -> str:
    """Its name; with what it is for where that is not text, for the same model may be in memory for both."""
    return one.name if one.key[1] == "text" else f"{one.name} [{one.key[1]}]"


def _called(places: Sequence[Place]) -> str:
    return ", ".join(sorted({called(place) for place in places}))


def _full(wish: Wish, held: Sequence[Place], limit: int) -> ModelError:
    """Why there is no place, and what helps."""
    numbers = {"model": called(wish), "count": len(held), "limit": limit, "names": _called(held)}
    if used := [place for place in held if _will_go(place, wish)]:
        return ModelError("error.model.waits", **numbers, used=_called(used))
    if kept := [place for place in held if place.kept]:
        return ModelError("error.model.waits_active", **numbers, kept=_called(kept))
    return ModelError("error.model.waits_typing", **numbers)


def _too_big(wish: Wish, free: int) -> NotEnoughMemory:
    return NotEnoughMemory(file=str(wish.key[0]), need_mb=-(-wish.bytes // _MB), free_mb=max(free, 0) // _MB)


def _short(wish: Wish, leaving: Sequence[Place], free: int) -> ModelError:
    return ModelError(
        "error.model.waits_memory",
        model=called(wish),
        need_mb=-(-wish.bytes // _MB),
        free_mb=max(free, 0) // _MB,
        names=_called(leaving),
    )

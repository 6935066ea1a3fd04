"""What became of each suggestion, told to the host in batches: shown, accepted, dismissed, kept."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import SequenceMatcher
from typing import Any

from ide_agent.errors import IdeAgentError

from .service import Offer

log = logging.getLogger(__name__)

KEPT_AFTER_S = 30.0
_REMEMBERED = 200
_BATCH_S = 1.0
# An edit above moves accepted text; this far it is looked for.
_DRIFT_LINES = 60
_SAME = 0.5

Send = Callable[[list[dict[str, Any]]], Awaitable[None]]
Lines = Callable[[str], Sequence[str] | None]
"""The lines of an open document by URI; None when it is closed."""


@dataclass(slots=True)
class _Shown:
    offer: Offer
    told: bool = False
    settled: bool = False


class Outcomes:
    """Remembers the latest offers and reports their fate. Nothing here waits for the host."""

    def __init__(self, send: Send, lines: Lines) -> None:
        """`send` delivers a batch of events in the form of ``POST /completion/events``."""
        self._send = send
        self._lines = lines
        self._offers: OrderedDict[str, _Shown] = OrderedDict()
        self._batch: list[dict[str, Any]] = []
        self._flusher: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def offered(self, offer: Offer) -> None:
        """An offer was sent to the client, which may show it. Of one id the longest text counts."""
        known = self._offers.get(offer.completion_id)
        if known is None:
            self._offers[offer.completion_id] = _Shown(offer)
            while len(self._offers) > _REMEMBERED:
                self._offers.popitem(last=False)
        elif len(offer.suggestion.text) > len(known.offer.suggestion.text):
            known.offer = offer

    def shown(self, completion_id: str) -> None:
        """The client painted it."""
        known = self._offers.get(completion_id)
        if known is not None and not known.told:
            known.told = True
            self._note(known.offer, "shown")

    def accepted(self, completion_id: str) -> Offer | None:
        """The user took all of it. What is left of it is looked at 30 seconds later."""
        known = self._offers.get(completion_id)
        if known is None or known.settled:
            return None
        self.shown(completion_id)
        known.settled = True
        self._note(known.offer, "accepted")
        self._spawn(self._look_later(known.offer))
        return known.offer

    def accepted_partly(self, completion_id: str, length: int) -> None:
        """The user took a word or a line of it; `length` UTF-16 code units so far."""
        known = self._offers.get(completion_id)
        if known is not None:
            self._note(known.offer, "acceptedPartly", accepted_length=length)

    def dismissed(self, completion_id: str) -> None:
        """The user sent it away."""
        known = self._offers.get(completion_id)
        if known is not None and not known.settled:
            known.settled = True
            self._note(known.offer, "dismissed")

    async def close(self) -> None:
        """Deliver what is waiting; drop the looks that are still to come."""
        for task in self._tasks:
            task.cancel()
        if self._flusher is not None:
            self._flusher.cancel()
        await self._deliver()

    async def _look_later(self, offer: Offer) -> None:
        await asyncio.sleep(KEPT_AFTER_S)
        lines = self._lines(offer.context.uri)
        if lines is not None:
            self._note(offer, "kept", kept_text=surviving(offer, lines))

    def _note(self, offer: Offer, kind: str, **more: Any) -> None:
        context = offer.context
        self._batch.append(
            {
                "completion_id": offer.completion_id,
                "kind": kind,
                "at": datetime.now(UTC).isoformat(),
                "language": context.language,
                "path": context.path,
                "model": offer.model,
                "text": offer.suggestion.text,
                "latency_ms": offer.latency_ms,
                **more,
            }
        )
        if self._flusher is None:
            self._flusher = asyncio.get_running_loop().call_later(_BATCH_S, self._flush)

    def _flush(self) -> None:
        self._flusher = None
        self._spawn(self._deliver())

    async def _deliver(self) -> None:
        batch, self._batch = self._batch, []
        if not batch:
            return
        try:
            await self._send(batch)
        except IdeAgentError as error:
            log.warning("%d completion events were not recorded: %s", len(batch), error)

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def surviving(offer: Offer, lines: Sequence[str]) -> str:
    """What is left of an accepted suggestion in the document now; '' when it is gone.

    The stretch of as many lines that is most like the accepted text, near where it was put.
    """
    accepted = (offer.context.line_prefix + offer.suggestion.text).split("\n")
    whole = "\n".join(accepted)
    best, best_ratio = "", _SAME
    first = max(0, offer.context.line - _DRIFT_LINES)
    last = min(len(lines) - len(accepted), offer.context.line + _DRIFT_LINES)
    matcher = SequenceMatcher(autojunk=False, b=whole)
    for start in sorted(range(first, last + 1), key=lambda n: abs(n - offer.context.line)):
        candidate = "\n".join(line.rstrip("\r\n") for line in lines[start : start + len(accepted)])
        if candidate == whole:
            best = candidate
            break
        matcher.set_seq1(candidate)
        if matcher.real_quick_ratio() > best_ratio and matcher.ratio() > best_ratio:
            best, best_ratio = candidate, matcher.ratio()
    prefix = offer.context.line_prefix
    return best[len(prefix) :] if best.startswith(prefix) else best.lstrip()

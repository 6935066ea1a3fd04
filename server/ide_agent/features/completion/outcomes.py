"""What became of each suggestion, told to the host in batches: shown, accepted, dismissed, kept."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ide_agent.errors import IdeAgentError

from .cursor import Offer
from .survival import neighbourhood, surviving

log = logging.getLogger(__name__)

KEPT_AFTER_S = 30.0
_REMEMBERED = 200
_BATCH_S = 1.0
# At the end the editor waits for us.
_LAST_WORDS_S = 1.0

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
        self._looks: set[asyncio.Task[None]] = set()
        self._deliveries: set[asyncio.Task[None]] = set()

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
        _spawn(self._look_later(known.offer), self._looks)
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

    def forget(self) -> None:
        """Nothing is to be recorded any more: drop what was not delivered yet, and what is still to come."""
        self._offers.clear()
        self._batch.clear()
        for look in self._looks:
            look.cancel()

    async def close(self, *, deliver: bool) -> None:
        """Drop the looks that are still to come; wait a second at most for what is under way.

        Args:
            deliver: whether there is somebody to deliver the rest to.
        """
        for look in self._looks:
            look.cancel()
        if self._flusher is not None:
            self._flusher.cancel()
            self._flusher = None
        if deliver:
            _spawn(self._deliver(), self._deliveries)
        if self._deliveries:
            _, late = await asyncio.wait(self._deliveries, timeout=_LAST_WORDS_S)
            for delivery in late:
                delivery.cancel()

    async def _look_later(self, offer: Offer) -> None:
        await asyncio.sleep(KEPT_AFTER_S)
        lines = self._lines(offer.context.uri)
        if lines is not None:
            kept = await asyncio.to_thread(surviving, offer, *neighbourhood(offer, lines))
            self._note(offer, "kept", kept_text=kept)

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
        _spawn(self._deliver(), self._deliveries)

    async def _deliver(self) -> None:
        batch, self._batch = self._batch, []
        if not batch:
            return
        try:
            await self._send(batch)
        except IdeAgentError as error:
            log.warning("%d completion events were not recorded: %s", len(batch), error)


def _spawn(work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)

"""What is added to a suggestion after its first line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .cursor import Offer


class Growth:
    """Passes on longer offers, but none before the answer that they are added to has left."""

    def __init__(self, send: Callable[[Offer], None]) -> None:
        self._send = send
        self._latest: Offer | None = None
        self._open = False

    def __call__(self, offer: Offer) -> None:
        """The suggestion has grown to `offer`."""
        if self._open:
            self._send(offer)
        else:
            self._latest = offer

    def answered(self, offer: Offer) -> None:
        """`offer` is the answer; it is sent when the running task ends."""
        task = asyncio.current_task()
        assert task is not None
        # pygls writes the answer in a callback that it added before this one
        task.add_done_callback(lambda _: self._release(offer))

    def _release(self, offer: Offer) -> None:
        self._open = True
        if self._latest is not None and self._latest.suggestion != offer.suggestion:
            self._send(self._latest)

"""News for attached editors: what the host publishes, each subscriber reads at its own pace."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any

_BACKLOG = 256


class Events:
    """Publish and subscribe inside the host's event loop.

    A subscriber that does not keep up loses its oldest events; it never holds up the publisher or the others.
    The last status is told to every new subscriber first.

    Attributes:
        status: the last status that was not a passing one; None when there was none yet.
    """

    def __init__(self) -> None:
        self._subscribers: set[_Mailbox] = set()
        self.status: dict[str, Any] | None = None
        self._last_status: dict[str, Any] | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._subscribers)

    def publish(self, event: dict[str, Any], *, passing: bool = False) -> None:
        """Hand `event`, a JSON object with a ``type``, to all subscribers. Never blocks.

        Args:
            event: what to tell.
            passing: whether it is a status for a while only; its publisher brings `status` back afterwards.
        """
        if event.get("type") == "status":
            self._last_status = event
            if not passing:
                self.status = event
        for mailbox in self._subscribers:
            mailbox.put(event)

    async def subscribe(self) -> AsyncGenerator[dict[str, Any]]:
        """Events from its first step on, until `close` or until the generator is closed."""
        mailbox = _Mailbox()
        if self._last_status is not None:
            mailbox.put(self._last_status)
        if self._closed:
            mailbox.close()
        self._subscribers.add(mailbox)
        try:
            while (event := await mailbox.get()) is not None:
                yield event
        finally:
            self._subscribers.discard(mailbox)

    def close(self) -> None:
        """End all subscriptions after what they have not read yet, and those to come at once."""
        self._closed = True
        for mailbox in self._subscribers:
            mailbox.close()


class _Mailbox:
    def __init__(self) -> None:
        self._events: deque[dict[str, Any]] = deque(maxlen=_BACKLOG)
        self._wake = asyncio.Event()
        self._closed = False

    def put(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        self._wake.set()

    def close(self) -> None:
        self._closed = True
        self._wake.set()

    async def get(self) -> dict[str, Any] | None:
        while not self._events:
            if self._closed:
                return None
            self._wake.clear()
            await self._wake.wait()
        return self._events.popleft()

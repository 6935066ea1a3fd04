"""The panels that features offer, and those that are open."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from ide_agent.errors import PanelError
from ide_agent.locale import translate
from ide_agent.panels.panel import Panel

Opener = Callable[[Panel], Awaitable[None]]
"""Fills a panel that is being opened: sets its blocks, says what its actions do."""
_ROUTES = ("assets", "enter", "prove")
_LINGER_SECONDS = 30.0
"""How long a panel that nobody looks at stays open: a reload takes less."""


@dataclass(frozen=True)
class _Offer:
    title: str
    opener: Opener


class Panels:
    """Which panels there are. One is open once for each language, whoever looks at it."""

    def __init__(self) -> None:
        self._offers: dict[str, _Offer] = {}
        self._open: dict[str, Panel] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._leaving: dict[str, asyncio.TimerHandle] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def offer(self, name: str, title: str, opener: Opener) -> None:
        """Add a panel.

        Args:
            name: of lower-case letters; part of its address.
            title: message key of its title.
            opener: fills it each time it is opened.

        Raises:
            ValueError: not such a name, or one that another route has.
        """
        if not re.fullmatch(r"[a-z]+", name) or name in _ROUTES:
            raise ValueError(f"{name!r} cannot be the name of a panel")
        self._offers[name] = _Offer(title, opener)

    def offered(self, language: str) -> list[dict[str, str]]:
        """Name and title of each."""
        return [
            {"name": name, "title": translate(offer.title, language)} for name, offer in self._offers.items()
        ]

    async def open(self, name: str, language: str) -> Panel:
        """The panel called `name`, opened if it is not.

        Raises:
            PanelError: nobody offers it.
        """
        offer = self._offers.get(name)
        if not self._offers:
            raise PanelError("error.panel.none", name=name)
        if offer is None:
            raise PanelError(name=name, names=", ".join(sorted(self._offers)))
        id = f"{name}@{language}"
        async with self._opening.setdefault(id, asyncio.Lock()):
            found = self._open.get(id)
            if found is None:
                found = Panel(id, translate(offer.title, language), language)
                await offer.opener(found)
                self._open[id] = found
                self._linger(found)
        return found

    async def watch(self, name: str, language: str) -> AsyncGenerator[dict[str, Any]]:
        """`Panel.watch` of the panel called `name`; it stays open for as long as somebody watches.

        Raises:
            PanelError: nobody offers it.
        """
        panel = await self.open(name, language)
        self._stay(panel)
        try:
            async with aclosing(panel.watch()) as events:
                async for event in events:
                    yield event
        finally:
            if not panel.viewers:
                self._linger(panel)

    async def close(self) -> None:
        """Close all."""
        for id in list(self._leaving):
            self._leaving.pop(id).cancel()
        panels = list(self._open.values())
        self._open.clear()
        await asyncio.gather(*(panel.close() for panel in panels), *self._closing)

    def _linger(self, panel: Panel) -> None:
        self._stay(panel)
        if self._open.get(panel.id) is panel:
            loop = asyncio.get_running_loop()
            self._leaving[panel.id] = loop.call_later(_LINGER_SECONDS, self._leave, panel)

    def _stay(self, panel: Panel) -> None:
        leaving = self._leaving.pop(panel.id, None)
        if leaving is not None:
            leaving.cancel()

    def _leave(self, panel: Panel) -> None:
        self._leaving.pop(panel.id, None)
        if panel.viewers or self._open.get(panel.id) is not panel:
            return
        del self._open[panel.id]
        task = asyncio.create_task(panel.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

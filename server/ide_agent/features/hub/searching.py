"""Finding models in their panel: the search, what it found, and getting it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ide_agent.errors import IdeAgentError, PanelError
from ide_agent.features.hub import drawing, forms, offers
from ide_agent.features.hub.about import files_of
from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.finding import search
from ide_agent.features.hub.fit import asked
from ide_agent.features.hub.listing import runnable
from ide_agent.features.hub.naming import refuse_hopeless
from ide_agent.features.hub.sources.pages import is_repository, of_page
from ide_agent.features.hub.sources.url import is_address, of_path
from ide_agent.features.hub.words import not_asked, too_big
from ide_agent.locale import translate
from ide_agent.panels import Panel, PanelEvent
from ide_agent.panels.blocks import Block

if TYPE_CHECKING:
    from ide_agent.features.hub.login import Login
    from ide_agent.features.hub.pulls import Pulls
    from ide_agent.features.hub.service import Hub
    from ide_agent.host.services import Services

_UNFIT = (offers.UNFIT, f"{offers.UNFIT}.actions")
_FOUND = (offers.UNASKED, offers.FOUND, offers.FILES, forms.ADD, *_UNFIT, offers.CLEAR)


class Searching:
    """The search form, and what was found: in each panel the last search."""

    def __init__(self, services: Services, hub: Hub, pulls: Pulls, login: Login) -> None:
        self._services = services
        self._login = login
        self._hub = hub
        self._pulls = pulls
        self._finds: dict[Panel, tuple[dict[str, Any], str]] = {}

    def open(self, panel: Panel) -> None:
        """Say what its buttons do."""
        panel.on("add", partial(self._add, panel))
        panel.on("search", self._login.watched(panel, partial(self._search, panel)))
        panel.on("files", self._login.watched(panel, partial(self._files, panel)))
        panel.on("get", self._login.watched(panel, partial(self._get, panel)))
        panel.on("clear", partial(self._clear, panel))
        panel.on_close(lambda: self._finds.pop(panel, None))

    def draw(self, panel: Panel, taken: Collection[str], runs: Collection[str]) -> None:
        """Draw anew what was found; the models `taken` are here or on their way, the formats `runs` run."""
        if panel.has(offers.FOUND):
            known, words = self._finds[panel]
            panel.set(offers.found(known, words, runs, panel.language, taken))

    async def _add(self, panel: Panel, event: PanelEvent) -> str:
        given = {**event.values, **event.args}
        address, name, sha256 = (str(given.get(key, "")).strip() for key in ("address", "name", "sha256"))
        entry = await asyncio.to_thread(self._hub.entry, address, name, sha256)
        settings = self._services.settings.inference
        said = ""
        if "sure" not in event.args:
            takes = await asyncio.to_thread(asked, self._hub, entry, settings)
            said = too_big(entry.name, takes, panel.language)
        if said:
            blocks = offers.unfitting(said, address, name, sha256, panel.language)
            panel.set(*blocks, before=offers.CLEAR if panel.has(offers.CLEAR) else below(panel))
            return ""
        told = await self._want(panel, entry)
        with panel.together():
            for id in (forms.ADD, *_UNFIT):
                panel.remove(id)
        self._end(panel)
        return told

    async def _search(self, panel: Panel, event: PanelEvent) -> None:
        try:
            await self._find(panel, event)
        except IdeAgentError:  # or what was found before would stand beside the new words
            self._forget(panel)
            raise

    async def _find(self, panel: Panel, event: PanelEvent) -> None:
        words = str(event.values.get("words", "")).strip()
        path = Path(words)
        if is_repository(shown := of_page(words) or words):
            files, runs = await self._files_of(shown)
            self._show_found(panel, offers.offered(shown, files, runs, panel.language))
            return
        if is_address(words) or path.is_absolute() or words.startswith("~"):
            address = words if is_address(words) else of_path(path)
            await asyncio.to_thread(refuse_hopeless, address)
            self._show_found(panel, forms.add_form(address, panel.language))
            return
        kind, place = str(event.values.get("type", "")), str(event.values.get("source", ""))
        place = place if words or place else "catalogue"  # a hub is not asked for nothing
        found = await asyncio.to_thread(
            search, self._hub, words, kind, place, self._services.settings.inference
        )
        said = not_asked(found["problem"], panel.language) if found["problem"] else None
        self._finds[panel] = (found, words)
        taken, runs = await asyncio.to_thread(lambda: (self._taken(), self._runs()))
        self._show_found(panel, offers.found(found, words, runs, panel.language, taken))
        if said is not None:  # a message that passes is missed
            panel.set(offers.unasked(said), before=offers.FOUND)

    async def _files(self, panel: Panel, event: PanelEvent) -> None:
        files, runs = await self._files_of(named(event))
        panel.remove(forms.ADD)
        panel.remove(offers.UNASKED)
        block = offers.offered(named(event), files, runs, panel.language)
        panel.set(block, before=offers.CLEAR if panel.has(offers.CLEAR) else below(panel))

    async def _files_of(self, repository: str) -> tuple[list[dict[str, Any]], frozenset[str]]:
        """The files there, and the formats that run here."""
        return await asyncio.to_thread(
            lambda: (files_of(repository, self._services.settings.inference), self._runs())
        )

    async def _clear(self, panel: Panel, event: PanelEvent) -> None:
        self._login.dismiss(panel)
        self._forget(panel)

    def _forget(self, panel: Panel) -> None:
        """Take away what was found."""
        self._finds.pop(panel, None)
        with panel.together():
            for id in _FOUND:
                panel.remove(id)

    def _end(self, panel: Panel) -> None:
        """Take the button away where nothing is left that it would."""
        if not any(panel.has(id) for id in _FOUND if id != offers.CLEAR):
            panel.remove(offers.CLEAR)

    def _show_found(self, panel: Panel, block: Block) -> None:
        """In place of what was found before."""
        with panel.together():
            for id in _FOUND:
                if id != block.id:
                    panel.remove(id)
            panel.set(block, offers.clear(panel.language), before=below(panel))

    def _runs(self) -> frozenset[str]:
        return runnable(self._services.settings.inference)

    def _taken(self) -> set[str]:
        """Names of the models that are here or on their way."""
        return {model.name for model in self._hub.list()} | {pull.name for pull in self._pulls.running}

    async def _get(self, panel: Panel, event: PanelEvent) -> str:
        return await self._want(panel, await asyncio.to_thread(self._hub.entry, named(event)))

    async def _want(self, panel: Panel, entry: Entry) -> str:
        """Pull `entry`; what to tell, for its progress may be out of sight."""
        pull = self._pulls.want(entry)
        return translate("hub.panel.begun", panel.language, name=pull.name)


def top(panel: Panel) -> str:
    """The block before which stands what is on its way."""
    return next((id for id in _FOUND if panel.has(id)), "") or below(panel)


def below(panel: Panel) -> str:
    """The block below what was found."""
    return next((id for id in (drawing.RUNNING, forms.FILTER) if panel.has(id)), drawing.HERE)


def named(event: PanelEvent) -> str:
    """Which model is meant.

    Raises:
        PanelError: none.
    """
    name = event.args.get("name")
    if not isinstance(name, str):
        raise PanelError("error.panel.action", action=event.action)
    return name

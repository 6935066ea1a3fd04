"""The panel ``hub``: the models on this machine, those that can be had, and what is on its way."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ide_agent.errors import ModelNotFound
from ide_agent.features.hub import drawing, forms, offers, searching
from ide_agent.features.hub.about import about, verify
from ide_agent.features.hub.active import Activations
from ide_agent.features.hub.asking import Asking
from ide_agent.features.hub.defaults import can_be, changed, defaults, make_default
from ide_agent.features.hub.disk import free_in
from ide_agent.features.hub.drafts import Unfinished
from ide_agent.features.hub.filters import Filter
from ide_agent.features.hub.fit import all_expected
from ide_agent.features.hub.listing import described, runnable
from ide_agent.features.hub.login import Login
from ide_agent.features.hub.pulls import Pulls
from ide_agent.features.hub.removal import remove
from ide_agent.features.hub.searching import Searching, named
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources import token
from ide_agent.features.hub.trained import held
from ide_agent.features.hub.words import removal_told, size, verified
from ide_agent.locale import translate
from ide_agent.panels import Panel, PanelEvent
from ide_agent.panels.blocks import TableBlock, TextBlock

if TYPE_CHECKING:
    from ide_agent.host.services import Services

log = logging.getLogger(__name__)
_LOOK_SECONDS = 2.0
"""How often to look at the models folder and the engines: the command line changes them, too."""
_MANY = 8  # models here, of which one is no longer found at a glance
_MOVING = ("pull.", "stopped.", "failed.", "inactive.", "arrived.")


@dataclass(frozen=True)
class HubPanel:
    """Fills the panel and keeps it up to date."""

    services: Services
    hub: Hub
    pulls: Pulls
    activations: Activations
    searching: Searching
    asking: Asking
    login: Login
    filters: dict[Panel, Filter] = field(default_factory=dict)
    drawing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self, panel: Panel) -> None:
        """An opener, as `Panels.offer` takes it."""
        panel.on("pull", self.login.watched(panel, self._pull))
        panel.on("again", self._again)
        panel.on("resume", self.login.watched(panel, self._resume))
        panel.on("discard", partial(self._discard, panel))
        panel.on("about", partial(self._about, panel))
        panel.on("verify", partial(self._verify, panel))
        panel.on("close", partial(self._close, panel))
        panel.on("stop", self._stop)
        panel.on("forget", self._forget)
        panel.on("default", partial(self._default, panel))
        panel.on("activate", partial(self._activate, panel))
        panel.on("deactivate", partial(self._deactivate, panel))
        panel.on("filter", partial(self._filter, panel))
        panel.on("gc", partial(self._gc, panel))
        panel.on("remove", partial(self._remove, panel))
        self.searching.open(panel)
        self.asking.open(panel)
        self.login.open(panel)
        panel.on_close(lambda: self.filters.pop(panel, None))
        await self._draw(panel)
        panel.spawn(self._keep(panel))

    # -- what its buttons do

    async def _pull(self, event: PanelEvent) -> None:
        self.pulls.want(await asyncio.to_thread(self.hub.entry, named(event)))

    async def _again(self, event: PanelEvent) -> None:
        failed = self.pulls.failed.get(named(event))
        if failed is not None:
            self.pulls.want(failed.entry)

    async def _resume(self, event: PanelEvent) -> None:
        name = named(event)
        stopped = await asyncio.to_thread(self.hub.unfinished)
        entry = next((each.entry for each in stopped if each.entry.name == name), None)
        if entry is None:
            entry = await asyncio.to_thread(self.hub.entry, name)
        self.pulls.want(entry)

    async def _discard(self, panel: Panel, event: PanelEvent) -> None:
        await self.pulls.discard(named(event))
        await self._draw(panel)

    async def _about(self, panel: Panel, event: PanelEvent) -> None:
        known = await asyncio.to_thread(about, self.hub, named(event), self.services.settings.inference)
        known["loaded"] = any(row["name"] == known["name"] for row in self.services.inference.running())
        after_here = forms.ASK if panel.has(forms.ASK) else offers.THERE
        panel.set(drawing.about_model(known, panel.language), before=after_here)

    async def _verify(self, panel: Panel, event: PanelEvent) -> str:
        found = await asyncio.to_thread(verify, self.hub, named(event))
        return translate(verified(found), panel.language, name=found["name"])

    async def _close(self, panel: Panel, event: PanelEvent) -> None:
        panel.remove(drawing.ABOUT)

    async def _stop(self, event: PanelEvent) -> None:
        self.pulls.stop(named(event))

    async def _forget(self, event: PanelEvent) -> None:
        self.pulls.forget(named(event))

    async def _remove(self, panel: Panel, event: PanelEvent) -> str:
        name = named(event)
        removed = await remove(self.services, self.hub, self.pulls, name)
        freed, own = size(removed.held, panel.language), removed.own
        about_it = panel.block(drawing.ABOUT)
        if isinstance(about_it, TableBlock) and about_it.title == name:
            panel.remove(drawing.ABOUT)
        await self._draw(panel)
        told = translate("hub.removed", panel.language, name=name, size=freed)
        if now := removal_told(removed.default, panel.language):
            told = f"{told} {now}"
        if own is None:
            return told
        about = {"count": own.count, "size": size(own.bytes, panel.language), "folder": own.folder}
        return f"{told} {translate('hub.adapters_stayed', panel.language, name=name, **about)}"

    async def _default(self, panel: Panel, event: PanelEvent) -> str:
        settings = self.services.settings.inference
        name, purpose = await asyncio.to_thread(make_default, self.hub, named(event), settings)
        self.pulls.forget(name)
        await self._draw(panel)
        task = translate(f"hub.row.{purpose}", panel.language)
        return translate("hub.default_made", panel.language, name=name, task=task)

    async def _activate(self, panel: Panel, event: PanelEvent) -> None:
        self.activations.want(named(event))
        await self._draw(panel)

    async def _deactivate(self, panel: Panel, event: PanelEvent) -> None:
        panel.spawn(self._end(panel, named(event)))  # it may be at work for a while

    async def _filter(self, panel: Panel, event: PanelEvent) -> None:
        given = {key: str(event.values.get(key, "")).strip() for key in ("words", "source", "type")}
        self.filters[panel] = Filter(given["words"], given["source"], given["type"])
        await self._draw(panel)

    async def _gc(self, panel: Panel, event: PanelEvent) -> str:
        settings = self.services.settings.inference
        before = await asyncio.to_thread(defaults, self.hub.folder, settings)
        gone = await self.pulls.collect()
        now = await asyncio.to_thread(defaults, self.hub.folder, settings)
        await self._draw(panel)
        if not gone:
            return translate("hub.nothing_to_remove", panel.language)
        names, freed = ", ".join(each.name for each in gone), sum(each.bytes for each in gone)
        told = translate("hub.phase.removed", panel.language, names=names, size=size(freed, panel.language))
        said = removal_told(changed(before, now, settings), panel.language)
        return f"{told}. {said}" if said else told

    async def _end(self, panel: Panel, name: str) -> None:
        with suppress(ModelNotFound):
            await self.activations.deactivate(name)
        await self._draw(panel)

    # -- what it shows

    async def _keep(self, panel: Panel) -> None:
        while True:
            news = self.pulls.news
            try:
                await self._draw(panel)
            except Exception as failure:  # of a disk, perhaps; the next look may be luckier
                log.warning("the panel of models could not be drawn: %s", type(failure).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):  # wait_for may swallow a cancellation
                    await news.wait()

    async def _draw(self, panel: Panel) -> None:
        async with self.drawing:  # or an older look at the disk would be drawn over a newer one
            await self._draw_now(panel)

    async def _draw_now(self, panel: Panel) -> None:
        settings = self.services.settings.inference
        failed, arrived = set(self.activations.failed), set(self.pulls.arrived)  # before a look at the disk
        models = await asyncio.to_thread(lambda: [described(each, settings) for each in self.hub.list()])
        known = await asyncio.to_thread(defaults, self.hub.folder, settings)
        runs = await asyncio.to_thread(runnable, settings)
        takes = await asyncio.to_thread(all_expected, list(self.hub.catalogue()), settings)
        stopped = await asyncio.to_thread(self.hub.unfinished)
        free, trained = await asyncio.to_thread(lambda: (free_in(self.hub.folder), held(self.hub.folder)))
        signed_in = await asyncio.to_thread(token.is_kept)
        here = {model["name"] for model in models}
        halfway = {each.entry.name for each in stopped}  # which stand above, with what to do about them
        missing = [entry for entry in self.hub.catalogue() if entry.name not in here | halfway]
        busy = {pull.name for pull in self.pulls.running}
        wanted = self.filters.get(panel, Filter())
        shown = [model for model in models if wanted.of_model(model)]
        missing = [entry for entry in missing if wanted.of_entry(entry)]
        running = self.services.inference.running()
        for name in arrived - here:
            self.pulls.forget(name)
        for name in failed - here:  # what was wrong with a model goes with it
            self.activations.failed.pop(name, None)
        with panel.together():
            panel.set(
                TextBlock(id="about", markdown=translate("hub.panel.about", panel.language)),
                forms.search_form(panel.language),
                drawing.here(
                    [
                        {
                            **each,
                            "default": each["name"] in known.values(),
                            "choosable": can_be(each, known, settings),
                        }
                        for each in shown
                    ],
                    running,
                    panel.language,
                ),
                offers.there(missing, busy, runs, takes, panel.language),
                forms.disk(sum(model["bytes"] for model in models) + trained, free, panel.language),
                forms.tidy(panel.language, signed_in=signed_in),
            )
            if len(models) >= _MANY or wanted != Filter():  # else it is one question more in a newcomer's way
                panel.set(forms.filter_form(panel.language), before=drawing.HERE)
            else:
                panel.remove(forms.FILTER)
            if models or running:
                loaded = drawing.running(running, settings.active_models, panel.language)
                panel.set(loaded, before=forms.FILTER if panel.has(forms.FILTER) else drawing.HERE)
            else:
                panel.remove(drawing.RUNNING)
            self.searching.draw(panel, here | busy, runs)
            self._draw_pulls(panel, stopped)
            self.login.draw(panel, before=searching.top(panel))
            self.asking.draw(panel, models, known.get("text", ""), self.activations.latest)

    def _draw_pulls(self, panel: Panel, stopped: list[Unfinished]) -> None:
        busy = {pull.name for pull in self.pulls.running}
        self.pulls.seen({each.entry.name for each in stopped} | busy)
        blocks = [drawing.progress(pull, panel.language) for pull in self.pulls.running]
        blocks += [drawing.stopped(each, panel.language) for each in stopped if each.entry.name not in busy]
        for name, failed in self.pulls.failed.items():
            blocks += drawing.failure(name, failed.error.message(panel.language), panel.language)
        for name, why in self.activations.failed.items():
            blocks.append(drawing.inactive(name, why.message(panel.language), panel.language))
        for name, outcome in self.pulls.arrived.items():
            blocks += drawing.arrived(name, outcome, panel.language)
        wanted = {block.id for block in blocks}
        for block in panel.state.blocks:
            if block.id.startswith(_MOVING) and block.id not in wanted:
                panel.remove(block.id)
        panel.set(*blocks, before=searching.top(panel))


def register(services: Services, hub: Hub, pulls: Pulls, activations: Activations) -> None:
    """Offer the panel."""
    login = Login(services, pulls)
    search, ask = Searching(services, hub, pulls, login), Asking(services, hub)
    found = HubPanel(services, hub, pulls, activations, search, ask, login)
    services.panels.offer("hub", "hub.panel.title", found.open)

"""The panel ``hub``: the models on this machine, those that can be had, and what is on its way."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ide_agent.errors import ModelNotFound, PanelError
from ide_agent.features.hub import drawing, forms, kept
from ide_agent.features.hub.about import about, files_of, smaller, verify
from ide_agent.features.hub.active import Activations
from ide_agent.features.hub.asking import Asking
from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.disk import free_in
from ide_agent.features.hub.drafts import Unfinished
from ide_agent.features.hub.filters import Filter
from ide_agent.features.hub.finding import search
from ide_agent.features.hub.listing import described
from ide_agent.features.hub.naming import refuse_hopeless
from ide_agent.features.hub.pulls import Pulls
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources.huggingface import is_repository, of_page
from ide_agent.features.hub.sources.url import is_address, of_path
from ide_agent.features.hub.words import not_asked, size, verified
from ide_agent.locale import translate
from ide_agent.panels import Panel, PanelEvent
from ide_agent.panels.blocks import Block, TableBlock, TextBlock

if TYPE_CHECKING:
    from ide_agent.host.services import Services

log = logging.getLogger(__name__)
_LOOK_SECONDS = 2.0
"""How often to look at the models folder and the engines: the command line changes them, too."""
_MOVING = ("pull.", "stopped.", "failed.", "inactive.")
_FOUND = (drawing.UNASKED, drawing.FOUND, drawing.FILES, forms.ADD)


@dataclass(frozen=True)
class HubPanel:
    """Fills the panel and keeps it up to date."""

    services: Services
    hub: Hub
    pulls: Pulls
    activations: Activations
    asking: Asking
    filters: dict[str, Filter] = field(default_factory=dict)
    finds: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    drawing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(self, panel: Panel) -> None:
        """An opener, as `Panels.offer` takes it."""
        panel.on("pull", self._pull)
        panel.on("again", self._again)
        panel.on("resume", self._resume)
        panel.on("discard", partial(self._discard, panel))
        panel.on("add", partial(self._add, panel))
        panel.on("search", partial(self._search, panel))
        panel.on("files", partial(self._files, panel))
        panel.on("get", partial(self._get, panel))
        panel.on("about", partial(self._about, panel))
        panel.on("verify", partial(self._verify, panel))
        panel.on("close", partial(self._close, panel))
        panel.on("stop", self._stop)
        panel.on("forget", self._forget)
        panel.on("activate", partial(self._activate, panel))
        panel.on("deactivate", partial(self._deactivate, panel))
        panel.on("filter", partial(self._filter, panel))
        panel.on("gc", partial(self._gc, panel))
        panel.on("remove", partial(self._remove, panel))
        self.asking.open(panel)
        await self._draw(panel)
        panel.spawn(self._keep(panel))

    # -- what its buttons do

    async def _pull(self, event: PanelEvent) -> None:
        self.pulls.want(await asyncio.to_thread(self.hub.entry, _name(event)))

    async def _again(self, event: PanelEvent) -> None:
        failed = self.pulls.failed.get(_name(event))
        if failed is not None:
            self.pulls.want(failed.entry)

    async def _resume(self, event: PanelEvent) -> None:
        name = _name(event)
        stopped = await asyncio.to_thread(self.hub.unfinished)
        entry = next((each.entry for each in stopped if each.entry.name == name), None)
        if entry is None:
            entry = await asyncio.to_thread(self.hub.entry, name)
        self.pulls.want(entry)

    async def _discard(self, panel: Panel, event: PanelEvent) -> None:
        await asyncio.to_thread(self.hub.discard, _name(event))
        self.pulls.forget(_name(event))
        await self._draw(panel)

    async def _add(self, panel: Panel, event: PanelEvent) -> str:
        address = str(event.args.get("address", ""))
        name, sha256 = (str(event.values.get(key, "")).strip() for key in ("name", "sha256"))
        told = await self._want(panel, address, name, sha256)
        panel.remove(forms.ADD)
        return told

    async def _search(self, panel: Panel, event: PanelEvent) -> str | None:
        words = str(event.values.get("words", "")).strip()
        path = Path(words)
        if is_repository(shown := of_page(words) or words):
            await self._show_files(panel, shown)
            return None
        if is_address(words) or path.is_absolute() or words.startswith("~"):
            address = words if is_address(words) else of_path(path)
            await asyncio.to_thread(refuse_hopeless, address)
            self._show_found(panel, forms.add_form(address, panel.language))
            return None
        kind, place = str(event.values.get("type", "")), str(event.values.get("source", ""))
        place = place if words or place else "catalogue"  # a hub is not asked for nothing
        found = await asyncio.to_thread(search, self.hub, words, kind, place)
        said = not_asked(found["problem"], panel.language) if found["problem"] else None
        self.finds[panel.id] = (found, words)
        taken = await asyncio.to_thread(self._taken)
        self._show_found(panel, drawing.found(found, words, panel.language, taken))
        if said is not None:  # a message that passes is missed
            panel.set(drawing.unasked(said), before=drawing.FOUND)
        return said

    async def _files(self, panel: Panel, event: PanelEvent) -> None:
        await self._show_files(panel, _name(event))

    async def _show_files(self, panel: Panel, repository: str) -> None:
        files = await asyncio.to_thread(files_of, repository)
        panel.remove(forms.ADD)
        panel.remove(drawing.UNASKED)
        panel.set(drawing.offered(repository, files, panel.language), before=self._below_found(panel))

    def _show_found(self, panel: Panel, block: Block) -> None:
        """In place of what was found before."""
        with panel.together():
            for id in _FOUND:
                if id != block.id:
                    panel.remove(id)
            panel.set(block, before=self._below_found(panel))

    def _taken(self) -> set[str]:
        """Names of the models that are here or on their way."""
        return {model.name for model in self.hub.list()} | {pull.name for pull in self.pulls.running}

    def _below_found(self, panel: Panel) -> str:
        return drawing.RUNNING if panel.has(drawing.RUNNING) else drawing.HERE

    async def _get(self, panel: Panel, event: PanelEvent) -> str:
        entry = await asyncio.to_thread(self.hub.entry, _name(event))
        fitting = await asyncio.to_thread(smaller, entry)
        said = await self._want(panel, entry)
        if fitting is None:
            return said
        return translate("hub.smaller", panel.language, name=entry.name, fitting=fitting.name)

    async def _want(self, panel: Panel, what: Entry | str, *more: str) -> str:
        """Pull what `Hub.entry` takes; what to tell, for its progress may be out of sight."""
        entry = await asyncio.to_thread(self.hub.entry, what, *more) if isinstance(what, str) else what
        pull = self.pulls.want(entry)
        return translate("hub.panel.begun", panel.language, name=pull.name)

    async def _about(self, panel: Panel, event: PanelEvent) -> None:
        known = await asyncio.to_thread(about, self.hub, _name(event), self.services.settings.inference)
        known["loaded"] = any(row["name"] == known["name"] for row in self.services.inference.running())
        after_here = forms.ASK if panel.has(forms.ASK) else forms.FILTER
        panel.set(drawing.about_model(known, panel.language), before=after_here)

    async def _verify(self, panel: Panel, event: PanelEvent) -> str:
        found = await asyncio.to_thread(verify, self.hub, _name(event))
        return translate(verified(found), panel.language, name=found["name"])

    async def _close(self, panel: Panel, event: PanelEvent) -> None:
        panel.remove(drawing.ABOUT)

    async def _stop(self, event: PanelEvent) -> None:
        self.pulls.stop(_name(event))

    async def _forget(self, event: PanelEvent) -> None:
        self.pulls.forget(_name(event))

    async def _remove(self, panel: Panel, event: PanelEvent) -> str:
        name = _name(event)
        held = size(await asyncio.to_thread(self.hub.size, name), panel.language)
        await self.services.inference.release(name)  # an engine would keep the space of its file
        await asyncio.to_thread(self.hub.remove, name)
        kept.forget(name)
        self.pulls.forget(name)
        about_it = panel.block(drawing.ABOUT)
        if isinstance(about_it, TableBlock) and about_it.title == name:
            panel.remove(drawing.ABOUT)
        await self._draw(panel)
        return translate("hub.removed", panel.language, name=name, size=held)

    async def _activate(self, panel: Panel, event: PanelEvent) -> None:
        self.activations.want(_name(event))
        await self._draw(panel)

    async def _deactivate(self, panel: Panel, event: PanelEvent) -> None:
        panel.spawn(self._end(panel, _name(event)))  # it may be at work for a while

    async def _filter(self, panel: Panel, event: PanelEvent) -> None:
        given = {key: str(event.values.get(key, "")).strip() for key in ("words", "source", "type")}
        self.filters[panel.id] = Filter(given["words"], given["source"], given["type"])
        await self._draw(panel)

    async def _gc(self, panel: Panel, event: PanelEvent) -> str:
        gone = await self.pulls.collect()
        await self._draw(panel)
        if not gone:
            return translate("hub.nothing_to_remove", panel.language)
        names, freed = ", ".join(each.name for each in gone), sum(each.bytes for each in gone)
        return translate("hub.phase.removed", panel.language, names=names, size=size(freed, panel.language))

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
        failed = set(self.activations.failed)
        models = await asyncio.to_thread(lambda: [described(each, settings) for each in self.hub.list()])
        stopped, cut = await asyncio.to_thread(lambda: (self.hub.unfinished(), kept.pulling()))
        free = await asyncio.to_thread(free_in, self.hub.folder)
        here = {model["name"] for model in models}
        missing = [entry for entry in self.hub.catalogue() if entry.name not in here]
        busy = {pull.name for pull in self.pulls.running}
        wanted = self.filters.get(panel.id, Filter())
        shown = [model for model in models if wanted.of_model(model)]
        missing = [entry for entry in missing if wanted.of_entry(entry)]
        running = self.services.inference.running()
        for name in failed - here:  # what was wrong with a model goes with it
            self.activations.failed.pop(name, None)
        with panel.together():
            panel.set(
                TextBlock(id="about", markdown=translate("hub.panel.about", panel.language)),
                forms.search_form(panel.language),
                drawing.here(shown, running, panel.language),
                forms.filter_form(panel.language),
                drawing.there(missing, busy, panel.language),
                forms.disk(sum(model["bytes"] for model in models), free, panel.language),
                forms.tidy(panel.language),
            )
            if models or running:
                loaded = drawing.running(running, settings.active_models, panel.language)
                panel.set(loaded, before=drawing.HERE)
            else:
                panel.remove(drawing.RUNNING)
            if panel.has(drawing.FOUND):
                known, words = self.finds[panel.id]
                panel.set(drawing.found(known, words, panel.language, here | busy))
            self._draw_pulls(panel, stopped, cut)
            self.asking.draw(panel, models, [row["name"] for row in running])

    def _draw_pulls(self, panel: Panel, stopped: list[Unfinished], cut: list[str]) -> None:
        busy = {pull.name for pull in self.pulls.running}
        blocks = [drawing.progress(pull, panel.language) for pull in self.pulls.running]
        blocks += [
            drawing.stopped(each, panel.language, cut=each.entry.name in cut)
            for each in stopped
            if each.entry.name not in busy
        ]
        for name, failed in self.pulls.failed.items():
            blocks += drawing.failure(name, failed.error.message(panel.language), panel.language)
        for name, why in self.activations.failed.items():
            blocks.append(drawing.inactive(name, why.message(panel.language), panel.language))
        wanted = {block.id for block in blocks}
        for block in panel.state.blocks:
            if block.id.startswith(_MOVING) and block.id not in wanted:
                panel.remove(block.id)
        found = next((id for id in _FOUND if panel.has(id)), "")
        panel.set(*blocks, before=found or self._below_found(panel))


def register(services: Services, hub: Hub, pulls: Pulls, activations: Activations) -> None:
    """Offer the panel."""
    services.panels.offer(
        "hub", "hub.panel.title", HubPanel(services, hub, pulls, activations, Asking(services, hub)).open
    )


def _name(event: PanelEvent) -> str:
    """Which model is meant."""
    name = event.args.get("name")
    if not isinstance(name, str):
        raise PanelError("error.panel.action", action=event.action)
    return name

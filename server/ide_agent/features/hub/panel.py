"""The panel ``hub``: the models on this machine, those that can be had, and what is on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ide_agent.errors import PanelError, from_wire
from ide_agent.features.hub.about import about, verify
from ide_agent.features.hub.api import loaded_models
from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.drafts import Unfinished
from ide_agent.features.hub.listing import described
from ide_agent.features.hub.pulls import Pull, Pulls
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources.url import is_address, of_path
from ide_agent.features.hub.words import describe, facts, percent, size, verified
from ide_agent.locale import translate
from ide_agent.panels import Panel, PanelEvent
from ide_agent.panels.blocks import (
    Action,
    ActionsBlock,
    Block,
    Column,
    FormBlock,
    FormField,
    ProgressBlock,
    Row,
    TableBlock,
    TextBlock,
    plain,
)

if TYPE_CHECKING:
    from ide_agent.host.services import Services

_LOOK_SECONDS = 2.0
"""How often to look at the models folder and the engines: the command line changes them, too."""
_HERE, _THERE, _ABOUT, _ADD = "models", "catalogue", "about-model", "add"
_MOVING = ("pull.", "stopped.", "failed.")


@dataclass(frozen=True)
class HubPanel:
    """Fills the panel and keeps it up to date."""

    services: Services
    hub: Hub
    pulls: Pulls

    async def open(self, panel: Panel) -> None:
        """An opener, as `Panels.offer` takes it."""
        panel.on("pull", self._pull)
        panel.on("again", self._again)
        panel.on("resume", self._resume)
        panel.on("discard", partial(self._discard, panel))
        panel.on("add", self._add)
        panel.on("about", partial(self._about, panel))
        panel.on("verify", partial(self._verify, panel))
        panel.on("close", partial(self._close, panel))
        panel.on("stop", self._stop)
        panel.on("forget", self._forget)
        panel.on("remove", partial(self._remove, panel))
        await self._draw(panel)
        panel.spawn(self._keep(panel))

    # -- what its buttons do

    async def _pull(self, event: PanelEvent) -> None:
        self.pulls.want(self.hub.entry(_name(event)))

    async def _again(self, event: PanelEvent) -> None:
        failed = self.pulls.failed.get(_name(event))
        if failed is not None:
            self.pulls.want(failed.entry)

    async def _resume(self, event: PanelEvent) -> None:
        name = _name(event)
        stopped = await asyncio.to_thread(self.hub.unfinished)
        entry = next((each.entry for each in stopped if each.entry.name == name), None)
        self.pulls.want(entry or self.hub.entry(name))

    async def _discard(self, panel: Panel, event: PanelEvent) -> None:
        await asyncio.to_thread(self.hub.discard, _name(event))
        await self._draw(panel)

    async def _add(self, event: PanelEvent) -> None:
        given = {key: str(event.values.get(key, "")).strip() for key in ("address", "name", "sha256")}
        address = given["address"]
        if not is_address(address):
            address = of_path(Path(address))
        self.pulls.want(await asyncio.to_thread(self.hub.entry, address, given["name"], given["sha256"]))

    async def _about(self, panel: Panel, event: PanelEvent) -> None:
        known = await asyncio.to_thread(about, self.hub, _name(event), self.services.settings.inference)
        panel.set(_facts(known, panel.language), before=_HERE)

    async def _verify(self, panel: Panel, event: PanelEvent) -> str:
        found = await asyncio.to_thread(verify, self.hub, _name(event))
        return translate(verified(found), panel.language, name=found["name"])

    async def _close(self, panel: Panel, event: PanelEvent) -> None:
        panel.remove(_ABOUT)

    async def _stop(self, event: PanelEvent) -> None:
        self.pulls.stop(_name(event))

    async def _forget(self, event: PanelEvent) -> None:
        self.pulls.forget(_name(event))

    async def _remove(self, panel: Panel, event: PanelEvent) -> str:
        name = _name(event)
        held = size(await asyncio.to_thread(self.hub.size, name), panel.language)
        await asyncio.to_thread(self.hub.remove, name)
        await self._draw(panel)
        return translate("hub.removed", panel.language, name=name, size=held)

    # -- what it shows

    async def _keep(self, panel: Panel) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.pulls.news(), _LOOK_SECONDS)
            await self._draw(panel)

    async def _draw(self, panel: Panel) -> None:
        models = await asyncio.to_thread(lambda: [described(model) for model in self.hub.list()])
        stopped = await asyncio.to_thread(self.hub.unfinished)
        words = _words(panel.language)
        with panel.together():
            panel.set(TextBlock(id="about", markdown=words("hub.panel.about")))
            self._draw_pulls(panel, stopped)
            panel.set(
                self._here(models, panel.language),
                self._there(models, panel.language),
                _add_form(panel.language),
            )

    def _draw_pulls(self, panel: Panel, stopped: list[Unfinished]) -> None:
        busy = {pull.name for pull in self.pulls.running}
        blocks = [_progress(pull, panel.language) for pull in self.pulls.running]
        blocks += [_stopped(each, panel.language) for each in stopped if each.entry.name not in busy]
        for name, failed in self.pulls.failed.items():
            blocks += _failure(name, failed.error.message(panel.language), panel.language)
        wanted = {block.id for block in blocks}
        for block in panel.state.blocks:
            if block.id.startswith(_MOVING) and block.id not in wanted:
                panel.remove(block.id)
        panel.set(*blocks, before=_HERE)

    def _here(self, models: list[dict[str, Any]], language: str) -> TableBlock:
        words = _words(language)
        loaded = loaded_models(self.services)
        return TableBlock(
            id=_HERE,
            title=words("hub.panel.here"),
            empty=words("hub.none"),
            columns=[
                Column(key="name", label=words("hub.panel.name")),
                Column(key="size", label=words("hub.panel.size"), align="end"),
                Column(key="kind", label=words("hub.panel.kind")),
                Column(key="state", label=words("hub.panel.state")),
            ],
            rows=[_model(model, model["name"] in loaded, language) for model in models],
        )

    def _there(self, models: list[dict[str, Any]], language: str) -> TableBlock:
        words = _words(language)
        here = {model["name"] for model in models}
        busy = {pull.name for pull in self.pulls.running}
        offered = [entry for entry in self.hub.catalogue() if entry.name not in here]
        return TableBlock(
            id=_THERE,
            title=words("hub.panel.there"),
            empty=words("hub.panel.all_here"),
            columns=[
                Column(key="name", label=words("hub.panel.name")),
                Column(key="size", label=words("hub.panel.size"), align="end"),
                Column(key="licence", label=words("hub.panel.licence")),
                Column(key="about", label=words("hub.panel.for")),
            ],
            rows=[_entry(entry, entry.name in busy, language) for entry in offered],
        )


def register(services: Services, hub: Hub, pulls: Pulls) -> None:
    """Offer the panel."""
    services.panels.offer("hub", "hub.panel.title", HubPanel(services, hub, pulls).open)


def _name(event: PanelEvent) -> str:
    """Which model is meant."""
    name = event.args.get("name")
    if not isinstance(name, str):
        raise PanelError("error.panel.action", action=event.action)
    return name


def _words(language: str) -> Callable[..., str]:
    return lambda key, **params: translate(key, language, **params)


def _progress(pull: Pull, language: str) -> Block:
    wire = pull.progress.as_wire()
    return ProgressBlock(
        id=f"pull.{pull.name}",
        label=pull.name,
        percent=percent(wire),
        detail=describe(wire, language),
        actions=[Action(name="stop", label=translate("hub.panel.stop", language), args={"name": pull.name})],
    )


def _stopped(download: Unfinished, language: str) -> Block:
    words, name = _words(language), download.entry.name
    wire = {"done": download.done, "total": download.total}
    return ProgressBlock(
        id=f"stopped.{name}",
        label=name,
        percent=percent(wire),
        detail=describe({"phase": "stopped", **wire}, language),
        actions=[
            Action(name="resume", label=words("hub.panel.resume"), style="primary", args={"name": name}),
            Action(
                name="discard",
                label=words("hub.panel.discard"),
                style="danger",
                confirm=words("hub.panel.discard_it", name=name),
                args={"name": name},
            ),
        ],
    )


def _failure(name: str, message: str, language: str) -> list[Block]:
    words = _words(language)
    actions = [
        Action(name="again", label=words("hub.panel.again"), style="primary", args={"name": name}),
        Action(name="forget", label=words("hub.panel.forget"), args={"name": name}),
    ]
    return [
        TextBlock(id=f"failed.{name}", markdown=plain(message), level="error"),
        ActionsBlock(id=f"failed.{name}.actions", actions=actions),
    ]


def _model(model: dict[str, Any], loaded: bool, language: str) -> Row:
    words = _words(language)
    name, held = model["name"], size(model["bytes"], language)
    problem = model.get("problem")
    state = words("hub.panel.loaded" if loaded else "hub.panel.ready")
    return Row(
        id=name,
        cells={
            "name": name,
            "size": held,
            "kind": model["architecture"],
            "state": from_wire(problem).message(language) if problem else state,
        },
        actions=[
            Action(name="about", label=words("hub.panel.details"), args={"name": name}),
            Action(name="verify", label=words("hub.panel.verify"), args={"name": name}),
            Action(
                name="remove",
                label=words("hub.panel.remove"),
                style="danger",
                confirm=words("hub.confirm", name=name, size=held),
                args={"name": name},
            ),
        ],
    )


def _entry(entry: Entry, busy: bool, language: str) -> Row:
    words = _words(language)
    return Row(
        id=entry.name,
        cells={
            "name": f"{entry.name} ({entry.title})",
            "size": size(entry.size, language),
            "licence": entry.licence,
            "about": words(entry.about),
        },
        actions=[
            Action(
                name="pull",
                label=words("hub.panel.pull"),
                style="primary",
                args={"name": entry.name},
                enabled=not busy,
            ),
            Action(name="about", label=words("hub.panel.details"), args={"name": entry.name}),
        ],
    )


def _facts(known: dict[str, Any], language: str) -> TableBlock:
    words = _words(language)
    return TableBlock(
        id=_ABOUT,
        title=known["name"],
        columns=[
            Column(key="what", label=words("hub.panel.property")),
            Column(key="value", label=words("hub.panel.value")),
        ],
        rows=[
            *(
                Row(id=key, cells={"what": what, "value": value})
                for key, what, value in facts(known, language)
            ),
            Row(
                id="close",
                cells={},
                actions=[Action(name="close", label=words("hub.panel.forget"))],
            ),
        ],
    )


def _add_form(language: str) -> FormBlock:
    words = _words(language)
    fields = [
        FormField(
            name="address",
            label=words("hub.panel.address"),
            hint="https://…/model.gguf",
            required=True,
        ),
        FormField(name="name", label=words("hub.panel.called"), hint=words("hub.panel.called_hint")),
        FormField(name="sha256", label="SHA-256", hint=words("hub.panel.optional")),
    ]
    submit = Action(name="add", label=words("hub.panel.add"), style="primary")
    return FormBlock(id=_ADD, title=words("hub.panel.other"), fields=fields, submit=submit)

"""The panel ``routes``: the rules, what is wrong with them, a new one, and where a message would go."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ide_agent.errors import IdeAgentError, PanelError
from ide_agent.features.routing import drawing, edits
from ide_agent.features.routing.outcome import sentence
from ide_agent.features.routing.service import RulesFile
from ide_agent.inference.backends import runnable
from ide_agent.inference.routing.conditions import Ask, estimated_tokens
from ide_agent.inference.routing.known import suggested
from ide_agent.inference.routing.reading import Reading, read
from ide_agent.inference.routing.router import load
from ide_agent.locale import translate
from ide_agent.panels import Caution, Panel, PanelEvent

if TYPE_CHECKING:
    from ide_agent.host.services import Services

log = logging.getLogger(__name__)
_NOT_HERE = ("error.routes.model", "error.routes.model_near")
_LOOK_SECONDS = 1.0
"""How often to look at the file, and at the models: editors and the command line change them, too."""


@dataclass(frozen=True)
class _Look:
    """The file at one moment."""

    stamp: str
    reading: Reading
    models: frozenset[str]
    """All there are."""
    useful: frozenset[str]
    """Those that something here can run, and APIs."""


class RoutesPanel:
    """Fills the panel and keeps it up to date.

    Args:
        services: of the host.
        file: the rules.
    """

    def __init__(self, services: Services, file: RulesFile) -> None:
        self.services = services
        self.file = file
        self._last: _Look | None = None
        self._drawing = asyncio.Lock()
        self._asked: dict[Panel, Ask] = {}

    async def open(self, panel: Panel) -> None:
        """An opener, as `Panels.offer` takes it."""
        panel.on("up", partial(self._move, panel, -1))
        panel.on("down", partial(self._move, panel, 1))
        panel.on("enable", partial(self._switch, panel, True))
        panel.on("disable", partial(self._switch, panel, False))
        panel.on("remove", partial(self._remove, panel))
        panel.on("add", partial(self._add, panel))
        panel.on("test", partial(self._test, panel))
        panel.on("edit", partial(self._edit, panel))
        panel.on("models", partial(self._open_models, panel))
        panel.on_close(lambda: self._asked.pop(panel, None))
        await self._draw(panel)
        panel.spawn(self._keep(panel))

    # -- what its buttons do

    async def _move(self, panel: Panel, by: int, event: PanelEvent) -> None:
        name = _text(event, "name")
        await self._change(panel, event, lambda text: edits.moved(text, name, by))

    async def _switch(self, panel: Panel, on: bool, event: PanelEvent) -> str | None:
        name = _text(event, "name")
        await self._change(panel, event, lambda text: edits.switched(text, name, on))
        return await self._cautions(panel, name) if on else None

    async def _remove(self, panel: Panel, event: PanelEvent) -> None:
        name = _text(event, "name")
        await self._change(panel, event, lambda text: edits.removed(text, name))

    async def _add(self, panel: Panel, event: PanelEvent) -> str | None:
        rule = _rule(event.values)
        await self._change(panel, event, lambda text: edits.added(text, rule))
        return await self._cautions(panel, rule["name"])

    async def _cautions(self, panel: Panel, name: str) -> Caution | None:
        """That something is wrong with the models of the rule called `name`: what, stands far above."""
        look = await asyncio.to_thread(self._look)
        rules = look.reading.routes.rules if look.reading.routes else ()
        wanted = {model for rule in rules if rule.name == name for model in (rule.model, *rule.fallbacks)}
        found = [each for each in look.reading.problems if each.params.get("model") in wanted]
        if not found:
            return None
        line = found[0].at.line + 1  # what is wrong stands above the rules already, as long as it is
        return Caution(translate("routes.panel.caution", panel.language, name=name, line=line))

    async def _change(self, panel: Panel, event: PanelEvent, edit: edits.Edit) -> None:
        try:
            await asyncio.to_thread(self.file.change, _text(event, "stamp"), edit)
        finally:  # where it was refused, the panel shows why
            await self._draw(panel)

    async def _test(self, panel: Panel, event: PanelEvent) -> None:
        values = event.values
        message = str(values.get("message", ""))
        ask = Ask(
            task=str(values.get("task") or "chat"),
            language=str(values.get("language", "")).strip(),
            path=str(values.get("path", "")).strip(),
            message=message,
            prompt_tokens=estimated_tokens(message),
            private=values.get("private") is True,
        )
        await asyncio.to_thread(self.services.routing.refresh)
        self._asked[panel] = ask
        self._judge(panel, ask)

    async def _edit(self, panel: Panel, event: PanelEvent) -> str:
        """Editors then open the file; where there is none, this is what to say."""
        await asyncio.to_thread(self.file.begin, translate("routes.panel.begun", panel.language))
        await self._draw(panel)  # the next press is meant for what was begun
        return translate("routes.panel.edit_it", panel.language, file=str(self.file.path))

    async def _open_models(self, panel: Panel, event: PanelEvent) -> str:
        """Editors then open the panel of models; where there is none, this is what to say."""
        return translate("routes.panel.models_at", panel.language)

    # -- what it shows

    def _judge(self, panel: Panel, ask: Ask) -> None:
        routing, remotes = self.services.routing, self.services.remotes
        endpoints, network = remotes.settings.endpoints, self.services.network
        said = sentence(routing.decide(ask), ask.task, endpoints, routing.known, network, panel.language)
        panel.set(drawing.verdict(said, ask.message), before=drawing.ADD)

    async def _keep(self, panel: Panel) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self._draw(panel)
            except Exception as failure:  # of a disk, perhaps; the next look may be luckier
                log.warning("the panel of rules could not be drawn: %s", type(failure).__name__)

    async def _draw(self, panel: Panel) -> None:
        async with self._drawing:  # an older look must not cover a newer one
            self._show(panel, await asyncio.to_thread(self._look))

    def _show(self, panel: Panel, look: _Look) -> None:
        found, broken = look.reading.problems, look.reading.broken
        rules = (look.reading.routes or self.services.routing.routes).rules
        with panel.together():
            panel.set(drawing.about(str(self.file.path), panel.language))
            panel.set(drawing.edit(self.file.path.name, panel.language))
            panel.set(drawing.table(rules, look.stamp, not broken, panel.language))
            if found:
                panel.set(drawing.problems(found, broken, panel.language), before=drawing.RULES)
            else:
                panel.remove(drawing.PROBLEMS)
            if any(each.key in _NOT_HERE for each in found):
                panel.set(drawing.models(panel.language), before=drawing.RULES)
            else:
                panel.remove(drawing.MODELS)
            panel.set(drawing.test_form(panel.language))
            if panel in self._asked:  # rules change, and so do models and settings
                self._judge(panel, self._asked[panel])
            panel.set(drawing.add_form(self._models(look.useful), look.stamp, panel.language))

    def _models(self, known: frozenset[str]) -> frozenset[str]:
        """The names that a rule may well want: those here, and what the settings say of each API."""
        endpoints = self.services.remotes.settings.endpoints
        there = {f"{name}/{model}" for name, each in endpoints.items() for model in each.models}
        bare = {f"{name}/" for name, each in endpoints.items() if each.models}
        return (known | there) - bare

    def _look(self) -> _Look:
        routing = self.services.routing
        routing.refresh()
        known = routing.known or ()
        models = frozenset(known)
        useful = suggested(known, runnable(self.services.settings.inference))
        try:
            text, stamp = self.file.load()
        except IdeAgentError:  # which `load` says, too
            return _Look("", load(self.file.path, known), models, useful)
        last = self._last
        if last is None or (last.stamp, last.models, last.useful) != (stamp, models, useful):
            last = self._last = _Look(stamp, read(text, known), models, useful)
        return last


def register(services: Services) -> None:
    """Offer the panel."""
    services.panels.offer(
        "routes", "routes.panel.title", RoutesPanel(services, RulesFile(services.routing.file)).open
    )


def _text(event: PanelEvent, name: str) -> str:
    given = event.args.get(name)
    if not isinstance(given, str):
        raise PanelError("error.panel.action", action=event.action)
    return given


def _rule(values: dict[str, Any]) -> dict[str, Any]:
    """The rule that a form describes, as it is written in the file."""

    def text(name: str) -> str:
        return str(values.get(name) or "").strip()

    def texts(name: str) -> list[str] | str:
        found = [each for part in text(name).split(",") if (each := part.strip())]
        return found[0] if len(found) == 1 else found

    when = {name: value for name in ("language", "path") if (value := texts(name))}
    when |= {name: value for name in ("task", "message") if (value := text(name))}
    if values.get("private") is True:
        when["privacy"] = "private"
    fallbacks = texts("fallbacks")
    most = values.get("max_tokens")
    return {
        "name": text("name"),
        **({"when": when} if when else {}),
        "model": text("model"),
        **({"fallbacks": [fallbacks] if isinstance(fallbacks, str) else fallbacks} if fallbacks else {}),
        **({"limits": {"max_tokens": int(most)}} if isinstance(most, int | float) and most else {}),
    }

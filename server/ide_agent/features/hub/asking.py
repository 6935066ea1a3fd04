"""A question to a model, asked in its panel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from ide_agent.errors import IdeAgentError, ModelNotFound, PanelError
from ide_agent.features.hub import forms, offers
from ide_agent.features.hub.answers import Question, answer
from ide_agent.features.hub.asked import preferred, writers
from ide_agent.features.hub.listing import described
from ide_agent.locale import translate
from ide_agent.panels import Panel, PanelEvent
from ide_agent.panels.blocks import Action, ActionsBlock, Block, ProgressBlock, TextBlock, plain

if TYPE_CHECKING:
    from ide_agent.features.hub.service import Hub
    from ide_agent.host.services import Services

log = logging.getLogger(__name__)
ANSWERING, ANSWER, PROBLEM, DONE = "answering", "answer", "unanswered", "answered"
_LONGEST = 512
"""Tokens of an answer. Small models do not always find an end."""
_SHOWN = 200
"""Characters of the question that stand above its answer."""


class Asking:
    """The question form, and the answer to it: one at a time in each panel."""

    def __init__(self, services: Services, hub: Hub) -> None:
        self._services = services
        self._hub = hub
        self._running: dict[Panel, asyncio.Task[None]] = {}
        self._turns: dict[Panel, asyncio.Lock] = {}

    def open(self, panel: Panel) -> None:
        """Say what its buttons do."""
        panel.on("ask", partial(self._ask, panel))
        panel.on("hush", partial(self._hush, panel))
        panel.on("answered", partial(self._dismiss, panel))
        panel.on_close(partial(self._leave, panel))

    def draw(self, panel: Panel, models: Sequence[Mapping[str, Any]], default: str, latest: str) -> None:
        """Show the form, where there is somebody to ask.

        Args:
            panel: has a block `offers.THERE`, before which it stands.
            models: those that are here, as `listing.described` tells.
            default: see `preferred`.
            latest: see `preferred`.
        """
        names = writers(models)
        if not names:
            panel.remove(forms.ASK)
            return
        at = next((id for id in (ANSWERING, ANSWER, PROBLEM, DONE) if panel.has(id)), offers.THERE)
        panel.set(forms.ask_form(names, preferred(models, default, latest), panel.language), before=at)

    async def _ask(self, panel: Panel, event: PanelEvent) -> None:
        model, question = (str(event.values.get(key, "")).strip() for key in ("model", "question"))
        if not (model and question):
            raise PanelError("error.panel.action", action=event.action)
        if model not in await asyncio.to_thread(self._writers):
            raise ModelNotFound(name=model)
        shown = question if len(question) <= _SHOWN else f"{question[:_SHOWN]}…"
        heading = f"**{plain(model)}** · {plain(' '.join(shown.split()))}\n\n"
        async with self._turn(panel):
            await self._end(panel)
            with panel.together():
                self._clear(panel)
                panel.set(
                    _answering(model, "hub.ask.loading", panel.language),
                    TextBlock(id=ANSWER, markdown=heading),
                    before=offers.THERE,
                )
            self._running[panel] = panel.spawn(self._answer(panel, model, question))

    def _writers(self) -> list[str]:
        settings = self._services.settings.inference
        return writers(described(each, settings) for each in self._hub.list())

    def _turn(self, panel: Panel) -> asyncio.Lock:
        """For who begins or ends an answer: several may look at a panel, and press at once."""
        return self._turns.setdefault(panel, asyncio.Lock())

    async def _answer(self, panel: Panel, model: str, question: str) -> None:
        silent, problem = True, ""
        try:
            asked = Question(text=question, model=model, max_tokens=_LONGEST)
            async with aclosing(answer(self._services, self._hub, asked)) as events:
                async for event in events:
                    if event["type"] == "thinking":
                        panel.set(_answering(model, "hub.ask.thinking", panel.language))
                    elif event["type"] == "text":
                        silent = False
                        panel.set(_answering(model, "", panel.language))
                        panel.append(ANSWER, event["text"])
                    elif event.get("finish_reason") == "length":
                        panel.append(ANSWER, " …")
            if silent:
                panel.append(ANSWER, plain(translate("hub.ask.nothing", panel.language)))
        except Exception as failure:
            error = failure if isinstance(failure, IdeAgentError) else IdeAgentError()
            if error is not failure:
                log.error("a question in a panel failed: %s", type(failure).__name__)
            problem = error.message(panel.language)
        finally:
            self._finish(panel, problem)

    def _finish(self, panel: Panel, problem: str = "") -> None:
        blocks: list[Block] = [_done(panel.language)]
        if problem:
            blocks.insert(0, TextBlock(id=PROBLEM, markdown=plain(problem), level="error"))
        with panel.together():
            panel.remove(ANSWERING)
            panel.set(*blocks, before=offers.THERE)

    async def _hush(self, panel: Panel, event: PanelEvent) -> None:
        async with self._turn(panel):
            await self._end(panel)

    async def _dismiss(self, panel: Panel, event: PanelEvent) -> None:
        async with self._turn(panel):
            await self._end(panel)
            with panel.together():
                self._clear(panel)

    async def _end(self, panel: Panel) -> None:
        task = self._running.get(panel)
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])  # who leaves meanwhile leaves it to the next one
        self._running.pop(panel)
        if panel.has(ANSWERING):  # it was ended before it began
            self._finish(panel)

    def _leave(self, panel: Panel) -> None:
        self._running.pop(panel, None)
        self._turns.pop(panel, None)

    def _clear(self, panel: Panel) -> None:
        for id in (ANSWERING, ANSWER, PROBLEM, DONE):
            panel.remove(id)


def _answering(model: str, detail: str, language: str) -> ProgressBlock:
    return ProgressBlock(
        id=ANSWERING,
        label=translate("hub.ask.answering", language, model=model),
        detail=translate(detail, language) if detail else "",
        actions=[Action(name="hush", label=translate("hub.panel.stop", language))],
    )


def _done(language: str) -> ActionsBlock:
    return ActionsBlock(
        id=DONE, actions=[Action(name="answered", label=translate("hub.panel.forget", language))]
    )

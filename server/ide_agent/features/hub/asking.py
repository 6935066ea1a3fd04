"""A question to a model, asked in its panel: it goes the way that requests of other programs go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack, aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from ide_agent.errors import IdeAgentError, PanelError
from ide_agent.features.hub import forms
from ide_agent.host.routing import route_openai
from ide_agent.locale import translate
from ide_agent.panels import Panel, PanelEvent
from ide_agent.panels.blocks import Action, ActionsBlock, Block, ProgressBlock, TextBlock, plain

if TYPE_CHECKING:
    from ide_agent.host.services import Services
    from ide_agent.inference.model import Model

log = logging.getLogger(__name__)
ANSWERING, ANSWER, PROBLEM, DONE = "answering", "answer", "unanswered", "answered"
_PATH = "/v1/chat/completions"
_LONGEST = 512
"""Tokens of an answer. Small models do not always find an end."""
_SHOWN = 200
"""Characters of the question that stand above its answer."""
_WRITING = ("text", "image", "multi")


def writers(models: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of those models of `listing.described` that write text and can run here."""
    return [
        each["name"]
        for each in models
        if each["kind"] in _WRITING and each["engine"] and not each.get("problem")
    ]


async def answer(services: Services, name: str, question: str) -> AsyncGenerator[str]:
    """What the model called `name` says to `question`, piece by piece.

    Raises:
        IdeAgentError: it cannot be asked, or broke off.
    """
    payload: dict[str, Any] = {
        "model": name,
        "messages": [{"role": "user", "content": question}],
        "max_tokens": _LONGEST,
        "stream": True,
    }
    route = await route_openai(services, _PATH, payload)
    async with AsyncExitStack() as stack:

        async def had(chosen: str) -> Model:
            if route.allowance is not None:
                await services.remotes.allow(chosen, route.allowance)
            return await stack.enter_async_context(services.inference.model(chosen, private=route.private))

        model = await route.first(had)
        async with model.turn("api"), aclosing(model.stream(_PATH, payload)) as chunks:
            async for chunk in chunks:
                for choice in chunk.get("choices") or []:
                    if piece := (choice.get("delta") or {}).get("content"):
                        yield piece
                    if choice.get("finish_reason") == "length":
                        yield " …"


class Asking:
    """The question form, and the answer to it: one at a time in each panel."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._running: dict[str, asyncio.Task[None]] = {}

    def open(self, panel: Panel) -> None:
        """Say what its buttons do."""
        panel.on("ask", partial(self._ask, panel))
        panel.on("hush", partial(self._hush, panel))
        panel.on("answered", partial(self._dismiss, panel))

    def draw(self, panel: Panel, models: Iterable[Mapping[str, Any]], running: Iterable[str]) -> None:
        """Show the form, where there is somebody to ask.

        Args:
            panel: has a block `forms.FILTER`, before which it stands.
            models: those that are here, as `listing.described` tells.
            running: names of those in memory, which answer soonest.
        """
        names = writers(models)
        if not names:
            panel.remove(forms.ASK)
            return
        soonest = next((name for name in running if name in names), names[0])
        at = next((id for id in (ANSWERING, ANSWER, PROBLEM, DONE) if panel.has(id)), forms.FILTER)
        panel.set(forms.ask_form(names, soonest, panel.language), before=at)

    async def _ask(self, panel: Panel, event: PanelEvent) -> None:
        model, question = (str(event.values.get(key, "")).strip() for key in ("model", "question"))
        if not (model and question):
            raise PanelError("error.panel.action", action=event.action)
        await self._end(panel)
        shown = question if len(question) <= _SHOWN else f"{question[:_SHOWN]}…"
        heading = f"**{plain(model)}** · {plain(' '.join(shown.split()))}\n\n"
        with panel.together():
            self._clear(panel)
            panel.set(
                _answering(model, panel.language),
                TextBlock(id=ANSWER, markdown=heading),
                before=forms.FILTER,
            )
        self._running[panel.id] = panel.spawn(self._answer(panel, model, question))

    async def _answer(self, panel: Panel, model: str, question: str) -> None:
        silent, problem = True, ""
        try:
            async with aclosing(answer(self._services, model, question)) as pieces:
                async for piece in pieces:
                    silent = False
                    panel.append(ANSWER, piece)
            if silent:
                panel.append(ANSWER, plain(translate("hub.ask.nothing", panel.language)))
        except Exception as failure:
            error = failure if isinstance(failure, IdeAgentError) else IdeAgentError()
            if error is not failure:
                log.error("a question in a panel failed: %s", type(failure).__name__)
            problem = error.message(panel.language)
        finally:
            with panel.together():
                panel.remove(ANSWERING)
                blocks: list[Block] = [_done(panel.language)]
                if problem:
                    blocks.insert(0, TextBlock(id=PROBLEM, markdown=plain(problem), level="error"))
                panel.set(*blocks, before=forms.FILTER)

    async def _hush(self, panel: Panel, event: PanelEvent) -> None:
        await self._end(panel)

    async def _dismiss(self, panel: Panel, event: PanelEvent) -> None:
        await self._end(panel)
        with panel.together():
            self._clear(panel)

    async def _end(self, panel: Panel) -> None:
        task = self._running.pop(panel.id, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def _clear(self, panel: Panel) -> None:
        for id in (ANSWERING, ANSWER, PROBLEM, DONE):
            panel.remove(id)


def _answering(model: str, language: str) -> ProgressBlock:
    return ProgressBlock(
        id=ANSWERING,
        label=translate("hub.ask.answering", language, model=model),
        detail=translate("hub.ask.loading", language),
        actions=[Action(name="hush", label=translate("hub.panel.stop", language))],
    )


def _done(language: str) -> ActionsBlock:
    return ActionsBlock(
        id=DONE, actions=[Action(name="answered", label=translate("hub.panel.forget", language))]
    )

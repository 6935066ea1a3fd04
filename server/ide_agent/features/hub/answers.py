"""A question to a model, and its answer as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ide_agent.errors import IdeAgentError, ModelError, ModelNotFound, RemoteError
from ide_agent.features.hub.asked import preferred
from ide_agent.features.hub.calling import not_yet, pulled_first
from ide_agent.features.hub.defaults import defaults
from ide_agent.features.hub.listing import described
from ide_agent.features.hub.thoughts import Thoughts
from ide_agent.host.routing import Route, route
from ide_agent.inference.kinds import check_purpose, kind_of
from ide_agent.inference.routing.conditions import Ask, estimated_tokens

if TYPE_CHECKING:
    from ide_agent.features.hub.service import Hub
    from ide_agent.host.services import Services
    from ide_agent.inference.model import Model

_LONGEST = 1 << 22
_ASKED, _ANSWERED = "Question:", "Answer:"
_ENDS = (f"\n{_ASKED}", "\nQ:", f"\n{_ANSWERED}")
_STEADY = {"temperature": 0.2, "repeat_penalty": 1.2}
"""Of a base model, which else says the same again and again."""


class Question(BaseModel):
    """Body of ``POST /models/ask``.

    Attributes:
        text: the question.
        model: who is to answer; empty: the routing rules say, as in a chat, and where none fits `preferred`.
        system: what the model is told beforehand.
        max_tokens: longest answer.
        privacy: ``private``: no model of another machine may answer.
    """

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=_LONGEST)
    model: str = Field("", max_length=1000)
    system: str = Field("", max_length=_LONGEST)
    max_tokens: int = Field(1024, ge=1)
    privacy: Literal["", "private"] = ""


async def answer(
    services: Services, hub: Hub, question: Question, latest: str = ""
) -> AsyncGenerator[dict[str, Any]]:
    """The answer: ``start`` with the model's name (and ``rule``, ``file`` and ``line`` where one chose it),
    ``thinking`` where it thinks first, ``text`` in pieces, ``done`` with the finish reason.

    Closing the generator stops the model.

    Args:
        services: of the host.
        hub: where its models are.
        question: to answer.
        latest: the model that was activated last, see `preferred`.

    Raises:
        IdeAgentError: no model can be had, or the one that was named writes no text.
    """
    tokens = estimated_tokens(question.system, question.text)
    private = question.privacy == "private"
    asked = Ask(task="chat", message=question.text, prompt_tokens=tokens, private=private)
    found = await route(services, asked, question.model)
    if found.decision is None and not services.remotes.owner(question.model):
        with pulled_first(hub, question.model):
            await asyncio.to_thread(services.models.find, question.model)
    if found.decision is not None and not found.decision.rule:
        name = await asyncio.to_thread(_preferred, services, hub, latest)
        found = replace(found, models=(name,))

    async def begin(name: str) -> tuple[dict[str, Any], AsyncGenerator[dict[str, Any]]]:
        events = _answered(services, found, name, question)
        return await anext(events), events

    where = found.decision.where if found.decision is not None else {}
    try:
        first, events = await found.first(begin)
    except (ModelError, RemoteError) as failure:
        raise _led(failure, found, hub) if where else failure from None
    async with aclosing(events):
        yield first | where
        async for event in events:
            yield event


async def _answered(
    services: Services, found: Route, name: str, question: Question
) -> AsyncGenerator[dict[str, Any]]:
    """As `answer`, of one model. It says nothing before that does: until then another one may."""
    if found.allowance is not None:
        await services.remotes.allow(name, found.allowance)
    if not services.remotes.owner(name):
        await asyncio.to_thread(_refuse_mute, services, name)
    started, reason = False, "stop"
    async with (
        services.inference.model(name, private=found.private, asked="/chat/completions") as model,
        model.turn("api"),
    ):
        thoughts = Thoughts(begun=model.chats and model.opens_thought)
        path, payload = _request(model, question)
        payload |= {"max_tokens": found.limit(question.max_tokens), "stream": True}
        async with aclosing(model.stream(path, payload)) as chunks:
            async for chunk in chunks:
                if not started:
                    yield {"type": "start", "model": model.name}
                    started = True
                for choice in chunk.get("choices") or ():
                    before, said = thoughts.seen, thoughts.answer_in(choice)
                    reason = choice.get("finish_reason") or reason
                    if thoughts.seen and not before:
                        yield {"type": "thinking"}
                    if said:
                        yield {"type": "text", "text": said}
    if not started:
        yield {"type": "start", "model": model.name}
    if said := thoughts.rest(cut=reason == "length"):
        yield {"type": "text", "text": said}
    yield {"type": "done", "finish_reason": reason}


def _preferred(services: Services, hub: Hub, latest: str) -> str:
    """Who answers where nobody and no rule says; empty: whom a setting names."""
    settings = services.settings.inference
    if settings.model:
        return ""
    models = [described(each, settings) for each in hub.list()]
    return preferred(models, defaults(hub.folder, settings).get("text", ""), latest)


def _led(failure: ModelError | RemoteError, found: Route, hub: Hub) -> IdeAgentError:
    """`failure` of the model that a rule chose; says which rule that was, where it stands and what to do."""
    decision = found.decision
    if decision is None or "rule" in failure.params:
        return failure
    why: IdeAgentError = failure
    if isinstance(failure, ModelNotFound):
        why = not_yet(decision.model, [entry.name for entry in hub.catalogue()]) or failure
    reason = {"code": why.key_used, "params": why.params}
    model = decision.model or {"code": "routes.default"}
    return type(failure)("error.routes.led", **decision.where, model=model, reason=reason)


def _refuse_mute(services: Services, name: str) -> None:
    """Refuse a model of this machine that writes no text, before another one goes for it.

    Raises:
        ModelError: it is for something else.
        ModelNotFound: there is none.
    """
    model = services.models.find(name)
    check_purpose(model, "text")
    if kind_of(model) == "embedding":
        raise ModelError("error.model.for_vectors", name=model.name)


def _request(model: Model, question: Question) -> tuple[str, dict[str, Any]]:
    """Route and body. A base model, which knows no chat, gets a text that goes on with an answer."""
    if not model.chats:
        before = f"{question.system}\n\n" if question.system else ""
        prompt = f"{before}{_ASKED} {question.text}\n{_ANSWERED}"
        return "/v1/completions", {"prompt": prompt, "stop": list(_ENDS), **_STEADY}
    messages = [{"role": "system", "content": question.system}] if question.system else []
    payload: dict[str, Any] = {"messages": [*messages, {"role": "user", "content": question.text}]}
    if model.dialect == "llama":  # short answers are wanted, and thoughts count as tokens of them
        payload["chat_template_kwargs"] = {"enable_thinking": False}
    return "/v1/chat/completions", payload

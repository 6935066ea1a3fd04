"""The host's completion routes: plan the prompt, stream the engine's answer, record what became of it."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from ide_agent.errors import ModelNotFound, RemoteRefused, RemoteUnavailable
from ide_agent.host.routing import Route
from ide_agent.host.routing import route as route_to
from ide_agent.host.sse import EventStream, until_gone
from ide_agent.inference.remote.model import RemoteModel
from ide_agent.inference.routing.conditions import Ask, estimated_tokens

from . import templates
from .dialects.asker import Asker, Piece, Start
from .dialects.ways import Asked
from .leaving import fit_to_leave, without_secrets
from .policy import Policy
from .prompt import Plan, PromptPlanner
from .wire import CompletionEvents, CompletionRequest, Priority

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from ide_agent.config import CompletionSettings
    from ide_agent.host.services import Services
    from ide_agent.inference import Engine
    from ide_agent.inference.model import Model

# Greedy: a suggestion must not change between two keystrokes that agree with it.
_SAMPLING: dict[str, object] = {"temperature": 0.0, "cache_prompt": True, "interactive": True}
# Others by chance, the later the bolder: a model that is sure of itself says the same thing again and again.
_OTHERS: dict[str, object] = {"top_p": 0.95, "cache_prompt": True, "interactive": True}
_WARM, _WARMER = 0.8, 0.05
_SKIPPED = {"type": "done", "finish_reason": "skipped", "timings": {}}
"""The model was not asked: this says nothing of what it would answer."""
_COLD = {"prompt_tokens": 0, "cached_tokens": 0}
_SPARE = 8
_QUEUE = "error.remote.queue"
_NO_MODEL = "error.model.none"
T = TypeVar("T")
_MOMENT = 3
"""Seconds after which the user's next pause may find the model free."""


def register(services: Services) -> None:
    """Add the routes to the host's app."""
    asker, policies = Asker(), _Policies(lambda: services.completion())
    planners: weakref.WeakKeyDictionary[Engine, PromptPlanner] = weakref.WeakKeyDictionary()
    making = asyncio.Lock()

    async def planner(engine: Engine) -> PromptPlanner:
        async with making:  # a second one would not know where the first let its windows start
            found = planners.get(engine)
            if found is None:
                found = planners[engine] = await _new_planner(engine)
            return found

    async def plan_for(body: CompletionRequest, route: Route, engine: Engine) -> Plan:
        body = body.model_copy(update={"max_tokens": route.limit(body.max_tokens)})
        context = services.settings.inference.context_tokens
        body = _within(body, min(context, engine.model.header.context_length or context))
        return await (await planner(engine)).plan(body)

    @asynccontextmanager
    async def had(name: str, route: Route, priority: Priority) -> AsyncGenerator[Model]:
        """The model called `name`, held for the time of the block."""
        if services.remotes.owner(name) and _setting(services, name) == "off":
            raise RemoteRefused("error.remote.no_ghost_text", endpoint=services.remotes.owner(name))
        if route.allowance is not None:
            await services.remotes.allow(name, route.allowance)
        wanted = services.inference.model(name, private=route.private, priority=priority, asked="/completion")
        async with wanted as model:
            yield model

    @services.app.post("/completion")
    async def completion(body: CompletionRequest) -> EventStream:
        return EventStream(_complete(body))

    async def _complete(body: CompletionRequest) -> AsyncGenerator[dict[str, Any]]:
        route = _without_passed_over(services, await route_to(services, _asked(body), body.model))

        async def begin(name: str) -> tuple[dict[str, Any], AsyncGenerator[dict[str, Any]]]:
            events = _answered(name, body, route)
            return await anext(events), events

        (first, events), instead = await _first(route, begin)
        async with aclosing(events):
            yield first | instead
            async for event in events:
                yield event

    async def _answered(name: str, body: CompletionRequest, route: Route) -> AsyncGenerator[dict[str, Any]]:
        async with had(name, route, body.priority) as model:
            answer = _of_engine if model.dialect == "llama" else _of_other
            async with aclosing(answer(model, body, route)) as events:
                async for event in events:
                    yield event

    async def _of_engine(
        model: Model, body: CompletionRequest, route: Route
    ) -> AsyncGenerator[dict[str, Any]]:
        engine = cast("Engine", model)
        plan = await plan_for(body, route, engine)
        async with engine.turn(body.priority):
            yield _start(engine, fim=plan.fim, tokens=plan.tokens)
            if not plan.parts:
                yield {"type": "done", "finish_reason": "stop", "timings": {}}
                return
            payload = {
                **_sampling(body.alternative),
                **plan.healing.payload(body.stop, route.limit(body.max_tokens)),
                "prompt": plan.parts,
                "stream": True,
            }
            pieces = _pieces(plan, body.stop, engine.stream("/completion", payload))
            async with aclosing(_told(body, pieces)) as events:
                async for event in events:
                    yield event

    async def _of_other(
        model: Model, body: CompletionRequest, route: Route
    ) -> AsyncGenerator[dict[str, Any]]:
        shown: Callable[[str], str] = str
        if not isinstance(model, RemoteModel):
            body = _within(body, services.settings.inference.context_tokens)
        elif not model.endpoint.local:
            body = fit_to_leave(body, policies.now())
            hidden: CompletionRequest | None = None
            if body.priority != "background":
                placeholders = model.placeholders()
                hidden = body
                if placeholders is not None:
                    hidden = await asyncio.to_thread(without_secrets, body, placeholders)
                    model, shown = model.with_placeholders(placeholders), placeholders.shown
            if hidden is None:
                yield _start(model, fim=False, tokens=0)
                yield _SKIPPED
                return
            body = hidden
        async with aclosing(asker.ask(model, _known_of(model), body, route.limit, shown)) as pieces:
            try:
                begun = await anext(pieces)
            except RemoteUnavailable as failure:
                if failure.key_used != _QUEUE or failure.params["seconds"] > _MOMENT:
                    raise
                yield _start(model, fim=False, tokens=0)  # late it would be of no use
                yield _SKIPPED
                return
            assert isinstance(begun, Start)
            yield _start(model, fim=begun.fim, tokens=begun.tokens)
            async with aclosing(_told(body, pieces)) as events:
                async for event in events:
                    yield event

    @services.app.post("/completion/warm")
    async def warm(request: Request, body: CompletionRequest) -> Response:
        return JSONResponse(await until_gone(request, _warm(body)))

    async def _warm(body: CompletionRequest) -> dict[str, int]:
        route = _without_passed_over(services, await route_to(services, _asked(body), body.model))
        async with AsyncExitStack() as stack:
            model, _ = await _first(
                route, lambda name: stack.enter_async_context(had(name, route, "background"))
            )
            return await _read(cast("Engine", model), body, route) if model.dialect == "llama" else _COLD

    async def _read(engine: Engine, body: CompletionRequest, route: Route) -> dict[str, int]:
        timings: dict[str, Any] = {}
        plan = await plan_for(body, route, engine)
        async with engine.turn("background"):
            if plan.parts:
                payload = {**_SAMPLING, "prompt": plan.parts, "n_predict": 0, "stream": True}
                async with aclosing(engine.stream("/completion", payload)) as chunks:
                    async for chunk in chunks:
                        timings = chunk.get("timings") or timings
        return {
            "prompt_tokens": timings.get("prompt_n", 0) + timings.get("cache_n", 0),
            "cached_tokens": timings.get("cache_n", 0),
        }

    @services.app.post("/completion/events")
    async def events(body: CompletionEvents) -> dict[str, int]:
        def write(session: Session) -> None:
            from .records import row  # here, in the database's thread: SQLAlchemy takes its time

            session.add_all([row(event) for event in body.events])

        await services.database.run(write)
        return {"recorded": len(body.events)}


class _Policies:
    """What is private by the user's settings as they are now."""

    def __init__(self, settings: Callable[[], CompletionSettings]) -> None:
        self._settings = settings
        self._known: tuple[CompletionSettings, Policy] | None = None

    def now(self) -> Policy:
        """The policy.

        Raises:
            ConfigError: which files are private is not certain.
        """
        settings = self._settings()
        if self._known is None or self._known[0] != settings:
            self._known = (settings, Policy(settings))
        for problem in self._known[1].problems:
            if problem.params["key"] == "completion.private_globs":
                raise problem
        return self._known[1]


def _without_passed_over(services: Services, route: Route) -> Route:
    """Without the models of endpoints that are off for ghost text; if need be the default model answers."""
    if route.decision is None:
        return route
    models = tuple(name for name in route.models if _setting(services, name) != "off")
    return replace(route, models=models or ("",))


async def _first(route: Route, ask: Callable[[str], Awaitable[T]]) -> tuple[T, dict[str, Any]]:
    """As `Route.first`, but where no model of a rule can be had for want of it, the default model stands in.

    That is on this machine, so nothing leaves by it. Not where only an adapter is missing: to get the model
    would not help. Also returns what the start of the answer says of it.
    """
    try:
        return await route.first(ask), {}
    except ModelNotFound as failure:
        decision = route.decision
        if decision is None or "" in route.models or failure.key_used == _NO_MODEL:
            raise
        if decision.adapter and route.models[0] == decision.model:
            raise
        answer = await ask("")
    why = ModelNotFound("error.routes.stand_in", rule=decision.rule, model=route.models[0])
    return answer, {"notice": why.as_wire()}


def _setting(services: Services, name: str) -> str:
    """How the settings want a model to be asked."""
    owner = services.remotes.owner(name)
    return services.remotes.settings.endpoints[owner].completion if owner else "auto"


def _is_local(model: Model) -> bool:
    """Whether it is on this machine."""
    return not isinstance(model, RemoteModel) or model.endpoint.local


def _known_of(model: Model) -> Asked:
    """A model as far as the way to ask it depends on it."""
    if not isinstance(model, RemoteModel):
        return Asked(model.name)
    settings = model.endpoint.settings
    setting = "auto" if settings.completion == "off" else settings.completion
    return Asked(model.id, settings.url, setting, model.endpoint)


def _within(body: CompletionRequest, context: int) -> CompletionRequest:
    """`body` with a prompt that leaves room for the answer in a context of so many tokens."""
    room = max(1, context - body.max_tokens - _SPARE)
    return body.model_copy(update={"prompt_tokens": min(body.prompt_tokens, room)})


def _start(model: Model, *, fim: bool, tokens: int) -> dict[str, Any]:
    return {
        "type": "start",
        "model": model.name,
        "engine": model.backend,
        "local": _is_local(model),
        "fim": fim,
        "prompt_tokens": tokens,
    }


def _asked(body: CompletionRequest) -> Ask:
    """What routing rules look at."""
    return Ask(
        task="completion",
        language=body.language,
        path=body.path,
        prompt_tokens=min(body.prompt_tokens, estimated_tokens(body.prefix, body.suffix)),
        place=_place(body.document),
    )


def _place(uri: str) -> str:
    """Where a document is; empty where that is no place on a disk."""
    try:
        address = urlsplit(uri)
    except ValueError:  # brackets that are not closed
        return ""
    return url2pathname(address.path) if address.scheme == "file" else ""


def _sampling(alternative: int) -> dict[str, object]:
    if not alternative:
        return _SAMPLING
    return {**_OTHERS, "temperature": _WARM + _WARMER * alternative, "seed": alternative}


async def _new_planner(engine: Engine) -> PromptPlanner:
    from ide_agent.inference import GgufHeader, special_texts

    header = engine.model.header
    known = templates.choose(f"{engine.model.file.name} {header.name}", header.fim)
    special = await asyncio.to_thread(special_texts, header) if isinstance(header, GgufHeader) else []
    return PromptPlanner(await templates.resolve(known, engine.tokenize), engine.tokenize, special)


async def _pieces(
    plan: Plan, stop: list[str], chunks: AsyncGenerator[dict[str, Any]]
) -> AsyncGenerator[Piece]:
    """What is new to the caller in what an engine says."""
    async with aclosing(chunks):
        async for chunk in chunks:
            text, ended = plan.healing.take(chunk.get("content") or "", stop)
            reason = _reason(chunk) if ended or chunk.get("stop") else ""
            yield Piece(text, reason, chunk.get("timings", {}))
            if reason:
                return


async def _told(
    body: CompletionRequest, pieces: AsyncGenerator[Piece | Start]
) -> AsyncGenerator[dict[str, Any]]:
    """What the caller is told of the answer."""
    held, sent = "", time.monotonic()
    said, first_line = False, body.hold_ms > 0
    async with aclosing(pieces):
        async for piece in pieces:
            assert isinstance(piece, Piece)
            held += piece.text
            now = time.monotonic()
            first_line = first_line and "\n" not in (held if said else held.lstrip())
            said = said or bool(held.strip())
            if held and (piece.reason or not first_line or now - sent >= body.hold_ms / 1000):
                yield {"type": "text", "text": held}
                held, sent = "", now
            if piece.reason:
                yield {"type": "done", "finish_reason": piece.reason, "timings": piece.timings}
                return


def _reason(chunk: dict[str, Any]) -> str:
    return "length" if chunk.get("stop_type") == "limit" or chunk.get("stopped_limit") else "stop"

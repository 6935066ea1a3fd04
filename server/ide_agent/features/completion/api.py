"""The host's completion routes: plan the prompt, stream the engine's answer, record what became of it."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from ide_agent.host.routing import Route
from ide_agent.host.routing import route as route_to
from ide_agent.host.sse import EventStream, until_gone
from ide_agent.inference.routing.conditions import Ask, estimated_tokens

from . import templates
from .prompt import Plan, PromptPlanner
from .wire import CompletionEvents, CompletionRequest, Priority

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from ide_agent.host.services import Services
    from ide_agent.inference import Engine

# Greedy: a suggestion must not change between two keystrokes that agree with it.
_SAMPLING: dict[str, object] = {"temperature": 0.0, "cache_prompt": True}
# Others by chance, the later the bolder: a model that is sure of itself says the same thing again and again.
_OTHERS: dict[str, object] = {"top_p": 0.95, "cache_prompt": True}
_WARM, _WARMER = 0.8, 0.05


def register(services: Services) -> None:
    """Add the routes to the host's app."""
    planners: weakref.WeakKeyDictionary[Engine, PromptPlanner] = weakref.WeakKeyDictionary()
    making = asyncio.Lock()

    async def planner(engine: Engine) -> PromptPlanner:
        async with making:  # a second one would not know where the first let its windows start
            found = planners.get(engine)
            if found is None:
                found = planners[engine] = await _new_planner(engine)
            return found

    async def plan_for(body: CompletionRequest, route: Route, engine: Engine) -> Plan:
        body.max_tokens = route.limit(body.max_tokens)
        context = services.settings.inference.context_tokens
        room = min(context, engine.model.header.context_length or context) - body.max_tokens - 8
        body.prompt_tokens = max(1, min(body.prompt_tokens, room))
        return await (await planner(engine)).plan(body)

    @asynccontextmanager
    async def prepared(body: CompletionRequest, priority: Priority) -> AsyncGenerator[tuple[Engine, Plan]]:
        """The engine, held for the time of the block, and the prompt for it."""
        route = _engines_only(services, await route_to(services, _asked(body), body.model))
        async with AsyncExitStack() as stack:
            engine = await route.first(
                lambda name: stack.enter_async_context(services.inference.hold(name, priority=priority))
            )
            plan = await plan_for(body, route, engine)
            await stack.enter_async_context(engine.turn(priority))
            yield engine, plan

    @services.app.post("/completion")
    async def completion(body: CompletionRequest) -> EventStream:
        return EventStream(_complete(body))

    async def _complete(body: CompletionRequest) -> AsyncGenerator[dict[str, Any]]:
        async with prepared(body, body.priority) as (engine, plan):
            yield {
                "type": "start",
                "model": engine.model.name,
                "engine": engine.backend,
                "fim": plan.fim,
                "prompt_tokens": plan.tokens,
            }
            if not plan.parts:
                yield {"type": "done", "finish_reason": "stop", "timings": {}}
                return
            payload = {
                **_sampling(body.alternative),
                **plan.healing.payload(body.stop, body.max_tokens),
                "prompt": plan.parts,
                "stream": True,
            }
            async with aclosing(_answer(body, plan, engine.stream("/completion", payload))) as events:
                async for event in events:
                    yield event

    @services.app.post("/completion/warm")
    async def warm(request: Request, body: CompletionRequest) -> Response:
        return JSONResponse(await until_gone(request, _warm(body)))

    async def _warm(body: CompletionRequest) -> dict[str, int]:
        timings: dict[str, Any] = {}
        async with prepared(body, "background") as (engine, plan):
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


def _engines_only(services: Services, route: Route) -> Route:
    """Without the models of APIs: ghost text comes from engines, if need be from the default model's."""
    if route.decision is None:
        return route
    engines = tuple(name for name in route.models if not services.remotes.owner(name))
    return replace(route, models=engines or ("",))


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


async def _answer(
    body: CompletionRequest, plan: Plan, chunks: AsyncGenerator[dict[str, Any]]
) -> AsyncGenerator[dict[str, Any]]:
    """What the caller is told of the engine's answer."""
    held, sent = "", time.monotonic()
    said, first_line = False, body.hold_ms > 0
    async with aclosing(chunks):
        async for chunk in chunks:
            text, ended = plan.healing.take(chunk.get("content") or "", body.stop)
            ended = ended or bool(chunk.get("stop"))
            held += text
            now = time.monotonic()
            first_line = first_line and "\n" not in (held if said else held.lstrip())
            said = said or bool(held.strip())
            if held and (ended or not first_line or now - sent >= body.hold_ms / 1000):
                yield {"type": "text", "text": held}
                held, sent = "", now
            if ended:
                yield {"type": "done", "finish_reason": _reason(chunk), "timings": chunk.get("timings", {})}
                return


def _reason(chunk: dict[str, Any]) -> str:
    return "length" if chunk.get("stop_type") == "limit" or chunk.get("stopped_limit") else "stop"

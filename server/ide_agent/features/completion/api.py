"""The host's completion routes: plan the prompt, stream the engine's answer, record what became of it."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from ide_agent.host.sse import EventStream, until_gone

from . import templates
from .prompt import Plan, PromptPlanner
from .tokens import TokenCounter
from .wire import CompletionEvents, CompletionRequest

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from ide_agent.host.services import Services
    from ide_agent.inference import Engine

# Greedy: a suggestion must not change between two keystrokes that agree with it.
_SAMPLING = {"temperature": 0.0, "cache_prompt": True}


def register(services: Services) -> None:
    """Add the routes to the host's app."""
    planners: weakref.WeakKeyDictionary[Engine, PromptPlanner] = weakref.WeakKeyDictionary()

    def planner(engine: Engine) -> PromptPlanner:
        found = planners.get(engine)
        if found is None:
            header = engine.model.header
            template = templates.choose(f"{engine.model.file.name} {header.name}", header.fim)
            start = header.bos_id if header.add_bos else None
            found = planners[engine] = PromptPlanner(template, TokenCounter(engine.tokenize), start)
        return found

    async def prepare(body: CompletionRequest) -> tuple[Engine, Plan]:
        engine = await services.inference.engine(body.model)
        context = services.settings.inference.context_tokens
        room = min(context, engine.model.header.context_length or context) - body.max_tokens - 8
        body.prompt_tokens = max(1, min(body.prompt_tokens, room))
        return engine, await planner(engine).plan(body)

    @services.app.post("/completion")
    async def completion(body: CompletionRequest) -> EventStream:
        return EventStream(_complete(body))

    async def _complete(body: CompletionRequest) -> AsyncGenerator[dict[str, Any]]:
        engine, plan = await prepare(body)
        yield {
            "type": "start",
            "model": engine.model.name,
            "engine": engine.backend,
            "fim": plan.fim,
            "prompt_tokens": plan.tokens,
        }
        payload = {
            **_SAMPLING,
            **plan.healing.payload(body.stop, body.max_tokens),
            "prompt": plan.parts,
            "stream": True,
        }
        held, holding = "", body.whole_line
        async with engine.turn(body.priority), aclosing(engine.stream("/completion", payload)) as chunks:
            async for chunk in chunks:
                text, ended = plan.healing.take(chunk.get("content") or "", body.stop)
                ended = ended or bool(chunk.get("stop"))
                held += text
                holding = holding and not ended and "\n" not in held.lstrip()
                if held and not holding:
                    yield {"type": "text", "text": held}
                    held = ""
                if ended:
                    yield {
                        "type": "done",
                        "finish_reason": _reason(chunk),
                        "timings": chunk.get("timings", {}),
                    }
                    return

    @services.app.post("/completion/warm")
    async def warm(request: Request, body: CompletionRequest) -> Response:
        return JSONResponse(await until_gone(request, _warm(body)))

    async def _warm(body: CompletionRequest) -> dict[str, int]:
        engine, plan = await prepare(body)
        payload = {**_SAMPLING, "prompt": plan.parts, "n_predict": 0, "stream": True}
        timings: dict[str, Any] = {}
        async with engine.turn("background"), aclosing(engine.stream("/completion", payload)) as chunks:
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


def _reason(chunk: dict[str, Any]) -> str:
    return "length" if chunk.get("stop_type") == "limit" or chunk.get("stopped_limit") else "stop"

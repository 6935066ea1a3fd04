"""The OpenAI dialect, passed through to the model that a request names: an engine's, or one behind an API.

Only what routing needs is understood here: ``model`` and ``stream``; what engines pass over in silence, and
requests without the one thing that they are about, are refused. All else is the engine's business, so that
clients get each parameter the engine knows, and the engine's own errors.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ide_agent.errors import EngineError, ModelNotFound
from ide_agent.host.errors import BadRequest, error_response
from ide_agent.host.ranking import check_ranking
from ide_agent.host.routing import route_openai
from ide_agent.host.services import Services
from ide_agent.host.sse import EventStream, begun_in_time, until_gone
from ide_agent.reasons import reason

if TYPE_CHECKING:
    from ide_agent.inference.backends import Purpose
    from ide_agent.inference.model import Model
    from ide_agent.inference.models import ModelFile

_END = b"data: [DONE]\n\n"
_NEEDED = {
    "completions": "prompt",
    "chat/completions": "messages",
    "embeddings": "input",
    "rerank": "documents",
}
_REFUSED = "error.engine.refused"
_DEEPEST = 200
"""Levels of a request. What reads or writes it later recurses, on higher stacks than the one here."""


def routes(services: Services) -> APIRouter:
    """`/v1/*`."""
    router = APIRouter(prefix="/v1")

    @router.post("/completions")
    async def completions(request: Request) -> Response:
        return await _forward(services, request, "text")

    @router.post("/chat/completions")
    async def chat(request: Request) -> Response:
        return await _forward(services, request, "text")

    @router.post("/embeddings")
    async def embeddings(request: Request) -> Response:
        return await _forward(services, request, "embedding")

    @router.post("/rerank")
    async def rerank(request: Request) -> Response:
        return await _forward(services, request, "reranking")

    @router.get("/models")
    async def models() -> Response:
        here = [each for model in services.models.list() for each in _described(model)]
        there = [_remote(name, owner) for name, owner in await services.remotes.listed()]
        return JSONResponse({"object": "list", "data": [*here, *there]})

    @router.get("/models/{name:path}")
    async def model(name: str) -> Response:
        from ide_agent.inference.models import written

        here = {each["id"]: each for model in services.models.list() for each in _described(model)}
        if found := written(name, here):
            return JSONResponse(here[found])
        if owner := services.remotes.owner(name):
            await services.remotes.find(name, asked="/models")
            return JSONResponse(_remote(name, owner))
        raise ModelNotFound(name=name)

    return router


async def _forward(services: Services, request: Request, purpose: Purpose) -> Response:
    payload = await _payload(request)
    payload.pop("interactive", None)  # ours: the slot of who types is kept
    needed = _NEEDED[request.url.path.rpartition("/v1/")[2]]
    if payload.get(needed) in (None, [], {}):
        return error_response(BadRequest(problem=f"{needed}: missing or empty"), 400)
    if purpose == "embedding":
        payload.pop("stream", None)  # there is nothing to stream: as a stream it would be empty
    if purpose == "reranking":
        check_ranking(payload)
    route = await route_openai(services, request.url.path, payload)
    asked = request.url.path.removeprefix("/v1")

    async def ask(name: str) -> Response:
        if route.allowance is not None:
            await services.remotes.allow(name, route.allowance)
        async with AsyncExitStack() as stack:
            wanted = services.inference.model(name, purpose, private=route.private, asked=asked)
            # who leaves does not wait for a place in memory any longer
            model = await until_gone(request, stack.enter_async_context(wanted))
            return await _ask(model, request, payload)

    if payload.get("stream") is True:
        return route.mark(await begun_in_time(route.first(ask), end=_END))
    return route.mark(await route.first(ask))


async def _ask(model: Model, request: Request, payload: dict[str, Any]) -> Response:
    path = request.url.path
    try:
        _refuse(payload)
        if payload.get("stream") is not True:
            answer = await until_gone(request, _whole(model, path, payload))
            return JSONResponse(_named(answer, model))
        chunks = _chunks(model, path, payload)
        # The first one is awaited here so that the engine's refusal still becomes a status code.
        return EventStream(_put_back(await until_gone(request, anext(chunks, None)), chunks), end=_END)
    except EngineError as refusal:
        if refusal.key_used == _REFUSED:
            return error_response(refusal, 400)
        raise


def _refuse(payload: dict[str, Any]) -> None:
    """What no engine here does and none says so."""
    wanted = [name for name in ("echo", "suffix") if payload.get(name)]
    if payload.get("best_of") not in (None, 1):
        wanted.append("best_of")
    if wanted:
        raise EngineError(_REFUSED, reason=reason("unsupported", names=", ".join(wanted)))


async def _whole(model: Model, path: str, payload: dict[str, Any]) -> Any:
    async with model.turn("api"):  # who types goes first
        return await model.request("POST", path, payload)


async def _chunks(model: Model, path: str, payload: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
    async with model.turn("api"), aclosing(model.stream(path, payload)) as chunks:
        async for chunk in chunks:
            yield _named(chunk, model)


async def _put_back(
    first: dict[str, Any] | None, rest: AsyncGenerator[dict[str, Any]]
) -> AsyncGenerator[dict[str, Any]]:
    async with aclosing(rest):
        if first is not None:
            yield first
        async for chunk in rest:
            yield chunk


def _named(answer: dict[str, Any], model: Model) -> dict[str, Any]:
    """Engines know their model by its path, clients by its name."""
    if "model" in answer:
        answer["model"] = model.name
    return answer


async def _payload(request: Request) -> dict[str, Any]:
    try:
        payload = await request.json()
    except (ValueError, RecursionError):
        raise BadRequest(problem="not JSON, or nested too deep") from None
    if not isinstance(payload, dict):
        raise BadRequest(problem="not a JSON object")
    level: list[Any] = [payload]
    for _ in range(_DEEPEST):
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for values in inner for each in values if isinstance(each, dict | list)]
        if not level:
            return payload
    raise BadRequest(problem=f"nested more than {_DEEPEST} deep")


def _described(model: ModelFile) -> list[dict[str, Any]]:
    """The model and its adapters."""
    from ide_agent.inference.adapters import adapters_of

    known = {"object": "model", "created": model.modified_ns // 1_000_000_000, "owned_by": "local"}
    return [{"id": name, **known} for name in (model.name, *(each.name for each in adapters_of(model)))]


def _remote(name: str, owner: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}

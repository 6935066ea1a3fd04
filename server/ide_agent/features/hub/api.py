"""Host routes: ``GET /models``, ``POST /models/pull``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from ide_agent.errors import ModelNotFound
from ide_agent.features.hub.listing import described
from ide_agent.features.hub.progress import Progress
from ide_agent.features.hub.service import Hub, PulledModel
from ide_agent.host.services import Services
from ide_agent.host.sse import EventStream


class PullRequest(BaseModel):
    """Body of ``POST /models/pull``."""

    name: str = Field(min_length=1, max_length=200)


def routes(services: Services, hub: Hub | None = None) -> APIRouter:
    """The hub's routes.

    Args:
        services: the host's.
        hub: another one than this machine's.
    """
    router = APIRouter()
    chosen = hub or Hub()

    @router.get("/models")
    async def models() -> Response:
        loaded = {
            engine.get("model") for engine in services.inference.snapshot() if engine.get("state") == "ready"
        }
        found = await asyncio.to_thread(lambda: [described(model) for model in chosen.list()])
        return JSONResponse({"models": [{**model, "loaded": model["name"] in loaded} for model in found]})

    @router.post("/models/pull")
    async def pull(request: PullRequest) -> Response:
        chosen.check(request.name)
        return EventStream(_pull(services, chosen, request.name))

    return router


async def _pull(services: Services, hub: Hub, name: str) -> AsyncGenerator[dict[str, Any]]:
    """Progress events, ``ready`` last. Closing the generator stops the pull; what has arrived stays."""
    reports: asyncio.Queue[Progress | None] = asyncio.Queue()
    with services.activity.busy("pull"):
        work = asyncio.create_task(hub.pull(name, reports.put_nowait))
        work.add_done_callback(lambda _: reports.put_nowait(None))
        told: int | None = -1
        model = None
        try:
            while (progress := await reports.get()) is not None:
                if progress.percent != told:
                    told = progress.percent
                    services.events.publish(_status("downloading", model=name, progress=told), passing=True)
                yield progress.as_wire()
            model = work.result()
        finally:
            work.cancel()
            await asyncio.wait([work])
            services.events.publish(await _after(services, model))
    yield {"phase": "ready", **model.as_wire()}


async def _after(services: Services, pulled: PulledModel | None) -> dict[str, Any]:
    """How things stand apart from the pull: as the engines said last, unless that is out of date."""
    before = services.events.status
    outdated = before is None or before["state"] == "noModel"
    if pulled is not None and before is not None and before["state"] == "error":
        outdated = before.get("model") == pulled.name
    if before is not None and not outdated:
        return before
    try:
        default = await asyncio.to_thread(services.models.find)
    except ModelNotFound as missing:
        return _status("noModel", message=str(missing), error=missing.as_wire())
    return _status("ready", model=default.name)


def _status(state: str, **more: Any) -> dict[str, Any]:
    named = {"type": "status", "state": state, **more}
    return {key: value for key, value in named.items() if value is not None}

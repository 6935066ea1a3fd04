"""`/engine/*`: builds llama-cpp-python for this machine, telling how far it is; ends engines of a model; says
which there are for other formats than GGUF.
"""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from ide_agent.host.services import Services
from ide_agent.host.sse import EventStream


class ReleaseRequest(BaseModel):
    """Body of ``POST /engine/release``."""

    model: str = Field(min_length=1, max_length=200)


def routes(services: Services) -> APIRouter:
    """`/engine/*`."""
    router = APIRouter(prefix="/engine")

    @router.post("/native")
    async def native() -> Response:
        from ide_agent.inference.native import build_native

        return EventStream(build_native(services.inference))

    @router.post("/release")
    async def release(body: ReleaseRequest) -> Response:
        return JSONResponse({"released": await services.inference.release(body.model)})

    @router.get("/runtimes")
    async def runtimes() -> Response:
        from ide_agent.host.runtimes import survey

        return JSONResponse(await asyncio.to_thread(survey, services.settings.inference, services.models))

    return router

"""`POST /engine/native`: builds llama-cpp-python for this machine, telling how far it is."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ide_agent.host.services import Services
from ide_agent.host.sse import EventStream


def routes(services: Services) -> APIRouter:
    """`/engine/*`."""
    router = APIRouter(prefix="/engine")

    @router.post("/native")
    async def native() -> Response:
        from ide_agent.inference.native import build_native

        return EventStream(build_native(services.inference))

    return router

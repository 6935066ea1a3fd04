"""Host routes: ``/remote…``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from ide_agent.features.remote.service import Remote


class Switch(BaseModel):
    """Body of ``POST /remote/switch``."""

    enabled: bool


class Which(BaseModel):
    """Body of ``POST /remote/test``."""

    name: str = Field(min_length=1, max_length=64)


def routes(remote: Remote) -> APIRouter:
    """`/remote…`."""
    router = APIRouter(prefix="/remote")

    @router.get("")
    async def described() -> Response:
        return JSONResponse(await remote.described())

    @router.post("/switch")
    async def switch(wanted: Switch) -> Response:
        await remote.switch(wanted.enabled)
        return JSONResponse(await remote.described())

    @router.post("/reload")
    async def reload() -> Response:
        remote.reload()
        return JSONResponse(await remote.described())

    @router.post("/test")
    async def test(which: Which) -> Response:
        return JSONResponse(await remote.test(which.name))

    @router.get("/usage")
    async def usage() -> Response:
        return JSONResponse(await remote.usage())

    @router.get("/audit")
    async def audit(limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
        return JSONResponse({"requests": await remote.audit.last(limit)})

    return router

"""The host's FastAPI app: middleware, our own routes, then those of the features."""

from __future__ import annotations

import asyncio
import os
import time

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ide_agent import __version__
from ide_agent.hooks import plugins
from ide_agent.host import engine_routes, errors, gateway, panel_routes
from ide_agent.host.activity import Activity
from ide_agent.host.auth import Auth
from ide_agent.host.services import Services
from ide_agent.host.sse import EventStream
from ide_agent.versions import PROTOCOL


def create_app(services: Services, token: str) -> ASGIApp:
    """`services.app` with all routes on it, behind the checks; what uvicorn runs.

    Args:
        services: their app gets the routes.
        token: the bearer token that requests must carry.
    """
    app = services.app
    errors.install(app)
    app.include_router(_routes(services))
    app.include_router(gateway.routes(services))
    app.include_router(engine_routes.routes(services))
    app.include_router(panel_routes.routes(services))
    plugins().call("register_host", services=services)
    for name, failure in plugins().broken.items():
        errors.log_failure(f"the plugin {name}", failure)
    for problem in plugins().problems:
        services.report(problem)
    return errors.Unexpected(Auth(InFlight(app, services.activity), token, services.visitors))


class InFlight:
    """ASGI middleware: a request that is being answered keeps the host from leaving."""

    def __init__(self, app: ASGIApp, activity: Activity) -> None:
        self._app = app
        self._activity = activity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count it, pass it on."""
        if scope["type"] == "http":
            with self._activity.busy("request"):
                await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _routes(services: Services) -> APIRouter:
    router = APIRouter()
    started = time.monotonic()

    @router.get("/health")
    async def health() -> Response:
        return JSONResponse({"status": "ok", "version": __version__, "protocol": PROTOCOL})

    @router.get("/status")
    async def status() -> Response:
        await asyncio.to_thread(services.routing.refresh)
        return JSONResponse(
            {
                "version": __version__,
                "pid": os.getpid(),
                "uptime": round(time.monotonic() - started, 1),
                "engines": services.inference.snapshot(),
                "editors": len(services.events),
                "activity": services.activity.reasons(),
                "settings": services.settings.model_dump(mode="json", include={"inference", "host", "hub"}),
                "problems": [problem.as_wire() for problem in services.problems],
            }
        )

    @router.get("/events")
    async def events() -> Response:
        return EventStream(services.events.subscribe())

    @router.post("/shutdown")
    async def shutdown() -> Response:
        services.leave()
        return JSONResponse({"status": "leaving"})

    return router

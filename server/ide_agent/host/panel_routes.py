"""`/panels…`: what panels there are, what is in them, what people do in them, and the page for browsers."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from ide_agent.errors import PanelError
from ide_agent.host.errors import NoSuchRoute
from ide_agent.host.services import Services
from ide_agent.host.sse import EventStream
from ide_agent.panels import Caution, PanelEvent, PanelState

Language = Literal["en", "tr"]
_KINDS = {"panel.js": "text/javascript", "panel.css": "text/css"}
# The page runs its own script and nothing else, and can talk to this host only.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; font-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


class Invitation(BaseModel):
    """Body of ``POST /panels/enter``."""

    once: str = Field(max_length=100)


class Question(BaseModel):
    """Body of ``POST /panels/prove``."""

    ends: str = Field(pattern=r"^\d{1,20}$")
    nonce: str = Field(min_length=16, max_length=100)


def routes(services: Services) -> APIRouter:
    """`/panels…`."""
    router = APIRouter(prefix="/panels")
    panels, visitors = services.panels, services.visitors

    @router.get("")
    async def offered(language: Language = "en") -> Response:
        return JSONResponse({"panels": panels.offered(language)})

    @router.post("/enter")
    async def enter(invitation: Invitation) -> Response:
        return JSONResponse({"session": visitors.enter(invitation.once)})

    @router.post("/prove")
    async def prove(request: Request, question: Question) -> Response:
        port = request.scope["server"][1]
        return JSONResponse({"proof": visitors.prove(question.ends, question.nonce, port)})

    @router.get("/assets/{name}")
    async def asset(name: str) -> Response:
        if name not in _KINDS:
            raise NoSuchRoute(problem=name)
        return _file(name, _KINDS[name])

    @router.get("/{name}/page")
    async def page(name: str) -> Response:
        return _file("index.html", "text/html")

    @router.post("/{name}/link")
    async def link(request: Request, name: str, language: Language = "en") -> Response:
        await panels.open(name, language)
        address = f"{request.base_url}panels/{name}/page?language={language}#{visitors.invite()}"
        return JSONResponse({"url": address})

    @router.get("/{name}")
    async def state(name: str, language: Language = "en") -> PanelState:
        return (await panels.open(name, language)).state

    @router.get("/{name}/events")
    async def events(name: str, language: Language = "en") -> EventStream:
        await panels.open(name, language)  # here an error still becomes a status
        return EventStream(panels.watch(name, language))

    @router.post("/{name}/event")
    async def event(name: str, event: PanelEvent, language: Language = "en") -> Response:
        said = await (await panels.open(name, language)).act(event)
        return JSONResponse({"message": said, "level": "warning" if isinstance(said, Caution) else "info"})

    return router


def _file(name: str, kind: str) -> Response:
    found = files("ide_agent.panels") / "page" / name
    if not found.is_file():  # a checkout in which clients/web was not built
        raise PanelError("error.panel.page")
    return Response(found.read_bytes(), media_type=kind, headers=_HEADERS)

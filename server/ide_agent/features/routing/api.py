"""Host routes: the rules, what is wrong with a text of rules, where a message would go."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from ide_agent.errors import RoutesError
from ide_agent.features.routing.assist import completions, hover
from ide_agent.features.routing.outcome import sentence
from ide_agent.features.routing.service import RulesFile
from ide_agent.host.services import Services
from ide_agent.inference.backends import runnable
from ide_agent.inference.routing.conditions import Ask, estimated_tokens
from ide_agent.inference.routing.known import suggested
from ide_agent.inference.routing.reading import read
from ide_agent.inference.routing.rules import Task, schema

Language = Literal["en", "tr"]
_LONGEST = 1 << 20


class CheckRequest(BaseModel):
    """Body of ``POST /routes/check``."""

    text: str = Field(max_length=_LONGEST)
    language: Language = "en"
    workspace: bool = False


class AssistRequest(CheckRequest):
    """Body of ``POST /routes/assist``; `line` and `column` (in characters) from 0."""

    line: int = Field(ge=0)
    column: int = Field(ge=0)


class SaveRequest(BaseModel):
    """Body of ``PUT /routes``: a whole text, and the `stamp` of the one that it takes the place of."""

    text: str = Field(max_length=_LONGEST)
    stamp: str = Field(max_length=64)


class TestRequest(BaseModel):
    """Body of ``POST /routes/test``."""

    message: str = Field("", max_length=_LONGEST)
    task: Task = "chat"
    language: str = Field("", max_length=100)
    path: str = Field("", max_length=4096)
    workspace: str = Field("", max_length=4096)
    private: bool = False
    locale: Language = "en"

    def ask(self) -> Ask:
        """What the rules look at."""
        return Ask(
            task=self.task,
            language=self.language,
            path=self.path,
            message=self.message,
            prompt_tokens=estimated_tokens(self.message),
            private=self.private,
            place=self.workspace if Path(self.workspace).is_absolute() else "",
        )


def routes(services: Services) -> APIRouter:
    """The routes of this room."""
    router = APIRouter(prefix="/routes")
    routing = services.routing
    file = RulesFile(routing.file)

    @router.get("")
    async def rules() -> Response:
        await asyncio.to_thread(routing.refresh)
        try:
            text, stamp = await asyncio.to_thread(file.load)
        except RoutesError:  # among the problems below
            text, stamp = "", ""
        return JSONResponse(
            {
                "text": text,
                "stamp": stamp,
                "file": str(routing.file),
                "rules": [rule.model_dump(mode="json", exclude_none=True) for rule in routing.routes.rules],
                "problems": [problem.as_wire() for problem in routing.problems],
            }
        )

    @router.put("")
    async def save(body: SaveRequest) -> Response:
        return JSONResponse({"stamp": await asyncio.to_thread(file.change, body.stamp, lambda _: body.text)})

    @router.get("/schema")
    async def json_schema(language: Language = "en") -> Response:
        return JSONResponse(schema(language))

    @router.post("/check")
    async def check(body: CheckRequest) -> Response:
        reading = await asyncio.to_thread(lambda: read(body.text, routing.known, workspace=body.workspace))
        return JSONResponse({"problems": [problem.as_wire(body.language) for problem in reading.problems]})

    @router.post("/assist")
    async def assist(body: AssistRequest) -> Response:
        models = await asyncio.to_thread(
            lambda: set(suggested(routing.known or (), runnable(services.settings.inference)))
        )
        for name, endpoint in services.remotes.settings.endpoints.items():
            models.update(f"{name}/{model}" for model in endpoint.models)
        at = (body.text, body.line, body.column)
        return JSONResponse(
            {
                "completions": completions(*at, models, body.language, workspace=body.workspace),
                "hover": hover(*at, models, body.language, workspace=body.workspace),
            }
        )

    @router.post("/test")
    async def test(body: TestRequest) -> Response:
        await asyncio.to_thread(routing.refresh)
        decision = routing.decide(body.ask())
        endpoints, known = services.remotes.settings.endpoints, services.routing.known
        said = sentence(decision, body.task, endpoints, known, services.network, body.locale)
        return JSONResponse(decision.as_wire(body.locale) | {"sentence": said})

    return router

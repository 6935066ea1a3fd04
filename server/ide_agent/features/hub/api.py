"""Host routes: ``/models…``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, model_validator
from starlette.responses import JSONResponse, Response

from ide_agent.errors import DownloadError, ModelError
from ide_agent.features.hub.about import about, files_of, verify
from ide_agent.features.hub.active import Activations, follow
from ide_agent.features.hub.answers import Question, answer
from ide_agent.features.hub.calling import pulled_first
from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.defaults import defaults, make_default
from ide_agent.features.hub.drafts import Unfinished
from ide_agent.features.hub.finding import search as find
from ide_agent.features.hub.fit import asked
from ide_agent.features.hub.listing import described
from ide_agent.features.hub.pulls import Pulls
from ide_agent.features.hub.removal import look, remove
from ide_agent.features.hub.service import Hub
from ide_agent.host.services import Services
from ide_agent.host.sse import EventStream
from ide_agent.inference.kinds import Kind
from ide_agent.inference.models import folded


class PullRequest(BaseModel):
    """Body of ``POST /models/pull`` and ``/models/fit``.

    A name of the catalogue, or an address and what to call it.
    """

    name: str = Field("", max_length=200)
    url: str = Field("", max_length=4000)
    sha256: str = Field("", max_length=64)
    file: str = Field("", max_length=1000)

    @model_validator(mode="after")
    def _says_what(self) -> PullRequest:
        if not (self.name or self.url):
            raise ValueError("name or url is needed")
        return self

    def entry(self, hub: Hub) -> Entry:
        """What it means; see `Hub.entry`."""
        name = self.name if self.url else ""
        return hub.entry(self.url or self.name, name, self.sha256, self.file)


class NameRequest(BaseModel):
    """Body of the routes that do something with one model."""

    name: str = Field(min_length=1, max_length=200)


class GcRequest(BaseModel):
    """Body of ``POST /models/gc``."""

    dry_run: bool = False


def routes(services: Services, hub: Hub, pulls: Pulls, activations: Activations) -> APIRouter:
    """The hub's routes."""
    router = APIRouter()

    @router.get("/models")
    async def models() -> Response:
        loaded, settings = loaded_models(services), services.settings.inference
        found = await asyncio.to_thread(lambda: [described(each, settings) for each in hub.list()])
        known = await asyncio.to_thread(defaults, hub.folder, settings)
        for model in found:
            model |= {"loaded": model["name"] in loaded, "default": model["name"] in known.values()}
        return JSONResponse({"models": found})

    @router.post("/models/pull")
    async def pull(request: PullRequest) -> Response:
        entry = await asyncio.to_thread(request.entry, hub)
        return EventStream(_pull(pulls, entry))

    @router.get("/models/pulls")
    async def pulls_now() -> Response:
        stopped = await asyncio.to_thread(hub.unfinished)
        return JSONResponse(_moving(pulls, stopped))

    @router.post("/models/pull/stop")
    async def stop(request: NameRequest) -> Response:
        name = folded(request.name)
        if not (stopped := await pulls.stopped(name)) and await asyncio.to_thread(hub.is_pulled, name):
            raise ModelError("error.model.pulled_elsewhere", name=name)
        return JSONResponse({"name": name, "stopped": stopped})

    @router.post("/models/pull/discard")
    async def discard(request: NameRequest) -> Response:
        name = folded(request.name)
        return JSONResponse({"name": name, "bytes": await pulls.discard(name)})

    @router.get("/models/search")
    async def search(
        q: str = Query(min_length=1, max_length=200),
        kind: Kind | None = Query(None, alias="type"),  # noqa: B008 - FastAPI's way
        source: Literal["catalogue", "hub"] | None = None,
    ) -> Response:
        return JSONResponse(
            await asyncio.to_thread(find, hub, q, kind or "", source or "", services.settings.inference)
        )

    @router.get("/models/files")
    async def files(repository: str = Query(min_length=1, max_length=200)) -> Response:
        return JSONResponse(
            {"files": await asyncio.to_thread(files_of, repository, services.settings.inference)}
        )

    @router.post("/models/fit")
    async def fit(request: PullRequest) -> Response:
        entry = await asyncio.to_thread(request.entry, hub)
        known = await asyncio.to_thread(asked, hub, entry, services.settings.inference)
        return JSONResponse(known)

    @router.post("/models/verify")
    async def verify_model(request: NameRequest) -> Response:
        return JSONResponse(await asyncio.to_thread(verify, hub, request.name))

    @router.post("/models/default")
    async def default(request: NameRequest) -> Response:
        settings = services.settings.inference
        name, purpose = await asyncio.to_thread(make_default, hub, request.name, settings)
        pulls.forget(name)
        return JSONResponse({"name": name, "purpose": purpose})

    @router.post("/models/activate")
    async def activate(request: NameRequest) -> Response:
        with pulled_first(hub, request.name):  # who asks for nothing gets a status code, not a stream
            services.models.find(request.name)
        return EventStream(follow(activations, request.name))

    @router.post("/models/deactivate")
    async def deactivate(request: NameRequest) -> Response:
        name = services.models.find(request.name).name
        return JSONResponse({"deactivated": await activations.deactivate(name), "name": name})

    @router.post("/models/ask")
    async def ask(question: Question) -> Response:
        return EventStream(answer(services, hub, question, activations.latest))

    @router.post("/models/gc")
    async def collect(request: GcRequest) -> Response:
        removed = await pulls.collect(dry_run=request.dry_run)
        return JSONResponse({"removed": [each.as_wire() for each in removed]})

    @router.get("/models/running")
    async def running() -> Response:
        return JSONResponse(
            {"models": services.inference.running(), "limit": services.settings.inference.active_models}
        )

    @router.get("/models/{name:path}")
    async def model(name: str) -> Response:
        known = await asyncio.to_thread(about, hub, name, services.settings.inference)
        return JSONResponse({**known, "loaded": known["name"] in loaded_models(services)})

    @router.delete("/models/{name:path}")
    async def remove_model(
        name: str, force: bool = False, adapters: bool = False, dry_run: bool = False
    ) -> Response:
        if dry_run:
            found = await look(services, hub, name, adapters=adapters)
        else:
            found = await remove(services, hub, pulls, name, adapters=adapters, force=force)
        return JSONResponse(found.as_wire(adapters=adapters))

    return router


def loaded_models(services: Services) -> set[str]:
    """Names of the models that an engine has in memory."""
    return {engine["model"] for engine in services.inference.snapshot() if engine["state"] == "ready"}


def _moving(pulls: Pulls, unfinished: Sequence[Unfinished]) -> dict[str, Any]:
    """What runs, which of the downloads `unfinished` can go on, and what failed."""
    busy = {pull.name: pull.progress.as_wire() for pull in pulls.running}
    stopped = [each for each in unfinished if each.entry.name not in busy]
    return {
        "running": [{"name": name, **progress} for name, progress in busy.items()],
        "stopped": [{"name": each.entry.name, "done": each.done, "total": each.total} for each in stopped],
        "failed": [{"name": name, "error": each.error.as_wire()} for name, each in pulls.failed.items()],
    }


async def _pull(pulls: Pulls, entry: Entry) -> AsyncGenerator[dict[str, Any]]:
    """Progress events, ``ready`` last. Closing the generator leaves the pull, which stops with the last."""
    pull = pulls.want(entry)
    try:
        async with aclosing(pull.follow()) as reports:
            async for progress in reports:
                yield progress.as_wire()
        if pull.task.cancelled():  # somebody else stopped it for all
            raise DownloadError("error.download.stopped", name=entry.name)
        model = await asyncio.shield(pull.task)
    finally:
        pulls.leave(pull)
    yield {"phase": "ready", **model.as_wire(), **pull.outcome}

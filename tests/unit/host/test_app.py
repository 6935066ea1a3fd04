import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from ide_agent import __version__
from ide_agent.config import InferenceSettings
from ide_agent.errors import ConfigError
from ide_agent.hooks import Plugins, hookimpl
from ide_agent.host.services import Services
from ide_agent.versions import PROTOCOL
from support.fake_inference import FakeInference


async def test_health_needs_no_token(host: httpx.AsyncClient) -> None:
    answer = await host.get("/health", headers={"Authorization": ""})
    assert answer.json() == {"status": "ok", "version": __version__, "protocol": PROTOCOL}


async def test_everything_else_does(host: httpx.AsyncClient) -> None:
    for path in ("/status", "/events", "/v1/models", "/openapi.json", "/nowhere"):
        assert (await host.get(path, headers={"Authorization": ""})).status_code == 401


async def test_status_counts_editors_and_names_problems(services: Services, host: httpx.AsyncClient) -> None:
    services.report(ConfigError(file="f", key="k", problem="p"))
    async with host.stream("GET", "/events"):
        while (status := (await host.get("/status")).json())["editors"] != 1:
            await asyncio.sleep(0.005)
        assert status["version"] == __version__
        assert status["problems"][0]["code"] == "error.config"
    while (await host.get("/status")).json()["editors"]:
        await asyncio.sleep(0.005)


async def test_status_says_what_settings_the_host_goes_by(host: httpx.AsyncClient) -> None:
    settings = (await host.get("/status")).json()["settings"]
    assert settings.keys() == {"inference", "host", "hub"}
    assert settings["inference"]["slots"] == InferenceSettings().slots


async def test_events_tell_what_the_engine_room_publishes(host: httpx.AsyncClient) -> None:
    FakeInference.current.publish({"type": "status", "state": "loading"})
    async with host.stream("GET", "/events") as answer:
        lines = answer.aiter_lines()
        assert json.loads((await anext(lines)).removeprefix("data: ")) == {
            "type": "status",
            "state": "loading",
        }
        FakeInference.current.publish({"type": "status", "state": "ready"})
        await anext(lines)
        assert json.loads((await anext(lines)).removeprefix("data: ")) == {"type": "status", "state": "ready"}


async def test_attached_editor_keeps_the_host(services: Services, host: httpx.AsyncClient) -> None:
    async with host.stream("GET", "/events"):
        idle = asyncio.create_task(services.activity.idle(0))
        await host.get("/status")
        assert not idle.done()
    await asyncio.wait_for(idle, 60)


async def test_shutdown_asks_to_leave(services: Services, host: httpx.AsyncClient) -> None:
    assert (await host.post("/shutdown")).json() == {"status": "leaving"}
    await asyncio.wait_for(services.leaving(), 60)


async def test_a_plugin_that_fails_does_not_stop_the_host(
    plugins: Plugins, host_of: Callable[[], AbstractAsyncContextManager[httpx.AsyncClient]]
) -> None:
    class Bad:
        @hookimpl
        def register_host(self, services: Services) -> None:
            raise RuntimeError("no route today")

    class Good:
        @hookimpl
        def register_host(self, services: Services) -> None:
            services.app.add_api_route("/good", lambda: "works")

    for name, plugin in (("bad-1", Bad()), ("good", Good()), ("bad-2", Bad())):
        plugins.register(plugin, name)
    async with host_of() as host:
        assert (await host.get("/good")).json() == "works"
        problems = (await host.get("/status")).json()["problems"]
    assert [problem["params"]["name"] for problem in problems] == ["bad-1", "bad-2"]
    assert "no route today" in problems[0]["message"]


async def test_a_model_is_let_go_of(host: httpx.AsyncClient) -> None:
    answer = await host.post("/engine/release", json={"model": "fake"})
    assert answer.json() == {"released": 1}
    assert FakeInference.current.released == ["fake"]
    assert (await host.post("/engine/release", json={})).status_code == 422


async def test_what_runs_other_formats_is_as_the_host_sees_it(
    host: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "path" / "transformers"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", str(program.parent))
    assert "transformers" in (await host.get("/engine/runtimes")).json()["lacking"]
    for file in (program, program.with_name("python")):
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
    assert "transformers" in (await host.get("/engine/runtimes")).json()["here"]

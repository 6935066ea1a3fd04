from __future__ import annotations

from typing import Any

import pytest

from ide_agent import runtime
from ide_agent.editor.server import EditorServer
from ide_agent.errors import EngineStartError
from support.editor import RpcError, attached
from support.fake_host import Call, FakeHost


async def test_status_is_what_the_host_says(server: EditorServer) -> None:
    async with attached(server) as editor:
        await editor.initialize()
        assert await editor.command("ideAgent.host.status") == {"version": "0.1.0", "pid": 1}
        assert await editor.command("ideAgent.host.status", {}) == {"version": "0.1.0", "pid": 1}


async def test_restart_stops_and_starts_without_a_warning(
    server: EditorServer, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[Any] = []

    def stop_host() -> None:
        stopped.append(True)
        server.protocol._loop.call_soon_threadsafe(host.stop)  # type: ignore[union-attr]

    monkeypatch.setattr(runtime, "stop_host", stop_host)
    async with attached(server) as editor:
        await editor.initialize()
        await editor.command("ideAgent.host.status")
        assert await editor.command("ideAgent.host.restart", {}) == {"version": "0.1.0", "pid": 1}
        assert stopped == [True]
        assert editor.all("window/showMessage") == []


async def test_native_returns_what_was_gained(server: EditorServer, host: FakeHost) -> None:
    def build(call: Call) -> None:
        call.head()
        call.event({"phase": "build", "message": "compiling"})
        words = {"code": "error.foreign", "params": {"message": "kelime"}}
        call.event({"phase": "build", "message": "in English", **words})
        call.event(
            {"phase": "ready", "engine": "llama-cpp-python", "tokens_per_second": 60.5, "before": 30.0}
        )
        call.end()

    host.routes["POST /engine/native"] = build
    async with attached(server) as editor:
        await editor.initialize({"window": {"workDoneProgress": True}}, locale="tr")
        result = await editor.command("ideAgent.engine.native", {})
        assert result == {"engine": "llama-cpp-python", "tokensPerSecond": 60.5, "before": 30.0}
        reported = [p["value"].get("message") for p in editor.all("$/progress")]
        assert "compiling" in reported and "kelime" in reported


async def test_native_says_why_it_failed(server: EditorServer, host: FakeHost) -> None:
    error = EngineStartError(model="m", reason="no compiler")

    def build(call: Call) -> None:
        call.head()
        call.event({"type": "error", "error": error.as_wire()})
        call.end()

    host.routes["POST /engine/native"] = build
    async with attached(server) as editor:
        await editor.initialize(locale="tr")
        with pytest.raises(RpcError) as caught:
            await editor.command("ideAgent.engine.native")
        assert caught.value.message == error.message("tr")

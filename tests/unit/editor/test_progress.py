from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ide_agent.editor.progress import progress
from ide_agent.editor.server import EditorServer
from support.editor import PATIENCE, RpcError, attached
from support.fake_host import Call, FakeHost

SHOWS = {"window": {"workDoneProgress": True}}


@pytest.fixture
def worker(server: EditorServer, host: FakeHost) -> EditorServer:
    """A server with a command that shows the progress of a stream."""

    @server.command("test.work")
    async def work(ls: EditorServer) -> int:
        count = 0
        async with progress(ls, "Working") as report:
            async for event in ls.host.stream("/work", {}):
                count += 1
                report(event["message"], event["percent"])
        return count

    return server


def two_events(call: Call) -> None:
    call.head()
    call.event({"message": "one", "percent": 40.4})
    call.event({"message": None, "percent": 400})
    call.end()


def kinds(editor: Any) -> list[str]:
    return [p["value"]["kind"] for p in editor.all("$/progress")]


async def test_progress_begins_reports_and_ends(worker: EditorServer, host: FakeHost) -> None:
    host.routes["POST /work"] = two_events
    async with attached(worker) as editor:
        await editor.initialize(SHOWS)
        assert await editor.command("test.work") == 2
        values = [p["value"] for p in editor.all("$/progress")]
        assert values[0] == {"kind": "begin", "title": "Working", "cancellable": True, "percentage": 0}
        assert values[1] == {"kind": "report", "message": "one", "percentage": 40}
        assert values[2] == {"kind": "report", "percentage": 100}
        assert values[3] == {"kind": "end"}
        assert worker.work_done_progress.tokens == {}


async def test_the_cancel_button_stops_the_work_down_to_the_host(
    worker: EditorServer, host: FakeHost
) -> None:
    calls: list[Call] = []

    async def endless(call: Call) -> None:
        calls.append(call)
        call.head()
        call.event({"message": "m", "percent": None})
        await call.gone.wait()

    host.routes["POST /work"] = endless
    async with attached(worker) as editor:
        await editor.initialize(SHOWS)
        _, answer = editor.begin("workspace/executeCommand", {"command": "test.work"})
        report = await editor.wait_for("$/progress", lambda p: p["value"]["kind"] == "report")
        editor.notify("window/workDoneProgress/cancel", {"token": report["token"]})
        with pytest.raises(RpcError) as caught:
            await asyncio.wait_for(answer, PATIENCE)
        assert caught.value.code == -32800
        await asyncio.wait_for(calls[0].gone.wait(), PATIENCE)
        assert kinds(editor)[-1] == "end"
        assert worker.work_done_progress.tokens == {}


async def test_the_clients_own_token_is_used(worker: EditorServer, host: FakeHost) -> None:
    host.routes["POST /work"] = two_events
    async with attached(worker) as editor:
        await editor.initialize()
        assert await editor.command("test.work", workDoneToken="mine") == 2
        assert {p["token"] for p in editor.all("$/progress")} == {"mine"}
        assert editor.all("window/workDoneProgress/create") == []


async def test_clients_without_progress_are_left_alone(worker: EditorServer, host: FakeHost) -> None:
    host.routes["POST /work"] = two_events
    async with attached(worker) as editor:
        await editor.initialize()
        assert await editor.command("test.work") == 2
        assert editor.all("$/progress") == [] == editor.all("window/workDoneProgress/create")


async def test_a_client_that_refuses_the_token_is_left_alone(worker: EditorServer, host: FakeHost) -> None:
    host.routes["POST /work"] = two_events
    async with attached(worker) as editor:
        del editor.answers["window/workDoneProgress/create"]
        await editor.initialize(SHOWS)
        _, answer = editor.begin("workspace/executeCommand", {"command": "test.work"})
        await editor.wait_for("window/workDoneProgress/create")
        (msg_id,) = worker.protocol._result_types
        editor.send({"jsonrpc": "2.0", "id": msg_id, "error": {"code": -32601, "message": "no"}})
        assert await asyncio.wait_for(answer, PATIENCE) == 2
        assert editor.all("$/progress") == []

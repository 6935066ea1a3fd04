"""The real `ide-agent lsp` process, over its pipes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from ide_agent import __version__, runtime
from ide_agent.locale import translate
from support.editor import PATIENCE, Editor, process
from support.fake_host import Call, FakeHost
from support.host_process import wait_for
from support.processes import gone

STATUS = {"experimental": {"ideAgent": {"status": True}}}
URI = "untitled:Untitled-1"
# All that the lsp process may import before it answers `initialize`, besides the standard library.
LIGHT = {"attr", "attrs", "cattrs", "lsprotocol", "platformdirs", "pluggy", "pygls", "typing_extensions"}


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment with a home of its own."""
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    return {"IDE_AGENT_HOME": str(tmp_path)}


@pytest.fixture
async def host(env: dict[str, str]) -> AsyncIterator[FakeHost]:
    """A host in the test's process, which the server finds as it finds a real one."""
    fake = FakeHost()
    address = await fake.start()
    port = int(address.url.rpartition(":")[2])
    runtime.write(runtime.RuntimeInfo(port, fake.token, __version__, os.getpid(), time.time()))
    yield fake
    await fake.aclose()


async def ended(child: asyncio.subprocess.Process) -> int:
    return await asyncio.wait_for(child.wait(), PATIENCE)


async def busy(editor: Editor, host: FakeHost) -> asyncio.Future[Any]:
    """A request that never ends, begun."""
    begun = asyncio.Event()

    async def hang(call: Call) -> None:
        call.head()
        begun.set()
        await call.gone.wait()

    host.routes["POST /engine/native"] = hang
    await editor.initialize()
    answer = editor.begin("workspace/executeCommand", {"command": "ideAgent.engine.native"})[1]
    await asyncio.wait_for(begun.wait(), PATIENCE)
    return answer


@pytest.mark.parametrize(
    ("encoding", "column"), [("utf-8", 4), ("utf-16", 2), ("utf-32", 1), (None, 2), ("utf-7", 2)]
)
async def test_case_1_positions_are_in_the_negotiated_encoding(
    env: dict[str, str], host: FakeHost, encoding: str | None, column: int
) -> None:
    bodies: list[Any] = []

    def complete(call: Call) -> None:
        bodies.append(call.body)
        call.head()
        call.event({"type": "done", "finish_reason": "stop"})
        call.end()

    host.routes["POST /completion"] = complete
    general = {"general": {"positionEncodings": [encoding]}} if encoding else {}
    async with process(env) as (editor, _):
        capabilities = await editor.initialize(general)
        assert capabilities["positionEncoding"] == (encoding if column != 2 else "utf-16")
        editor.open(URI, "a = '\u2028'\n🙂)\n")
        at = {"line": 1, "character": column}
        editor.change(URI, 2, {"range": {"start": at, "end": at}, "text": "print(1"})
        position = {"line": 1, "character": column + 7}
        params = {"textDocument": {"uri": URI}, "position": position, "context": {"triggerKind": 1}}
        await editor.request("textDocument/inlineCompletion", params)
        assert bodies[-1]["prefix"].endswith("a = '\u2028'\n🙂print(1")
        assert bodies[-1]["suffix"].startswith(")\n")


async def test_shutdown_and_exit_end_it_at_once_with_requests_running(
    env: dict[str, str], host: FakeHost
) -> None:
    async with process(env) as (editor, child):
        answer = await busy(editor, host)
        assert await editor.request("shutdown") is None
        editor.notify("exit")
        assert await ended(child) == 0
        with pytest.raises(Exception, match="cancelled"):
            await asyncio.wait_for(answer, PATIENCE)


async def test_exit_without_shutdown_is_an_error(env: dict[str, str], host: FakeHost) -> None:
    async with process(env) as (editor, child):
        await busy(editor, host)
        editor.notify("exit")
        assert await ended(child) == 1


async def test_the_end_of_its_input_ends_it(env: dict[str, str], host: FakeHost) -> None:
    async with process(env) as (editor, child):
        await busy(editor, host)
        assert child.stdin is not None
        child.stdin.close()
        assert await ended(child) == 1


async def test_the_end_of_its_output_ends_it(env: dict[str, str], host: FakeHost) -> None:
    async with process(env) as (editor, child):
        await busy(editor, host)
        output = child._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
        output.close()
        while output._pipe is not None:  # it closes a turn later; an answer before that would be read
            await asyncio.sleep(0)
        editor.begin("ideAgent/unknown")
        assert await ended(child) == 1


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits to be killed."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield child
    child.kill()
    child.communicate()


async def test_the_death_of_the_editor_ends_it(
    env: dict[str, str], host: FakeHost, stranger: subprocess.Popen[bytes]
) -> None:
    async with process(env) as (editor, child):
        await editor.initialize(processId=stranger.pid)
        await editor.command("ideAgent.host.status")
        assert child.returncode is None
        stranger.kill()
        assert await ended(child) == 1


async def test_nothing_of_a_message_is_logged(env: dict[str, str], host: FakeHost, tmp_path: Path) -> None:
    async with process(env, "--log-level", "debug") as (editor, child):
        await editor.initialize(STATUS)
        editor.open(URI, "password = 'SECRET'")
        editor.notify("textDocument/didChange", {"textDocument": "SECRET"})
        with pytest.raises(Exception, match="Invalid Params"):
            await editor.request("textDocument/inlineCompletion", {"textDocument": "SECRET"})
        await editor.request("shutdown")
        editor.notify("exit")
        assert await ended(child) == 0
    assert "SECRET" not in editor.errors
    assert "SECRET" not in (tmp_path / "state" / "lsp.log").read_text(encoding="utf-8")


async def test_tcp_for_debugging(env: dict[str, str], host: FakeHost) -> None:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ide_agent", "lsp", "--tcp", "0"),
        stderr=subprocess.PIPE,
        env={**os.environ, **env},
    )
    assert child.stderr is not None
    try:
        line = ""
        while "listening on" not in line:
            line = (await asyncio.wait_for(child.stderr.readline(), PATIENCE)).decode()
        assert "127.0.0.1" in line
        port = int(line.rpartition(",")[2].strip(" )\n"))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        editor = Editor(reader, writer.write)
        await editor.initialize()
        assert (await editor.command("ideAgent.host.status"))["pid"] == 1
        writer.close()
        await writer.wait_closed()
        assert await ended(child) == 1
        await editor.close()
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def test_nothing_heavy_is_imported_before_initialize_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a home as users have it: the folders are then found by platformdirs."""
    for name in ("IDE_AGENT_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    async with process({"HOME": str(tmp_path), "PYTHONPROFILEIMPORTTIME": "1"}) as (editor, _):
        wanted = {"processId": None, "rootUri": None, "capabilities": {}}
        await editor.request("initialize", wanted)
    lines = [line for line in editor.errors.splitlines() if line.startswith("import time:")]
    loaded = {line.rpartition("|")[2].strip() for line in lines}
    installed = packages_distributions()
    foreign = {top for name in loaded if (top := name.partition(".")[0]) in installed} - {"ide_agent"}
    assert "pygls" in foreign
    assert foreign <= LIGHT
    assert not loaded & {
        f"ide_agent.{room}" for room in ("config", "host", "inference", "storage", "runtime")
    }


@pytest.fixture
def real_host(env: dict[str, str]) -> Iterator[None]:
    """Leaves no host behind."""
    yield
    if (info := runtime.read()) is not None:
        runtime.stop_host()
        assert not runtime.find_host()
        wait_for(lambda: gone(info.pid), "the end of the host")


async def test_a_host_killed_with_minus_9_is_back_within_the_next_request(
    env: dict[str, str], real_host: None
) -> None:
    async with process(env) as (editor, _):
        await editor.initialize(STATUS, locale="tr")
        first = await editor.command("ideAgent.host.status")
        info = runtime.read()
        assert info is not None and info.pid == first["pid"]
        assert first["editors"] == 1 or await _attached(editor)
        os.kill(info.pid, signal.SIGKILL)
        text = translate("error.host.unavailable", "tr")
        await editor.wait_for("window/showMessage", lambda shown: shown["message"] == text)
        second = await editor.command("ideAgent.host.status")
        assert second["pid"] != first["pid"]
        assert [shown["message"] for shown in editor.all("window/showMessage")].count(text) == 1


async def _attached(editor: Editor) -> bool:
    while (await editor.command("ideAgent.host.status"))["editors"] != 1:
        await asyncio.sleep(0.05)
    return True


async def test_started_without_any_input_it_says_why_it_leaves(env: dict[str, str]) -> None:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ide_agent", "lsp"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **env, "LC_ALL": "C"},
    )
    out, err = await asyncio.wait_for(child.communicate(), PATIENCE)
    assert (child.returncode, out) == (1, b"")
    assert b"Nothing was said to it on stdin" in err
    assert err.count(b"\n") == 1


@pytest.mark.parametrize(
    ("tag", "words"), [("C", "waits for an editor"), ("tr", "düzenleyicinin konuşmasını")]
)
async def test_started_at_a_keyboard_it_says_what_it_waits_for_and_how_to_leave(
    env: dict[str, str], tag: str, words: str
) -> None:
    keyboard, terminal = os.openpty()
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ide_agent", "lsp"),
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **env, "LC_ALL": tag, "PYTHONUTF8": "1"},
    )
    assert child.stdout and child.stderr
    try:
        line = (await asyncio.wait_for(child.stderr.readline(), PATIENCE)).decode()
        assert words in line and "Ctrl+C" in line
        child.send_signal(signal.SIGINT)
        assert await ended(child) == 130
        assert await child.stdout.read() == b""
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
        os.close(terminal)
        os.close(keyboard)

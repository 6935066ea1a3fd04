from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ide_agent.editor.server import EditorServer
from ide_agent.errors import ConfigError
from support.editor import PATIENCE, Editor, attached, eventually

PULLS = {"workspace": {"configuration": True}}
WATCHES = {
    "workspace": {
        "configuration": True,
        "didChangeConfiguration": {"dynamicRegistration": True},
        "didChangeWatchedFiles": {"dynamicRegistration": True, "relativePatternSupport": True},
    }
}


@pytest.fixture
def user_file(home: Path) -> Path:
    folder = home / "config"
    folder.mkdir(parents=True)
    return folder / "config.toml"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def folders(*paths: Path) -> dict[str, Any]:
    return {"workspaceFolders": [{"uri": path.as_uri(), "name": path.name} for path in paths]}


async def ready(server: EditorServer) -> None:
    await asyncio.wait_for(server.configuration.ready(), PATIENCE)


async def reloaded(server: EditorServer, act: Callable[[], object]) -> None:
    loaded = asyncio.Event()
    server.configuration.listeners.append(loaded.set)
    act()
    await asyncio.wait_for(loaded.wait(), PATIENCE)


async def test_layers_user_then_workspace_then_editor(
    server: EditorServer, user_file: Path, workspace: Path
) -> None:
    user_file.write_text("[completion]\nmax_lines = 2\nprompt_tokens = 300\nprefetch = false\n")
    (workspace / ".ide-agent.toml").write_text("[completion]\nmax_lines = 3\nprompt_tokens = 400\n")
    async with attached(server) as editor:
        editor.answers["workspace/configuration"] = [{"completion": {"maxLines": 4}}]
        await editor.initialize(PULLS, **folders(workspace))
        await ready(server)
        completion = server.settings.completion
        assert (completion.max_lines, completion.prompt_tokens, completion.prefetch) == (4, 400, False)
        asked = await editor.wait_for("workspace/configuration")
        assert asked == {"items": [{"scopeUri": workspace.as_uri(), "section": "ideAgent"}]}


async def test_clients_that_cannot_be_asked_send_settings_at_the_start_or_push_them(
    server: EditorServer, workspace: Path
) -> None:
    async with attached(server) as editor:
        options = {"settings": {"completion": {"maxLines": 5}}}
        await editor.initialize(initializationOptions=options, **folders(workspace))
        assert server.settings.completion.max_lines == 5  # also before anything was loaded
        await ready(server)
        assert server.settings.completion.max_lines == 5
        for pushed in ({"ideAgent": {"completion": {"maxLines": 6}}}, {"completion": {"maxLines": 6}}):
            change = {"settings": pushed}
            await reloaded(server, lambda c=change: editor.notify("workspace/didChangeConfiguration", c))  # type: ignore[misc]
            assert server.settings.completion.max_lines == 6
        assert editor.all("workspace/configuration") == []


async def test_a_change_in_the_editor_is_asked_for(server: EditorServer) -> None:
    async with attached(server) as editor:
        await editor.initialize(PULLS)
        await ready(server)
        assert server.settings.completion.enabled is True
        editor.answers["workspace/configuration"] = [{"completion": {"enabled": False}}]
        await reloaded(server, lambda: editor.notify("workspace/didChangeConfiguration", {"settings": None}))
        assert server.settings.completion.enabled is False


async def test_case_43_each_workspace_folder_has_its_own(server: EditorServer, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for number, folder in enumerate((one, two), 7):
        folder.mkdir()
        (folder / ".ide-agent.toml").write_text(f"[completion]\nmax_lines = {number}\n")
    async with attached(server) as editor:
        editor.answers["workspace/configuration"] = [None, {"completion": {"promptTokens": 500}}]
        await editor.initialize(PULLS, **folders(one, two))
        await ready(server)
        first = server.settings_for((one / "a.py").as_uri()).completion
        second = server.settings_for((two / "a.py").as_uri()).completion
        assert (first.max_lines, first.prompt_tokens) == (7, 1024)
        assert (second.max_lines, second.prompt_tokens) == (8, 500)
        assert server.settings_for("untitled:x").completion.max_lines == 7
        event = {"added": [], "removed": [{"uri": one.as_uri(), "name": "one"}]}
        editor.answers["workspace/configuration"] = [None]
        await reloaded(server, lambda: editor.notify("workspace/didChangeWorkspaceFolders", {"event": event}))
        assert server.settings.completion.max_lines == 8


async def test_problems_are_said_once_in_the_users_language(
    server: EditorServer, user_file: Path, workspace: Path
) -> None:
    user_file.write_text("[completion]\nmax_lines = 'many'\n")
    async with attached(server) as editor:
        await editor.initialize(locale="tr", **folders(workspace))
        shown = await editor.wait_for("window/showMessage")
        assert shown["type"] == 2
        assert str(user_file) in shown["message"] and "completion.max_lines" in shown["message"]
        expected = ConfigError("error.config_whole", file=str(user_file), key="completion.max_lines")
        assert shown["message"] == expected.message("tr")
        await reloaded(server, lambda: server.spawn(server.configuration.load()))
        user_file.write_text("[completion]\nmax_lines = 'many'\nprefetch = 7\n")
        await reloaded(server, lambda: server.spawn(server.configuration.load()))
        await editor.until(lambda: len(editor.all("window/showMessage")) == 2)
        assert "prefetch" in editor.all("window/showMessage")[1]["message"]
        assert server.settings.completion.max_lines == 12


async def test_a_workspace_cannot_change_the_machine(server: EditorServer, workspace: Path) -> None:
    (workspace / ".ide-agent.toml").write_text("[inference]\nthreads = 99\n")
    async with attached(server) as editor:
        await editor.initialize(**folders(workspace))
        assert "inference" in (await editor.wait_for("window/showMessage"))["message"]
        assert server.settings.inference.threads == 0


async def test_files_are_watched_and_read_again(
    server: EditorServer, user_file: Path, workspace: Path
) -> None:
    async with attached(server) as editor:
        await editor.initialize(WATCHES, **folders(workspace))
        registered = (await editor.wait_for("client/registerCapability"))["registrations"]
        options = {entry["method"]: entry["registerOptions"] for entry in registered}
        assert options["workspace/didChangeConfiguration"] == {"section": "ideAgent"}
        watchers = options["workspace/didChangeWatchedFiles"]["watchers"]
        pattern = {"baseUri": user_file.parent.as_uri(), "pattern": "config.toml"}
        assert [w["globPattern"] for w in watchers] == ["**/.ide-agent.toml", pattern]
        for number, file in enumerate((user_file, workspace / ".ide-agent.toml"), 20):
            file.write_text(f"[completion]\nmax_lines = {number}\n")
            change = {"changes": [{"uri": file.as_uri(), "type": 1}]}
            await reloaded(server, lambda c=change: editor.notify("workspace/didChangeWatchedFiles", c))  # type: ignore[misc]
            assert server.settings.completion.max_lines == number


async def test_other_files_are_no_reason_to_read_again(server: EditorServer) -> None:
    async with attached(server) as editor:
        await editor.initialize(PULLS)
        await ready(server)
        asked = len(editor.all("workspace/configuration"))
        change = {"changes": [{"uri": "file:///w/pyproject.toml", "type": 2}, {"uri": "x:y", "type": 2}]}
        editor.notify("workspace/didChangeWatchedFiles", change)
        await editor.command("ideAgent.host.status")
        assert len(editor.all("workspace/configuration")) == asked


async def test_a_client_that_refuses_or_answers_nonsense_gets_the_defaults(server: EditorServer) -> None:
    async with attached(server) as editor:
        editor.answers["workspace/configuration"] = ["nonsense", 7]
        del editor.answers["client/registerCapability"]
        await editor.initialize(WATCHES)
        await ready(server)
        assert server.settings.completion.max_lines == 12
        await editor.wait_for("client/registerCapability")
        (msg_id,) = server.protocol._result_types
        editor.send({"jsonrpc": "2.0", "id": msg_id, "error": {"code": -32601, "message": "no"}})
        await eventually(lambda: not server.protocol._result_types)
        assert editor.all("window/showMessage") == []


async def test_the_newest_of_two_loads_wins(server: EditorServer) -> None:
    async with attached(server) as editor:
        await editor.initialize(PULLS)
        await ready(server)
        del editor.answers["workspace/configuration"]
        before = len(editor.all("workspace/configuration"))
        waiting = []
        for _ in range(2):
            waiting.append(asyncio.create_task(server.configuration.load()))
            count = before + len(waiting)
            await editor.until(lambda n=count: len(editor.all("workspace/configuration")) == n)  # type: ignore[misc]
        old, new = server.protocol._result_types
        _answer(editor, new, 9)
        await asyncio.wait_for(waiting[1], PATIENCE)
        _answer(editor, old, 3)
        await asyncio.wait_for(waiting[0], PATIENCE)
        assert server.settings.completion.max_lines == 9


def _answer(editor: Editor, msg_id: Any, lines: int) -> None:
    editor.send({"jsonrpc": "2.0", "id": msg_id, "result": [{"completion": {"maxLines": lines}}]})

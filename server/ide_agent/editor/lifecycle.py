"""From `initialized` to the end: loads the settings, starts the host, ends with the editor."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

from lsprotocol import types

from ide_agent.editor.server import EditorServer
from ide_agent.locale import translate


def register(server: EditorServer) -> None:
    """Add the handlers to `server`."""

    @server.feature(types.INITIALIZED)
    def initialized(ls: EditorServer, params: types.InitializedParams) -> None:
        ls.host.start()
        for name in ls.broken_plugins:
            ls.say(translate("editor.plugin_failed", ls.language, name=name), types.MessageType.Warning)
        ls.spawn(_settings(ls))
        ls.spawn(ls.scoped.register())
        if ls.process_id:
            ls.spawn(watch_process(ls.process_id, lambda: ls.leave(1)))

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def changed_configuration(ls: EditorServer, params: types.DidChangeConfigurationParams) -> None:
        await ls.configuration.push(params.settings)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def changed_files(ls: EditorServer, params: types.DidChangeWatchedFilesParams) -> None:
        if ls.configuration.concerns(list(params.changes)):
            await ls.configuration.load()

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def changed_folders(ls: EditorServer, params: types.DidChangeWorkspaceFoldersParams) -> None:
        await ls.configuration.load()


async def _settings(ls: EditorServer) -> None:
    await ls.configuration.load()
    await ls.configuration.watch()


async def watch_process(pid: int, on_end: Callable[[], None]) -> None:
    """Call `on_end` when the process `pid` ends.

    Does nothing when it is not to be seen now: the editor then lives in another container.
    """
    if sys.platform == "linux":
        try:
            handle = os.pidfd_open(pid)
        except OSError:
            return
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(handle, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(handle)
            os.close(handle)
    else:
        import psutil

        if not psutil.pid_exists(pid):
            return
        process = psutil.Process(pid)
        await asyncio.to_thread(process.wait)
    on_end()

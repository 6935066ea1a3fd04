"""The user's settings by workspace folder: TOML files and what the editor says, kept up to date."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.uris import from_fs_path, to_fs_path

from ide_agent.paths import config_file

if TYPE_CHECKING:
    from ide_agent.config import Settings
    from ide_agent.editor.server import EditorServer
    from ide_agent.errors import ConfigError

log = logging.getLogger(__name__)
SECTION = "ideAgent"
_ANSWER_SECONDS = 10.0


class Configuration:
    """Loads `ide_agent.config.Settings` after `initialize` was answered, and keeps them fresh.

    Attributes:
        listeners: called after every load.
    """

    def __init__(self, server: EditorServer) -> None:
        self._server = server
        self._loaded: dict[Path | None, Settings] = {}
        self._editor: dict[Path | None, dict[str, Any]] = {}
        self._pushed: dict[str, Any] = {}
        self._shown: set[str] = set()
        self._round = 0
        self._ready = asyncio.Event()
        self.listeners: list[Callable[[], None]] = []

    def start_with(self, options: dict[str, Any]) -> None:
        """Take the settings that came with `initialize`."""
        given = options.get("settings")
        self._pushed = given if isinstance(given, dict) else {}

    @property
    def chosen_language(self) -> str:
        """``en`` or ``tr`` when a setting says so; ``auto`` else, and before the settings are loaded."""
        return next((settings.locale for settings in self._loaded.values()), "auto")

    def for_uri(self, uri: str) -> Settings:
        """The settings of the workspace folder that holds `uri`.

        Before the first load has ended: those of the files and of `initialize`, without the editor's answer.
        """
        return self._for_folder(self._server.documents.folder_of(uri))

    def default(self) -> Settings:
        """The settings of the first workspace folder."""
        folders = self._folders()
        return self._for_folder(folders[0])

    @property
    def by_folder(self) -> dict[Path | None, Settings]:
        """The settings of the workspace folders as loaded last; None stands for having no folder."""
        return dict(self._loaded)

    async def ready(self) -> None:
        """Wait for the first load."""
        await self._ready.wait()

    async def load(self) -> None:
        """Read everything again; the newest of several loads at a time wins."""
        self._round += 1
        this = self._round
        folders = self._folders()
        editor = await self._ask(folders)
        found = await asyncio.to_thread(lambda: {folder: _read(folder, editor[folder]) for folder in folders})
        if this != self._round:
            return
        self._editor = editor
        self._loaded = {folder: settings for folder, (settings, _) in found.items()}
        self._ready.set()
        for _, problems in found.values():
            self.report(problems)
        for listener in self.listeners:
            listener()

    async def push(self, settings: Any) -> None:
        """Take the settings that a client sends of its own accord; one that can be asked is asked."""
        if isinstance(settings, dict) and not self._server.client.configuration:
            own = settings.get(SECTION, settings)
            self._pushed = own if isinstance(own, dict) else {}
        await self.load()

    async def watch(self) -> None:
        """Ask the client to say when settings change, in the editor or in the files."""
        client = self._server.client
        wanted = []
        if client.dynamic_configuration:
            wanted.append(
                types.Registration(
                    "configuration",
                    types.WORKSPACE_DID_CHANGE_CONFIGURATION,
                    types.DidChangeConfigurationRegistrationOptions(section=SECTION),
                )
            )
        if client.dynamic_watchers:
            options = types.DidChangeWatchedFilesRegistrationOptions(self._watchers())
            wanted.append(
                types.Registration("settings-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            )
        if wanted:
            try:
                await self._server.client_register_capability_async(types.RegistrationParams(wanted))
            except JsonRpcException as refused:
                log.warning("the client refused to watch settings: %s", refused)

    def concerns(self, events: list[types.FileEvent]) -> bool:
        """Whether one of our files is among the changed ones."""
        from ide_agent.config import WORKSPACE_FILE

        files = [Path(path) for event in events if (path := to_fs_path(event.uri))]
        return any(file.name == WORKSPACE_FILE or file == config_file() for file in files)

    def report(self, problems: list[ConfigError]) -> None:
        """Show what is wrong with the settings, each thing once."""
        for problem in problems:
            text = problem.message(self._server.language)
            if text not in self._shown:
                self._shown.add(text)
                self._server.say(text, types.MessageType.Warning)

    def _watchers(self) -> list[types.FileSystemWatcher]:
        from ide_agent.config import WORKSPACE_FILE

        watchers = [types.FileSystemWatcher(f"**/{WORKSPACE_FILE}")]
        file = config_file()
        base = from_fs_path(str(file.parent))
        if self._server.client.relative_patterns and base and file.parent.is_dir():
            watchers.append(types.FileSystemWatcher(types.RelativePattern(base, file.name)))
        return watchers

    def _folders(self) -> list[Path | None]:
        return [*self._server.documents.folders()] or [None]

    def _for_folder(self, folder: Path | None) -> Settings:
        found = self._loaded.get(folder)
        if found is None:
            found = self._loaded[folder] = _read(folder, self._editor.get(folder, self._pushed))[0]
        return found

    async def _ask(self, folders: list[Path | None]) -> dict[Path | None, dict[str, Any]]:
        """The editor's settings by folder."""
        editor = dict.fromkeys(folders, self._pushed)
        if not self._server.client.configuration:
            return editor
        items = [types.ConfigurationItem(scope_uri=_uri(folder), section=SECTION) for folder in folders]
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):  # wait_for may swallow a cancellation
                answer = await self._server.workspace_configuration_async(types.ConfigurationParams(items))
        except (JsonRpcException, TimeoutError) as failure:
            log.warning("the client did not say its settings: %s", type(failure).__name__)
            return editor
        for folder, given in zip(folders, answer or [], strict=False):
            if isinstance(given, dict):
                editor[folder] = given
        return editor


def _read(folder: Path | None, editor: dict[str, Any]) -> tuple[Settings, list[ConfigError]]:
    from ide_agent.config import load

    return load(user=config_file(), workspace=folder, editor=editor)


def _uri(folder: Path | None) -> str | None:
    return from_fs_path(str(folder)) if folder else None

"""One context builder for each workspace folder, under that folder's settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .context import ContextBuilder

if TYPE_CHECKING:
    from ide_agent.config import CompletionSettings
    from ide_agent.editor.documents import Document
    from ide_agent.editor.server import EditorServer


class Rooms:
    """The builders of one editor; other settings make a new one."""

    def __init__(self, server: EditorServer) -> None:
        self._server = server
        self._builders: dict[Path | None, tuple[CompletionSettings, ContextBuilder]] = {}

    def of(self, document: Document) -> tuple[CompletionSettings, ContextBuilder]:
        """The settings that hold for `document`, and its folder's builder."""
        settings = self._server.settings_for(document.uri).completion
        root = self._server.documents.folder_of(document.uri)
        known = self._builders.get(root)
        if known is None or known[0] != settings:
            known = self._builders[root] = (settings, ContextBuilder(self._server, settings, root))
            self._server.configuration.report(known[1].policy.problems)
        return known

    def forget(self, uri: str) -> None:
        """The document was closed."""
        for _, builder in self._builders.values():
            builder.forget(uri)

    def refresh(self) -> bool:
        """Drop the builders whose settings have changed; whether there were any."""
        now = self._server.configuration.by_folder
        old = [
            root
            for root, (settings, _) in self._builders.items()
            if root not in now or now[root].completion != settings
        ]
        for root in old:
            del self._builders[root]
        return bool(old)

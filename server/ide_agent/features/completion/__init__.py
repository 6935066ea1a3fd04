"""Ghost text: from what the editor knows to a suggestion that is worth showing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ide_agent.hooks import hookimpl

if TYPE_CHECKING:
    from ide_agent.editor.server import EditorServer
    from ide_agent.host.services import Services


@hookimpl
def register_editor(server: EditorServer) -> None:
    """`textDocument/inlineCompletion` and what belongs to it."""
    from .editor import register

    register(server)


@hookimpl
def register_host(services: Services) -> None:
    """``/completion`` and its siblings."""
    from .api import register

    register(services)

"""The extension contract: all that a feature, built in or from PyPI, may hook into.

A plugin is a module named by an entry point of the group ``ide_agent.plugins``. It implements any of the
functions of `Hooks`, marked with `hookimpl`, and imports what is heavy inside them, never at its top.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import typer

    from ide_agent.editor.server import EditorServer
    from ide_agent.host.services import Services

GROUP = "ide_agent.plugins"
hookspec = pluggy.HookspecMarker("ide_agent")
hookimpl = pluggy.HookimplMarker("ide_agent")


class Hooks:
    """What a plugin can implement. Every hook is optional."""

    @hookspec
    def register_editor(self, server: EditorServer) -> None:
        """In the lsp process, before `initialize`: add LSP features and commands to `server`."""

    @hookspec
    def register_host(self, services: Services) -> None:
        """In the host: add routers to ``services.app`` and start/stop callbacks."""

    @hookspec
    def register_cli(self, app: typer.Typer) -> None:
        """Add commands to `ide-agent`."""


@cache
def plugins() -> pluggy.PluginManager:
    """The plugin manager with all installed plugins loaded, once a process."""
    manager = pluggy.PluginManager("ide_agent")
    manager.add_hookspecs(Hooks)
    manager.load_setuptools_entrypoints(GROUP)
    return manager

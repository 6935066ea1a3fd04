"""Routing rules: which model answers which request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ide_agent.hooks import hookimpl

if TYPE_CHECKING:
    import typer

    from ide_agent.editor.server import EditorServer
    from ide_agent.host.services import Services


@hookimpl
def register_editor(server: EditorServer) -> None:
    """Help in files of rules, and the command ``ideAgent.routes.open``."""
    from ide_agent.features.routing import editor

    editor.register(server)


@hookimpl
def register_host(services: Services) -> None:
    """Routes ``/routes…`` and the panel ``routes``."""
    from ide_agent.features.routing import api, panel

    services.app.include_router(api.routes(services))
    panel.register(services)


@hookimpl
def register_cli(app: typer.Typer) -> None:
    """``ide-agent routes …``."""
    from ide_agent.features.routing import cli

    app.add_typer(cli.app())

"""Models on other machines: whether they may be asked, with which keys, and what was sent to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ide_agent.hooks import hookimpl

if TYPE_CHECKING:
    import typer

    from ide_agent.editor.server import EditorServer
    from ide_agent.host.services import Services


@hookimpl
def register_editor(server: EditorServer) -> None:
    """The panel's button that opens the settings."""
    from ide_agent.paths import config_file

    server.panels.follow("remote", "edit", lambda: server.panels.show_file(config_file()))


@hookimpl
def register_host(services: Services) -> None:
    """Routes ``/remote…``, the audit log and the panel ``remote``."""
    from ide_agent.features.remote import api, panel
    from ide_agent.features.remote.service import Remote

    remote = Remote(services)
    services.on_stop(remote.audit.close)
    services.app.include_router(api.routes(remote))
    panel.register(services, remote)


@hookimpl
def register_cli(app: typer.Typer) -> None:
    """``ide-agent remote …``."""
    from ide_agent.features.remote import cli

    app.add_typer(cli.app())

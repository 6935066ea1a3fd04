"""The model hub: models by name, pulled onto this machine, listed, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ide_agent.hooks import hookimpl

if TYPE_CHECKING:
    import typer

    from ide_agent.editor.server import EditorServer
    from ide_agent.host.services import Services


@hookimpl
def register_editor(server: EditorServer) -> None:
    """Commands ``ideAgent.models.…`` and the offer of the starter model."""
    from ide_agent.features.hub import editor

    editor.register(server)


@hookimpl
def register_host(services: Services) -> None:
    """Routes ``/models…`` and the panel ``hub``."""
    from ide_agent.features.hub import api, panel
    from ide_agent.features.hub.active import Activations
    from ide_agent.features.hub.pulls import Pulls
    from ide_agent.features.hub.service import Hub

    hub = Hub()
    pulls = Pulls(hub, services)
    activations = Activations(services, pulls.changed)
    services.on_stop(pulls.close)
    services.on_start(pulls.resume)
    services.on_start(activations.restore)
    services.on_stop(activations.close)
    services.app.include_router(api.routes(services, hub, pulls, activations))
    panel.register(services, hub, pulls, activations)


@hookimpl
def register_cli(app: typer.Typer) -> None:
    """``ide-agent models …``."""
    from ide_agent.features.hub import cli

    app.add_typer(cli.app())

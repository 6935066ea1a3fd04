"""Models on other machines: whether they may be asked, with which keys, and what was sent to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ide_agent.hooks import hookimpl

if TYPE_CHECKING:
    from ide_agent.host.services import Services


@hookimpl
def register_host(services: Services) -> None:
    """Routes ``/remote…`` and the audit log."""
    from ide_agent.features.remote import api
    from ide_agent.features.remote.service import Remote

    services.app.include_router(api.routes(Remote(services)))

"""Removing a model beneath a host: its engines end first, and nothing of it comes back by itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ide_agent.errors import ModelError, ModelNotFound
from ide_agent.features.hub import kept
from ide_agent.features.hub.calling import proper
from ide_agent.features.hub.defaults import changed, defaults
from ide_agent.features.hub.trained import Trained

if TYPE_CHECKING:
    from ide_agent.features.hub.pulls import Pulls
    from ide_agent.features.hub.service import Hub
    from ide_agent.host.services import Services


@dataclass(frozen=True)
class Removal:
    """What there is to remove.

    Attributes:
        name: of the model, in full.
        held: bytes of the model.
        loaded: it is in memory, on its way there, or waits for a place.
        own: its adapters.
        default: see `defaults.changed`; empty before that.
    """

    name: str
    held: int
    loaded: bool
    own: Trained | None
    default: dict[str, str | None] = field(default_factory=dict)

    def as_wire(self, *, adapters: bool) -> dict[str, Any]:
        """As the route returns it; with the `adapters` or without."""
        own = self.own
        about = None if own is None else {"count": own.count, "bytes": own.bytes, "folder": str(own.folder)}
        freed = self.held + (own.bytes if own is not None and adapters else 0)
        told = {"name": self.name, "bytes": freed, "loaded": self.loaded, "adapters": about}
        return told | ({"default": self.default} if self.default else {})


async def look(services: Services, hub: Hub, name: str, *, adapters: bool = False) -> Removal:
    """What removing model `name`, with its `adapters` or without, would remove.

    Raises:
        ModelNotFound: nothing of that name is here.
    """
    rows = [row["name"] for row in services.inference.running()]

    def measured() -> Removal:
        full = proper(hub, name)
        own = hub.trained(full)
        try:
            held = hub.size(full)
        except ModelNotFound:
            if not (own and adapters):
                raise
            held = 0  # the model went before
        loaded = any(row == full or row.startswith(f"{full}/") for row in rows)
        return Removal(full, held, loaded, own)

    return await asyncio.to_thread(measured)


async def remove(
    services: Services, hub: Hub, pulls: Pulls, name: str, *, adapters: bool = False, force: bool = True
) -> Removal:
    """Remove model `name`, an unfinished download included; what was there.

    Args:
        services: the host's.
        hub: where it is.
        pulls: of that hub.
        name: of the model.
        adapters: what was trained for it goes, too.
        force: also where it is in memory.

    Raises:
        ModelNotFound: nothing of that name is here.
        ModelError: it is in memory and not forced, is being downloaded, or the system does not let it go.
    """
    found = await look(services, hub, name, adapters=adapters)
    if found.loaded and not force:
        raise ModelError("error.model.in_memory", name=found.name)
    if found.held and await asyncio.to_thread(hub.is_pulled, found.name.partition("/")[0]):
        raise ModelError("error.model.pulling", name=found.name)  # before anything of it ends
    settings = services.settings.inference
    before = await asyncio.to_thread(defaults, hub.folder, settings)
    await services.inference.release(found.name)  # an engine would keep the space of its file
    if found.held:
        await asyncio.to_thread(hub.remove, found.name)
    if adapters:
        await asyncio.to_thread(hub.forget_adapters, found.name)
    kept.drop(found.name)
    pulls.forget(found.name)
    pulls.changed()
    now = await asyncio.to_thread(defaults, hub.folder, settings)
    return replace(found, default=changed(before, now, settings))

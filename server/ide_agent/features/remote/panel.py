"""The panel ``remote``: on or off, endpoints and their keys, what was used today, what was sent."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from ide_agent.errors import PanelError
from ide_agent.features.remote import drawing
from ide_agent.features.remote.service import Remote
from ide_agent.features.remote.switch import begin
from ide_agent.locale import translate
from ide_agent.panels import Panel, PanelEvent
from ide_agent.paths import config_file

if TYPE_CHECKING:
    from ide_agent.host.services import Services

log = logging.getLogger(__name__)
_LOOK_SECONDS = 2.0
"""How often to look: other programs and the command line change things, too."""
_ENTRIES = 50


class RemotePanel:
    """Fills the panel and keeps it up to date."""

    def __init__(self, services: Services, remote: Remote) -> None:
        self._services = services
        self._remote = remote

    async def open(self, panel: Panel) -> None:
        """An opener, as `Panels.offer` takes it."""
        panel.on("on", partial(self._switch, panel, True))
        panel.on("off", partial(self._switch, panel, False))
        panel.on("test", partial(self._test, panel))
        panel.on("key", partial(self._set_key, panel))
        panel.on("forget", partial(self._remove_key, panel))
        panel.on("edit", partial(self._edit, panel))
        await self._draw(panel)
        panel.spawn(self._keep(panel))

    async def _switch(self, panel: Panel, on: bool, event: PanelEvent) -> str:
        await self._remote.switch(on)
        await self._draw(panel)
        enabled = self._services.remotes.settings.enabled
        return translate("remote.is_on" if enabled else "remote.is_off", panel.language)

    async def _test(self, panel: Panel, event: PanelEvent) -> str:
        name = _text(event.action, event.args.get("name"))
        try:
            found = await self._remote.test(name)
        finally:
            await self._draw(panel)
        count, seconds = len(found["models"]), found["seconds"]
        return translate("remote.works", panel.language, name=name, count=count, seconds=seconds)

    async def _set_key(self, panel: Panel, event: PanelEvent) -> str:
        name = _text(event.action, event.values.get("name"))
        place = await self._remote.set_key(name, _text(event.action, event.values.get("key")))
        await self._draw(panel)
        file = self._services.secrets.file
        return translate(f"remote.key.stored_{place}", panel.language, name=name, file=file)

    async def _remove_key(self, panel: Panel, event: PanelEvent) -> str:
        name = _text(event.action, event.args.get("name"))
        removed = await self._remote.remove_key(name)
        await self._draw(panel)
        return translate("remote.key.removed" if removed else "remote.key.none", panel.language, name=name)

    async def _edit(self, panel: Panel, event: PanelEvent) -> str:
        """Editors then open the file; where there is none, this is what to say."""
        file = config_file()
        await asyncio.to_thread(begin, file, translate("remote.panel.begun", panel.language))
        return translate("remote.panel.edit_it", panel.language, file=str(file))

    async def _keep(self, panel: Panel) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self._draw(panel)
            except Exception as failure:  # of the database, perhaps; the next look may be luckier
                log.warning("the panel of remote models could not be drawn: %s", type(failure).__name__)

    async def _draw(self, panel: Panel) -> None:
        state = await self._remote.described()
        usage = await self._remote.usage()
        entries = await self._remote.audit.last(_ENTRIES)
        redact = self._services.remotes.settings.redact
        blocks: list[Any] = [
            drawing.about(state["enabled"], panel.language),
            drawing.switch(state["enabled"], redact, panel.language),
            drawing.endpoints(state["endpoints"], panel.language),
            drawing.edit(panel.language),
            drawing.used(usage, panel.language),
            drawing.log(entries, panel.language),
        ]
        with panel.together():
            panel.set(*blocks)
            if state["endpoints"]:
                panel.remove(drawing.EXAMPLE)
                panel.set(drawing.key_form(state["endpoints"], panel.language), before=drawing.USAGE)
            else:
                panel.remove(drawing.KEY)
                panel.set(drawing.example(), before=drawing.EDIT)


def register(services: Services, remote: Remote) -> None:
    """Offer the panel."""
    services.panels.offer("remote", "remote.panel.title", RemotePanel(services, remote).open)


def _text(action: str, value: object) -> str:
    """What was given.

    Raises:
        PanelError: nothing was.
    """
    if not isinstance(value, str) or not value.strip():
        raise PanelError("error.panel.action", action=action)
    return value.strip()

"""Signing in to a hub in the panel of models: a question for a token, where one is lacking."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from ide_agent.errors import DownloadError
from ide_agent.features.hub import forms
from ide_agent.features.hub.sources import account, pages, token
from ide_agent.locale import translate
from ide_agent.panels import Caution, Panel, PanelEvent

if TYPE_CHECKING:
    from ide_agent.features.hub.pulls import Pulls
    from ide_agent.host.services import Services
    from ide_agent.panels.panel import Handler


class Login:
    """The form for the token of a hub, in panels where the hub has refused something."""

    def __init__(self, services: Services, pulls: Pulls) -> None:
        self._secrets = services.secrets
        self._pulls = pulls
        self._asked: set[Panel] = set()

    def open(self, panel: Panel) -> None:
        """Say what its buttons do."""
        panel.on("login", partial(self._give, panel))
        panel.on("logout", partial(self._forget, panel))
        panel.on_close(lambda: self._asked.discard(panel))

    def watched(self, panel: Panel, handler: Handler) -> Handler:
        """`handler`; where the hub refuses it, the form shows."""

        async def watching(event: PanelEvent) -> str | None:
            try:
                return await handler(event)
            except DownloadError as failure:
                if failure.key_used in token.LACKING:
                    self._asked.add(panel)
                    self._pulls.changed()
                raise

        return watching

    def dismiss(self, panel: Panel) -> None:
        """Ask there no longer, unless a pull lacks one."""
        self._asked.discard(panel)
        self._pulls.changed()

    def draw(self, panel: Panel, before: str) -> None:
        """Show the form where it is asked for, at the latest before that block."""
        if panel in self._asked or self._refused():
            panel.set(forms.login_form(panel.language), before=before)
        else:
            panel.remove(forms.LOGIN)

    def _refused(self) -> list[str]:
        """Names of the models whose pull was."""
        return [name for name, each in self._pulls.failed.items() if each.error.key_used in token.LACKING]

    async def _give(self, panel: Panel, event: PanelEvent) -> str:
        given = str(event.values.get("token", ""))
        known = await asyncio.to_thread(account.is_known, given)
        place = await asyncio.to_thread(token.give, given)
        self._asked.discard(panel)
        for name in self._refused():
            self._pulls.want(self._pulls.failed[name].entry)
        self._pulls.changed()
        file = self._secrets.file
        told = translate(f"hub.login.stored_{place}", panel.language, host=pages.host(), file=file)
        if not known:
            told = Caution(f"{told} {translate('hub.login.unchecked', panel.language, host=pages.host())}")
        return _with_another(told, panel.language)

    async def _forget(self, panel: Panel, event: PanelEvent) -> str:
        gone = await asyncio.to_thread(token.forget)
        self._pulls.changed()
        key = "hub.login.removed" if gone else "hub.login.none"
        return _with_another(translate(key, panel.language, host=gone or pages.host()), panel.language)


def _with_another(told: str, language: str) -> str:
    """`told`; with a caution where another token counts whatever is kept here."""
    if not token.is_of_environment():
        return told
    return Caution(f"{told} {translate('hub.login.environment', language)}")

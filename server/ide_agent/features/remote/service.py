"""Remote models as their owner sees them: on or off, endpoints, keys, what was sent."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ide_agent.errors import IdeAgentError
from ide_agent.features.remote.audit import Audit
from ide_agent.features.remote.switch import switch
from ide_agent.inference.remote.service import key_name, origin
from ide_agent.paths import config_file

if TYPE_CHECKING:
    from ide_agent.config import RemoteSettings
    from ide_agent.host.services import Services
    from ide_agent.inference.remote.endpoint import Endpoint
    from ide_agent.safety.network import NetworkPolicy
    from ide_agent.storage.secrets import Place, Secrets


class Remote:
    """What the routes and the panel do."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.audit = Audit(services.database, lambda: services.remotes.settings, self._warn)
        services.remotes.ledger = self.audit
        self._places: dict[str, Place | None] = {}
        self._failed: dict[str, tuple[dict[str, Any], Endpoint, int]] = {}
        """What the last test found, by name, and how many requests the endpoint had answered by then."""

    async def described(self) -> dict[str, Any]:
        """Whether remote is on, and how each endpoint stands."""
        remotes = self._services.remotes
        found = endpoints(remotes.settings, self._services.network)
        unknown = [each["name"] for each in found if each["name"] not in self._places]
        if unknown:  # asked once: a locked keyring would ask the user to unlock it each time
            self._places |= await asyncio.to_thread(places_of, self._services.secrets, unknown)
        for each in found:
            each["key"] = self._places.get(each["name"])
            try:
                endpoint = await remotes.endpoint(each["name"])
                each["models"] = endpoint.models
                each["answered"] = endpoint.answers > 0
                if (failed := self._failed.get(endpoint.name)) and failed[1:] == (endpoint, endpoint.answers):
                    each["problem"] = failed[0]
                endpoint.check()
                if not endpoint.local:
                    self.audit.check(endpoint.name)
            except IdeAgentError as problem:
                each["problem"] = problem.as_wire()
        return {"enabled": remotes.settings.enabled, "endpoints": found}

    async def switch(self, on: bool) -> None:
        """Switch remote on or off, now and for the future.

        Raises:
            ConfigError: the settings cannot be changed.
        """
        await asyncio.to_thread(switch, config_file(), on)
        self.reload()

    def reload(self) -> None:
        """Settings or keys have changed: end all connections, so that what was forbidden ends at once."""
        self._places.clear()
        self._failed.clear()
        _ = self._services.remotes.settings
        self._services.remotes.forget()

    async def test(self, name: str) -> dict[str, Any]:
        """Ask an endpoint which models it has.

        Raises:
            RemoteError: why it does not work; `described` says so, too, until it answers something.
        """
        started = time.monotonic()
        self._failed.pop(name, None)
        try:
            models = await self._services.remotes.ask_models(name)
        except IdeAgentError as problem:
            with suppress(IdeAgentError):
                endpoint = await self._services.remotes.endpoint(name)
                self._failed[name] = problem.as_wire(), endpoint, endpoint.answers
            raise
        return {"models": models, "seconds": round(time.monotonic() - started, 3)}

    async def set_key(self, name: str, key: str) -> Place:
        """Keep the key of an endpoint; where it is now.

        Raises:
            RemoteRefused: there is no such endpoint.
            SecretError: there is no place for it.
        """
        audience = origin(self._services.remotes.section(name).url)
        place = await asyncio.to_thread(self._services.secrets.set, key_name(name), key, audience)
        self.reload()
        return place

    async def remove_key(self, name: str) -> bool:
        """Forget the key of an endpoint; whether there was one."""
        removed = await asyncio.to_thread(self._services.secrets.remove, key_name(name))
        self.reload()
        return removed

    async def usage(self) -> dict[str, Any]:
        """What was used today; a row without a model is the questions which models there are."""
        day = await self.audit.today()
        models = [
            {"endpoint": endpoint, "model": model, **asdict(used)}
            for (endpoint, model), used in sorted(day.models.items())
        ]
        return {"total": asdict(day.all), "models": models}

    def _warn(self, warning: IdeAgentError) -> None:
        self._services.events.publish({"type": "notice", "error": warning.as_wire()})


def endpoints(settings: RemoteSettings, policy: NetworkPolicy) -> list[dict[str, Any]]:
    """The endpoints of the settings: name, address, where that is, models that are named."""
    return [
        {
            "name": name,
            "url": each.url,
            "local": policy.is_local(each),
            "place": policy.place(each),
            "models": list(each.models),
        }
        for name, each in settings.endpoints.items()
    ]


def places_of(secrets: Secrets, names: list[str]) -> dict[str, Place | None]:
    """Where the key of each endpoint is kept. May wait for the keyring."""
    return {name: secrets.place(key_name(name)) for name in names}

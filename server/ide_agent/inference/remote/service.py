"""The models of other machines and programs: found by name, asked within the limits that the user set."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from ide_agent.config import RemoteEndpoint, RemoteSettings
from ide_agent.errors import ConfigError, IdeAgentError, ModelNotFound, RemoteOff, RemoteRefused
from ide_agent.inference.remote.endpoint import Endpoint
from ide_agent.inference.remote.ledger import Allowance, Ledger, Sent
from ide_agent.inference.remote.model import RemoteModel
from ide_agent.inference.remote.prices import cost_of
from ide_agent.reasons import reason
from ide_agent.safety.network import NetworkPolicy
from ide_agent.safety.placeholders import Placeholders, Spans, own_patterns
from ide_agent.storage.secrets import SecretError, Secrets

log = logging.getLogger(__name__)
_LIST_SECONDS = 5.0
_LOOK_SECONDS = 1.0

_FOR_ALL = ("enabled", "redact", "redact_patterns")
"""Settings whose change ends what is under way to any endpoint."""


class Remotes:
    """All endpoints of the settings.

    Args:
        settings: the user's, as they are now; asked before each request.
        policy: says what may be reached; it follows the settings.
        secrets: where the keys are.
        sleep: waits for a turn, and between attempts.
        clock: monotonic seconds.

    Attributes:
        ledger: notes what leaves this machine. Without one nothing leaves.
    """

    def __init__(
        self,
        settings: Callable[[], RemoteSettings],
        policy: NetworkPolicy,
        secrets: Secrets,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sleep = sleep
        self._clock = clock
        self._current = settings
        self._policy = policy
        policy.refresh = lambda: self.settings
        self._secrets = secrets
        self._settings: RemoteSettings | None = None
        self._own: Spans | None = None
        self._endpoints: dict[str, Endpoint] = {}
        self._noting: set[asyncio.Task[None]] = set()
        self._under_way = 0
        self._watching: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self.ledger: Ledger | None = None

    @property
    def settings(self) -> RemoteSettings:
        """Those in force.

        Where they say something else of an endpoint than the last time it loses its connections. All do where
        remote is switched, so that off is off at once, or where what waits to leave is to hide other secrets.
        """
        now, was = self._current(), self._settings
        if now != was:
            self._settings = now
            self._own = None
            self._policy.remote = now.enabled
            every = was is None or any(getattr(now, name) != getattr(was, name) for name in _FOR_ALL)
            self._drop(lambda each: every or now.endpoints.get(each.name) != each.settings)
        return now

    def forget(self) -> None:
        """End all connections and look up the keys anew."""
        self._drop(lambda _: True)

    def _drop(self, which: Callable[[Endpoint], bool]) -> None:
        for endpoint in filter(which, list(self._endpoints.values())):
            del self._endpoints[endpoint.name]
            task = asyncio.get_running_loop().create_task(endpoint.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def owner(self, name: str) -> str:
        """The endpoint that the model `name` is of; empty: none."""
        endpoint, slash, model = name.partition("/")
        return endpoint if slash and model and endpoint in self.settings.endpoints else ""

    def is_local(self, endpoint: str) -> bool:
        """Whether that endpoint is on this machine."""
        return self._policy.is_local(self.settings.endpoints[endpoint])

    async def find(
        self, name: str, *, private: bool = False, hurried: bool = False, asked: str = ""
    ) -> RemoteModel | None:
        """The model called `name`, if it is one of an endpoint.

        Args:
            name: ``endpoint/model``.
            private: only an endpoint on this machine will do.
            hurried: an answer that would come late is not wanted.
            asked: what for, e.g. ``/chat/completions``; noted where nothing may be sent.

        Raises:
            ModelNotFound: it is private, and the endpoint is on another machine.
            RemoteOff: it is on another machine, and remote is off.
            BudgetSpent: nothing more may be sent there today.
            RemoteError: it cannot be asked now.
        """
        owner = self.owner(name)
        if not owner:
            return None
        model = self._model(await self.endpoint(owner), name.removeprefix(f"{owner}/"), hurried=hurried)
        if private and not model.endpoint.local:  # of the very address that would be asked
            raise ModelNotFound("error.routes.private")
        self._check(model, asked)
        if not model.endpoint.local:
            self._books().check(owner, model.id)
        return model

    async def allow(self, name: str, allowance: Allowance) -> None:
        """Whether a rule lets the model `name` be used once more today. On this machine nothing is counted.

        Raises:
            BudgetSpent: it does not.
            RemoteRefused: that cannot be known.
        """
        owner = self.owner(name)
        if owner and not self.is_local(owner):
            await self._books().allow(owner, name.removeprefix(f"{owner}/"), allowance)

    def section(self, name: str) -> RemoteEndpoint:
        """What the settings say of the endpoint called `name`.

        Raises:
            RemoteRefused: nothing.
        """
        return self.settings.endpoint(name)

    async def _key(self, name: str, section: RemoteEndpoint) -> str:
        try:
            key, audience = await asyncio.to_thread(self._secrets.kept, key_name(name))
        except SecretError:
            if self._policy.is_local(section):  # most of those want none
                return ""
            raise
        if key and audience and audience != (now := origin(section.url)):
            raise RemoteRefused("error.remote.other_key", endpoint=name, host=audience, now=now)
        return key

    async def endpoint(self, name: str) -> Endpoint:
        """The endpoint called `name`.

        Raises:
            RemoteRefused: there is none, or its key is for another host.
            SecretError: the keyring is locked.
        """
        settings = self.section(name)
        found = self._endpoints.get(name)
        if found is None:
            key = await self._key(name, settings)
            found = Endpoint(name, settings, self._policy, key, self._sleep, self._clock)
            # who asked at the same time may have been first; settings may have changed
            if self.settings.endpoints.get(name) != settings:
                return await self.endpoint(name)
            found = self._endpoints.setdefault(name, found)
        return found

    async def ask_models(self, name: str) -> list[str]:
        """Ask the endpoint called `name` which models it has.

        Raises:
            RemoteError: it cannot be asked.
        """
        model = self._model(await self.endpoint(name), "")
        self._check(model, "/models")
        return model.endpoint.listed(await model.request("GET", "/v1/models"))

    async def listed(self) -> list[tuple[str, str]]:
        """Each model that can be asked now and its endpoint; endpoints that do not answer have none."""
        names = [name for name in self.settings.endpoints if self._policy.remote or self.is_local(name)]
        return [each for models in await asyncio.gather(*map(self._listed, names)) for each in models]

    async def _listed(self, name: str) -> list[tuple[str, str]]:
        endpoint: Endpoint | None = None
        try:
            async with asyncio.timeout(_LIST_SECONDS):
                endpoint = await self.endpoint(name)
                if endpoint.listing_due:
                    await self.ask_models(name)
        except Exception as failure:  # one that is broken does not hide the others
            log.info("the models of %s are not known: %s", name, type(failure).__name__)
        if endpoint is None:
            return []
        if endpoint.listing_due:
            endpoint.not_listed()  # not asked again with every list
        return [(f"{name}/{model}", name) for model in endpoint.models]

    async def close(self) -> None:
        """End all connections, and note what they came to."""
        self.forget()
        if self._watching is not None:
            self._watching.cancel()
        while tasks := [*self._closing, *self._noting]:
            await asyncio.gather(*tasks, return_exceptions=True)

    # -- the books of `RemoteModel`

    async def begin(self, sent: Sent) -> None:
        """Note that `sent` is about to leave.

        Raises:
            BudgetSpent: nothing more may be sent there today.
            RemoteRefused: it cannot be noted, and so it must not leave.
        """
        noting = asyncio.create_task(self._noted(sent))
        try:
            await asyncio.shield(noting)
        except asyncio.CancelledError:  # it did not leave
            self._later(self._taken_back(sent, noting))
            raise
        self._under_way += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())

    def end(self, sent: Sent, usage: dict[str, Any]) -> None:
        """Note how it ended. Takes a moment of its own: who left does not wait for it."""
        self._under_way -= 1
        self._later(self._end(sent, usage))

    def held_back(self, sent: Sent) -> None:
        """Note that nothing of `sent` may leave. Takes a moment of its own."""
        if self.ledger is not None:
            self._later(self.ledger.held_back(sent))

    def _check(self, model: RemoteModel, asked: str) -> None:
        """Whether it may and can be asked at this moment; what no-cloud mode forbids is noted."""
        try:
            model.endpoint.check()
        except RemoteOff as refusal:
            self.held_back(model.refused(asked, refusal))
            raise

    async def _watch(self) -> None:
        """While requests are under way, look whether the settings still allow them."""
        while self._under_way:
            await asyncio.sleep(_LOOK_SECONDS)
            _ = self.settings

    async def _noted(self, sent: Sent) -> None:
        sent.number = await self._books().begin(sent)

    async def _taken_back(self, sent: Sent, noting: asyncio.Task[None]) -> None:
        with suppress(IdeAgentError):
            await noting
            sent.tokens_in, sent.outcome, sent.left = 0, "cancelled", False
            await self._books().end(sent)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def _end(self, sent: Sent, usage: dict[str, Any]) -> None:
        counted = usage or {"prompt_tokens": sent.tokens_in, "completion_tokens": sent.tokens_out}
        endpoint = self.settings.endpoints.get(sent.endpoint)
        if endpoint is not None and sent.model and (sent.tokens_in or sent.tokens_out):
            try:
                sent.cost = await asyncio.to_thread(cost_of, endpoint.url, sent.model, counted)
            except Exception:  # whatever the table of prices makes of what an API counted
                log.exception("what a request to %s cost is not known", sent.endpoint)
        await self._books().end(sent)

    def _books(self) -> Ledger:
        if self.ledger is None:
            raise RemoteRefused("error.remote.unaudited", reason=reason("no_log"))
        return self.ledger

    def _model(self, endpoint: Endpoint, id: str, *, hurried: bool = False) -> RemoteModel:
        hiding = self._placeholders if self.settings.redact else None
        return RemoteModel(id, endpoint, self, hiding, hurried=hurried)

    def _placeholders(self) -> Placeholders:
        """Those of a new request.

        Raises:
            ConfigError: one of the user's expressions is not valid: nothing is sent without it.
        """
        patterns = self.settings.redact_patterns
        if patterns and self._own is None:
            self._own = own_patterns(patterns)
        return Placeholders(self._own)

    @property
    def problem(self) -> ConfigError | None:
        """What is wrong with the user's expressions."""
        try:
            self._placeholders()
        except ConfigError as problem:
            return problem
        return None


def origin(url: str) -> str:
    """Whom a key for `url` is for: scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def key_name(endpoint: str) -> str:
    """What the key of `endpoint` is called among the secrets."""
    return f"remote.{endpoint}"

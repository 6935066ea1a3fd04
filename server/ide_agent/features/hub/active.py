"""Models that somebody activates: loaded now, kept until they are deactivated, also by the next host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ide_agent.errors import IdeAgentError, ModelError, ModelNotFound
from ide_agent.features.hub import kept

if TYPE_CHECKING:
    from ide_agent.host.services import Services
    from ide_agent.inference import Engine


class Activation:
    """A model on its way to being active.

    Attributes:
        name: of the model.
        reason: why it waits; None when it does not.
        wanted: how many wait for it.
        restored: it was activated before the host left, and comes back by itself.
        task: does it.
    """

    task: asyncio.Task[Engine]

    def __init__(self, name: str, restored: bool) -> None:
        self.name = name
        self.restored = restored
        self.reason: IdeAgentError | None = None
        self.wanted = 0
        self._news = asyncio.Event()

    @property
    def by_itself(self) -> bool:
        """It came back by itself, and nobody has asked for it since."""
        return self.restored and self.wanted <= 1

    def tell(self, reason: IdeAgentError | None) -> bool:
        """It waits, or has ended; whether that is news."""
        if reason is not None and self.reason is not None and reason.as_wire() == self.reason.as_wire():
            return False
        self.reason = reason
        news, self._news = self._news, asyncio.Event()
        news.set()
        return True

    async def follow(self) -> AsyncGenerator[IdeAgentError]:
        """Why it waits, whenever that is something else, until it has ended."""
        while not self.task.done():
            news = self._news
            if self.reason is not None:
                yield self.reason
            if not self.task.done():
                await news.wait()


class Activations:
    """Activates models, one task each however many want it. Belongs to the host's event loop.

    Args:
        services: the host's.
        changed: called when there is news.

    Attributes:
        failed: why the last activation of a model came to nothing, until the next one.
        latest: the model that somebody activated last, unless it was deactivated since; empty: none.
    """

    def __init__(self, services: Services, changed: Callable[[], None] = lambda: None) -> None:
        self._services = services
        self._changed = changed
        self._running: dict[str, Activation] = {}
        self.failed: dict[str, IdeAgentError] = {}
        self.latest = ""

    @property
    def running(self) -> list[Activation]:
        """Those on their way."""
        return list(self._running.values())

    def want(self, model: str, *, restored: bool = False) -> Activation:
        """The activation of `model`, begun if it is not. `leave` gives it up again.

        Args:
            model: its name.
            restored: see `Activation`.

        Raises:
            ModelNotFound: no such model here.
        """
        name = self._services.models.find(model).name
        found = self._running.get(name)
        if found is None:
            found = self._running[name] = Activation(name, restored)
            self.failed.pop(name, None)
            found.task = asyncio.create_task(self._run(found))
            found.task.add_done_callback(lambda _, ended=found: self._ended(ended))  # type: ignore[misc]
        found.wanted += 1
        return found

    def leave(self, activation: Activation) -> None:
        """Want it no longer; when nobody does and it still waits, it is given up."""
        activation.wanted -= 1
        if activation.wanted <= 0:
            activation.task.cancel()

    async def deactivate(self, model: str) -> int:
        """End `model` once its work is done, or its wait; how many of its engines and waits there were.

        Raises:
            ModelNotFound: no such model here.
        """
        name = self._services.models.find(model).name
        waiting = self._running.get(name)
        if waiting is not None:
            waiting.task.cancel()
            await asyncio.wait([waiting.task])
        self.failed.pop(name, None)
        self.latest = "" if self.latest == name else self.latest
        kept.forget(name)
        return await self._services.inference.release(name) + (waiting is not None)

    async def restore(self) -> None:
        """Begin to load what was activated before the host left. Nobody waits for it.

        What ended a host that way is not tried again until somebody activates it.
        """
        tried, names = await asyncio.to_thread(lambda: (kept.tried(), kept.names()))
        for name in names:
            try:
                if name in tried:
                    self.failed[self._services.models.find(name).name] = ModelError(
                        "error.model.ended_host", name=name
                    )
                else:
                    self.want(name, restored=True)
            except ModelNotFound:
                kept.forget(name)

    async def close(self) -> None:
        """Give up all."""
        tasks = [each.task for each in self.running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(kept.settle)

    async def _run(self, activation: Activation) -> Engine:
        """Load it. The host stays for that, but not for what comes back by itself and only waits."""
        stays = True

        def tell(reason: IdeAgentError | None) -> asyncio.Future[None] | None:
            nonlocal stays
            stay = reason is None or not activation.by_itself
            if stay and not stays:
                busy.enter_context(self._services.activity.busy("activation"))
            elif not stay:
                busy.close()
            stays = stay
            if activation.tell(reason):
                self._changed()
            if reason is None and activation.restored:
                return asyncio.wrap_future(kept.begin(activation.name))
            return None

        with ExitStack() as busy:
            busy.enter_context(self._services.activity.busy("activation"))
            try:
                return await self._services.inference.activate(activation.name, tell)
            finally:
                if activation.restored:
                    kept.end(activation.name)

    def _ended(self, activation: Activation) -> None:
        del self._running[activation.name]
        task = activation.task
        if not task.cancelled() and (failure := task.exception()) is not None:
            known = isinstance(failure, IdeAgentError)
            self.failed[activation.name] = failure if known else IdeAgentError()  # type: ignore[assignment]
        elif not task.cancelled():
            if not activation.by_itself:
                self.latest = activation.name
            kept.add(activation.name)
            kept.end(activation.name)
        activation.tell(None)
        self._changed()


async def follow(activations: Activations, model: str) -> AsyncGenerator[dict[str, Any]]:
    """Activate `model`: the events of ``POST /models/activate``. Closing the generator gives up the wait.

    Yields:
        ``{"phase": "waiting", "reason"}`` (an error as on the wire) whenever that changes, and last
        ``{"phase": "ready", "name", "engine", "purpose"}``.

    Raises:
        ModelNotFound: no such model here.
        ModelError: somebody deactivated it meanwhile.
        IdeAgentError: it cannot be loaded.
    """
    activation = activations.want(model)
    try:
        yield {"phase": "loading", "name": activation.name}
        async for reason in activation.follow():
            yield {"phase": "waiting", "name": activation.name, "reason": reason.as_wire()}
        if activation.task.cancelled():
            raise ModelError("error.model.deactivated", name=activation.name)
        engine = activation.task.result()
    finally:
        activations.leave(activation)
    yield {
        "phase": "ready",
        "name": engine.model.name,
        "engine": engine.backend,
        "purpose": engine.purpose,
    }

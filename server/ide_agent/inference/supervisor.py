"""Keeps one engine process running for as long as it is wanted."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from ide_agent.errors import (
    EngineClosed,
    EngineCrashed,
    EngineError,
    EngineStartError,
    EngineUnavailable,
    IdeAgentError,
    ModelError,
    ModelFileInvalid,
)
from ide_agent.inference.backends import Backend, EngineSpec
from ide_agent.inference.circuit import Circuit
from ide_agent.inference.client import EngineClient, EngineGone
from ide_agent.inference.process import EngineProcess
from ide_agent.locale import translate
from ide_agent.reasons import Reason, reason_of

log = logging.getLogger(__name__)

State = Literal["unloaded", "loading", "ready", "error"]
_CHECK_AFTER_SECONDS = 15.0
_CHECK_SECONDS = 10.0
_DYING_SECONDS = 3.0


class Running:
    """A process that serves, and the way to talk to it.

    Attributes:
        heard: when it showed that it is well, in monotonic seconds.
        since: when it began to serve, seconds since the epoch.
        lost: why it was started without the projector that it was to have; None where it was not.
    """

    def __init__(
        self, backend: Backend, process: EngineProcess, client: EngineClient, lost: Reason | None = None
    ) -> None:
        self.backend = backend
        self.lost = lost
        self.process = process
        self.client = client
        self.heard = time.monotonic()
        self.since = time.time()
        self.watching: asyncio.Task[None] | None = None


class Supervisor:
    """Starts the engine when it is needed, notices its death, restarts it with growing pauses, gives up for a
    while after repeated crashes.

    A backend that does not come up, does not suit the processor or keeps crashing is given up for the next
    one; only what befalls the last of them is an error.

    Args:
        label: the model's name, for messages.
        backends: at least one, best first.
        make_spec: what a backend is told; called before every start, may refuse with an error of its own.
        on_state: told of every change, with the error when there is one.
    """

    def __init__(
        self,
        label: str,
        backends: Sequence[Backend],
        make_spec: Callable[[Backend], EngineSpec],
        on_state: Callable[[State, IdeAgentError | None], None],
    ) -> None:
        self._label = label
        self._backends = list(backends)
        self._make_spec = make_spec
        self._on_state = on_state
        self._circuit = Circuit()
        self._refusal: ModelFileInvalid | None = None
        self._running: Running | None = None
        self._starting: asyncio.Task[Running] | None = None
        self._closed = False
        self.state: State = "unloaded"

    @property
    def backend(self) -> Backend:
        """The one that is used now."""
        return self._backends[0]

    @property
    def current(self) -> Running | None:
        """What runs now, if anything does."""
        return self._running

    @property
    def given_up(self) -> bool:
        """Whether it cannot be started, for a while at least; `running` says why."""
        return self._refusal is not None or self._circuit.open_for() > 0

    async def running(self) -> Running:
        """The engine, started when it does not run. Many may ask at once; one start serves them all, and goes
        on when the one who asked first loses interest.

        Raises:
            EngineUnavailable: it crashed too often; says for how long it is left off.
            EngineStartError, ModelError: it cannot be started.
            EngineClosed: nobody wants it any more.
        """
        found = self._running
        if found is not None and await self._answers(found):
            return found
        if self._closed:
            raise EngineClosed(model=self._label)
        if self._refusal is not None:
            raise ModelFileInvalid(self._refusal.key_used, **self._refusal.params)
        if self._starting is None:
            self._refuse_if_open()
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(self._started)
        return await asyncio.shield(self._starting)

    def worked(self, running: Running) -> None:
        """`running` answered a request."""
        running.heard = time.monotonic()
        if running is self._running:
            self._circuit.worked()

    async def explain(self, running: Running, failure: EngineGone) -> EngineError:
        """Why a request to `running` broke off, once that is known."""
        process = running.process
        assert running.watching is not None
        await asyncio.wait([running.watching], timeout=_DYING_SECONDS)
        if process.alive:
            running.heard = 0.0  # the next request looks whether it is well
            return EngineCrashed(model=self._label, reason=reason_of(failure))
        return self._crash(process)

    async def unload(self) -> None:
        """Stop the process; the next request starts it again."""
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        running, self._running = self._running, None
        if running is not None:
            await running.process.stop()
            await running.client.close()
            if running.watching is not None:
                await running.watching
            self._change("unloaded")

    async def close(self) -> None:
        """Stop for good."""
        self._closed = True
        await self.unload()

    async def _start(self) -> Running:
        await asyncio.sleep(self._circuit.delay())
        try:
            running = await self._launch()
        except IdeAgentError as failure:
            if isinstance(failure, EngineStartError):
                self._circuit.crashed(failure.params.get("reason", ""))
            self._change("error", failure)
            raise
        except asyncio.CancelledError:
            self._change("unloaded")
            raise
        self._running = running
        running.watching = asyncio.create_task(self._watch(running))
        self._change("ready")
        return running

    async def _launch(self) -> Running:
        """Start the first backend that comes up; rather without a projector than not at all."""
        lost: Reason | None = None
        while True:
            self._change("loading")
            backend, spec = self.backend, self._make_spec(self.backend)
            projector = spec.projector
            if lost is not None:
                spec = replace(spec, projector="")
            try:
                process = await EngineProcess.start(
                    backend.command(), backend.environment(), spec, self._label
                )
            except (EngineStartError, ModelFileInvalid) as failure:
                if spec.projector:
                    lost = failure.params.get("reason", "")  # whether it is at fault the next start shows
                    continue
                lost = None
                if self._give_up(failure.params.get("reason", "")):
                    continue
                if isinstance(failure, ModelFileInvalid):
                    self._refusal = failure  # the same file will not be better the next time
                raise
            if lost is not None:
                blinded = ModelError("error.model.blinded", name=self._label, reason=lost)
                log.warning("%s (%s)", blinded, projector)
            client = EngineClient(f"http://127.0.0.1:{process.port}", spec.api_key)
            return Running(backend, process, client, lost)

    def _give_up(self, reason: Reason) -> bool:
        """Go on with the next backend; False when this is the last."""
        if len(self._backends) == 1:
            return False
        given_up = self._backends.pop(0)
        log.warning(
            "%s: %s is given up (%s)",
            self._label,
            given_up.name,
            translate("error.foreign", "en", message=reason),
        )
        self._circuit = Circuit()
        return True

    def _started(self, task: asyncio.Task[Running]) -> None:
        self._starting = None
        if not task.cancelled():
            task.exception()  # everybody who asked may be gone by now

    async def _watch(self, running: Running) -> None:
        await running.process.wait()
        if self._running is running:
            self._running = None
        if not running.process.stopping:
            self._crashed(running.process)
            await running.client.close()

    async def _answers(self, running: Running) -> bool:
        """Whether the engine is well; looked into only when it has not been heard of for a while."""
        if running.process.alive and time.monotonic() - running.heard < _CHECK_AFTER_SECONDS:
            return True
        if running.process.alive:
            if await _healthy(running.client):
                running.heard = time.monotonic()
                return True
            running.process.kill()
        if running.watching is not None:
            await asyncio.wait([running.watching])  # its death is counted before another one is started
        return False

    def _refuse_if_open(self) -> None:
        seconds = self._circuit.open_for()
        if seconds > 0:
            raise EngineUnavailable(
                model=self._label,
                crashes=self._circuit.crashes,
                reason=self._circuit.reason,
                seconds=math.ceil(seconds),
            )

    def _crashed(self, process: EngineProcess) -> None:
        self._circuit.crashed(process.cause())
        hopeless = process.unsuited or self._circuit.open_for() > 0
        if hopeless and self._give_up(process.cause()):
            self._change("unloaded")
        else:
            self._change("error", self._crash(process))

    def _crash(self, process: EngineProcess) -> EngineCrashed:
        if process.killed:
            return EngineCrashed("error.engine.killed", model=self._label)
        return EngineCrashed(model=self._label, reason=process.cause())

    def _change(self, state: State, error: IdeAgentError | None = None) -> None:
        self.state = state
        if not self._closed:
            self._on_state(state, error)


async def _healthy(client: EngineClient) -> bool:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            return await client.healthy()
    except TimeoutError:
        return False

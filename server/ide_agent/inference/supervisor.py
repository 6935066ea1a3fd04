"""Keeps one engine process running for as long as it is wanted."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Literal

from ide_agent.errors import (
    EngineCrashed,
    EngineError,
    EngineStartError,
    EngineUnavailable,
    IdeAgentError,
)
from ide_agent.inference.backends import Backend, EngineSpec
from ide_agent.inference.circuit import Circuit
from ide_agent.inference.client import EngineClient, EngineGone
from ide_agent.inference.process import EngineProcess

State = Literal["unloaded", "loading", "ready", "error"]
_CHECK_AFTER_SECONDS = 15.0
_CHECK_SECONDS = 10.0
_DYING_SECONDS = 3.0


class Running:
    """A process that serves, and the way to talk to it."""

    def __init__(self, process: EngineProcess, client: EngineClient) -> None:
        self.process = process
        self.client = client
        self.heard = time.monotonic()
        self.watching: asyncio.Task[None] | None = None


class Supervisor:
    """Starts the engine when it is needed, notices its death, restarts it with growing pauses, gives up for a
    while after repeated crashes.

    Args:
        label: the model's name, for messages.
        make_spec: what the engine is told; called before every start, may refuse with an error of its own.
        on_state: told of every change, with the error when there is one.
    """

    def __init__(
        self,
        label: str,
        backend: Backend,
        make_spec: Callable[[], EngineSpec],
        on_state: Callable[[State, IdeAgentError | None], None],
        circuit: Circuit | None = None,
    ) -> None:
        self._label = label
        self._backend = backend
        self._make_spec = make_spec
        self._on_state = on_state
        self._circuit = circuit or Circuit()
        self._running: Running | None = None
        self._starting: asyncio.Task[Running] | None = None
        self._closed = False
        self.state: State = "unloaded"

    @property
    def current(self) -> Running | None:
        """What runs now, if anything does."""
        return self._running

    async def running(self) -> Running:
        """The engine, started when it does not run. Many may ask at once; one start serves them all, and goes
        on when the one who asked first loses interest.

        Raises:
            EngineUnavailable: it crashed too often; says for how long it is left off.
            EngineStartError, ModelError: it cannot be started.
        """
        found = self._running
        if found is not None and await self._answers(found):
            return found
        if self._starting is None:
            self._refuse_if_open()
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(self._started)
        return await asyncio.shield(self._starting)

    def worked(self) -> None:
        """A request was answered in full."""
        self._circuit.worked()
        if self._running is not None:
            self._running.heard = time.monotonic()

    async def explain(self, running: Running, failure: EngineGone) -> EngineError:
        """Why a request to `running` broke off, once that is known."""
        process = running.process
        assert running.watching is not None
        await asyncio.wait([running.watching], timeout=_DYING_SECONDS)
        if process.alive:
            running.heard = 0.0  # the next request looks whether it is well
            return EngineCrashed(model=self._label, reason=str(failure)[:200])
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
        self._change("loading")
        try:
            spec = self._make_spec()
            process = await EngineProcess.start(
                self._backend.command(), self._backend.environment(), spec, self._label
            )
        except EngineStartError as failure:
            self._circuit.crashed(str(failure.params.get("reason", "")))
            self._change("error", failure)
            raise
        except IdeAgentError as failure:
            self._change("error", failure)
            raise
        except asyncio.CancelledError:
            self._change("unloaded")
            raise
        running = Running(process, EngineClient(f"http://127.0.0.1:{process.port}", spec.api_key))
        self._running = running
        running.watching = asyncio.create_task(self._watch(running))
        self._change("ready")
        return running

    def _started(self, task: asyncio.Task[Running]) -> None:
        self._starting = None
        if not task.cancelled():
            task.exception()  # everybody who asked may be gone by now

    async def _watch(self, running: Running) -> None:
        await running.process.wait()
        if self._running is running:
            self._running = None
        if not running.process.stopping:
            self._circuit.crashed(running.process.cause())
            self._change("error", self._crash(running.process))
            await running.client.close()

    async def _answers(self, running: Running) -> bool:
        """Whether the engine is well; looked into only when it has not been heard of for a while."""
        if running.process.alive and time.monotonic() - running.heard < _CHECK_AFTER_SECONDS:
            return True
        if running.process.alive:
            try:
                async with asyncio.timeout(_CHECK_SECONDS):
                    await running.client.request("GET", "/health")
            except (TimeoutError, EngineGone):
                running.process.kill()
            else:
                running.heard = time.monotonic()
                return True
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

    def _crash(self, process: EngineProcess) -> EngineCrashed:
        if process.killed:
            return EngineCrashed("error.engine.killed", model=self._label)
        return EngineCrashed(model=self._label, reason=process.cause())

    def _change(self, state: State, error: IdeAgentError | None = None) -> None:
        self.state = state
        if not self._closed:
            self._on_state(state, error)

"""A model that answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, contextmanager, nullcontext
from typing import Any, TypedDict

from ide_agent.errors import EngineClosed
from ide_agent.inference.backends import Dialect, Purpose
from ide_agent.inference.beside import NOTHING, Beside
from ide_agent.inference.client import EngineGone
from ide_agent.inference.models import ModelFile
from ide_agent.inference.requests import addressed, check_eyes, checked
from ide_agent.inference.resources import Share
from ide_agent.inference.seats import Seats, Stay
from ide_agent.inference.supervisor import State, Supervisor
from ide_agent.inference.turns import Priority, Turns
from ide_agent.inference.whole import streaming, whole

_GENERATING = ("/completion", "/v1/completions", "/v1/chat/completions")


class EngineState(TypedDict):
    """An engine, for people to look at.

    Attributes:
        state: ``unloaded``, ``loading``, ``ready`` or ``error``.
        slots: requests it can work on at once.
        busy: requests that it has now.
        pid: its process; None while there is none.
    """

    model: str
    engine: str
    purpose: Purpose
    state: str
    slots: int
    busy: int
    pid: int | None


class Engine:
    """A loaded model. It may be unloaded when nobody uses it, or crash: the next request brings it back.

    Args:
        idle_seconds: unused for this long, its process is ended.
        supervisor: owns the process.
        on_free: called when nobody uses it any more, and when its process was ended for that.

    Attributes:
        part: what it was planned to get of the machine.
        beside: what it is loaded with.
        kept: somebody activated it: it stays, however long nobody uses it.
        foreground: a person has waited for it since it was loaded.
    """

    def __init__(
        self,
        model: ModelFile,
        purpose: Purpose,
        supervisor: Supervisor,
        *,
        part: Share,
        slots: int,
        idle_seconds: float,
        beside: Beside = NOTHING,
        on_free: Callable[[], None] = lambda: None,
    ) -> None:
        self.model = model
        self.purpose: Purpose = purpose
        self.part = part
        self.beside = beside
        self.slots = slots
        self._supervisor = supervisor
        self._idle_seconds = idle_seconds
        self._on_free = on_free
        self._turns = Turns(max(slots - 1, 1), alone=slots)
        self._seats = Seats(slots)
        self._busy = 0
        self._free = asyncio.Event()
        self._free.set()
        self._closed = False
        self._idle_timer: asyncio.TimerHandle | None = None
        self._unloading: asyncio.Task[None] | None = None
        self._kept = False
        self.foreground = False
        self.last_used = time.monotonic()

    @property
    def name(self) -> str:
        """What clients call the model."""
        return self.model.name

    @property
    def kept(self) -> bool:
        """See the class."""
        return self._kept

    @kept.setter
    def kept(self, kept: bool) -> None:
        self._kept = kept
        if not self._busy and not self._closed:
            self._cancel_timer()
            self._start_timer()

    @property
    def alive(self) -> bool:
        """Whether it is in memory, or on its way there."""
        return self.state in ("loading", "ready")

    @property
    def given_up(self) -> bool:
        """Whether it cannot be started, for a while at least; `start` says why."""
        return self._supervisor.given_up

    @property
    def state(self) -> State:
        """That of its process: ``unloaded``, ``loading``, ``ready`` or ``error``."""
        return self._supervisor.state

    @property
    def since(self) -> float | None:
        """When its process began to serve, seconds since the epoch; None while there is none."""
        running = self._supervisor.current
        return running.since if running is not None else None

    @property
    def pid(self) -> int | None:
        """Its process; None while there is none."""
        running = self._supervisor.current
        return running.process.pid if running is not None else None

    @property
    def backend(self) -> str:
        """The implementation's name, e.g. ``xllamacpp``."""
        return self._supervisor.backend.name

    @property
    def dialect(self) -> Dialect:
        """What it speaks."""
        return self._supervisor.backend.dialect

    @property
    def adapters(self) -> frozenset[str]:
        """Names of the adapters that it has loaded."""
        loads = self._supervisor.backend.adapters
        return frozenset(adapter.name for adapter in self.beside.adapters) if loads else frozenset()

    @property
    def chats(self) -> bool:
        """Whether the model brings a chat template."""
        return bool(self.model.header.chat_template)

    @property
    def opens_thought(self) -> bool:
        """Whether the model's chat template begins a thought that the answer goes on with."""
        return self.model.header.opens_thought

    @property
    def url(self) -> str:
        """Where the engine listens; empty while it does not. A request needs its key too: use `stream` and
        `request`."""
        running = self._supervisor.current
        return running.client.url if running is not None else ""

    @property
    def busy(self) -> int:
        """Requests, turns and leases that hold the engine."""
        return self._busy

    def snapshot(self) -> EngineState:
        """How it stands."""
        return EngineState(
            model=self.model.name,
            engine=self.backend,
            purpose=self.purpose,
            state=self.state,
            slots=self.slots,
            busy=self._busy,
            pid=self.pid,
        )

    async def start(self) -> None:
        """Load the model if it is not.

        Raises:
            ModelError, EngineError: it cannot be.
        """
        async with self._held():
            await self._supervisor.running()

    async def stream(self, path: str, payload: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """POST a request with ``stream: true`` and yield the answer's events.

        Leave it by `contextlib.aclosing` (or exhaust it): closing it is what makes the engine stop, within
        a token or a batch of the prompt.

        Raises:
            EngineClosed: somebody put it away; ask for another one.
            EngineCrashed: the engine died meanwhile.
            EngineError: the engine refused the request, or cannot be started.
            PictureError, ModelError: a picture in it cannot be used, or the model sees none.
        """
        payload, pictures = await checked(path, payload)
        async with self._held():
            running = await self._supervisor.running()
            if pictures:
                check_eyes(self.model, self.beside, running)
            payload = addressed(self.model, running, payload, self.adapters)
            seated = running.backend.seated and path in _GENERATING
            # only an engine that has something to write notices that nobody reads
            hidden = running.backend.progress and path in _GENERATING and not payload.get("return_progress")
            if hidden:
                payload = {**payload, "return_progress": True}
            answers = False
            try:
                async with (
                    self._seats.take(payload) if seated else nullcontext(Stay(payload)) as stay,
                    aclosing(running.client.stream(path, stay.payload)) as events,
                ):
                    async for event in events:
                        if seated:
                            self._seats.heard(stay, event)
                        if not (hidden and "prompt_progress" in event):
                            answers = True
                            yield event
            except EngineGone as failure:
                answers = False
                raise await self._supervisor.explain(running, failure) from failure
            finally:
                if answers:  # to its end or as far as the caller wanted
                    self._supervisor.worked(running)

    async def request(self, method: str, path: str, json: dict[str, Any] | None = None) -> Any:
        """One JSON request, one JSON answer. A caller who leaves stops the engine as in `stream`.

        Raises:
            EngineClosed: somebody put it away; ask for another one.
            EngineCrashed: the engine died meanwhile.
            EngineError: the engine refused the request, or cannot be started.
            PictureError, ModelError: as in `stream`.
        """
        asked, pictures = await checked(path, json or {})
        async with self._held():
            running = await self._supervisor.running()
            if (running.backend.progress or running.backend.streamed) and path in _GENERATING:
                async with aclosing(self.stream(path, streaming(path, asked))) as events:
                    return await whole(events, asked.get("n") or 1)
            if pictures:
                check_eyes(self.model, self.beside, running)
            if json is not None:
                json = addressed(self.model, running, asked, self.adapters)
            try:
                answer = await running.client.request(method, path, json)
            except EngineGone as failure:
                raise await self._supervisor.explain(running, failure) from failure
            self._supervisor.worked(running)
            return answer

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """The token ids of `text`, without a start token.

        Args:
            text: any text.
            special: take the spelling of special tokens for the tokens themselves. Never for a user's text.
        """
        answer = await self.request(
            "POST", "/tokenize", {"content": text, "add_special": False, "parse_special": special}
        )
        return [int(token) for token in answer["tokens"]]

    async def props(self) -> dict[str, Any]:
        """What the engine says about itself and the model (``GET /props``)."""
        answer: dict[str, Any] = await self.request("GET", "/props")
        return answer

    def turn(self, priority: Priority) -> AbstractAsyncContextManager[None]:
        """Hold it around a request: ``background`` and ``api`` ones wait while ``foreground`` ones run.

        Raises:
            EngineClosed: somebody put it away; ask for another one.
        """
        return self._turn(priority)

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Let it count as at work for the time of the block, so that nobody takes its place.

        Raises:
            EngineClosed: somebody put it away; ask for another one.
        """
        if self._closed:
            raise EngineClosed(model=self.model.name)
        self._cancel_timer()
        self._busy += 1
        self._free.clear()
        try:
            yield
        finally:
            self._busy -= 1
            self.last_used = time.monotonic()
            if not self._busy:
                self._free.set()
                if not self._closed:
                    self._start_timer()
                self._on_free()

    async def drained(self) -> None:
        """Return once nobody holds it."""
        while self._busy:
            await self._free.wait()

    def put_away(self) -> None:
        """Give it to nobody any more; `close` is to follow."""
        self._closed = True
        self._cancel_timer()

    async def close(self) -> None:
        """End the process for good; requests that still run break off."""
        self.put_away()
        if self._unloading is not None:
            await asyncio.wait([self._unloading])
        await self._supervisor.close()

    @asynccontextmanager
    async def _turn(self, priority: Priority) -> AsyncGenerator[None, None]:
        async with self._held(), self._turns.take(priority):
            self.foreground = self.foreground or priority == "foreground"
            yield

    @asynccontextmanager
    async def _held(self) -> AsyncGenerator[None, None]:
        """Keep the engine loaded for the time of the block."""
        with self.lease():
            if self._unloading is not None:
                await asyncio.wait([self._unloading])
            yield

    def _start_timer(self) -> None:
        if not self._kept:
            loop = asyncio.get_running_loop()
            self._idle_timer = loop.call_later(self._idle_seconds, self._unload)

    def _unload(self) -> None:
        if not self._busy and self._supervisor.state == "ready":
            self._unloading = asyncio.create_task(self._supervisor.unload())
            self._unloading.add_done_callback(self._unloaded)

    def _unloaded(self, task: asyncio.Task[None]) -> None:
        self._unloading = None
        self.foreground = False
        self._on_free()

    def _cancel_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

"""An engine room without engines, for tests of the host: answers are scripted, cancellations are seen."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ide_agent.config import InferenceSettings
from ide_agent.errors import ModelNotFound
from ide_agent.inference.models import ModelFile, ModelStore

MODEL = ModelFile("fake", Path("/models/fake/fake.gguf"), 12, 1_700_000_000_000_000_000)


def running_row(name: str, *, reason: Any = None, **more: Any) -> dict[str, Any]:
    """A row of ``GET /models/running``."""
    return {
        "name": name,
        "format": "gguf/q4_1",
        "state": "ready",
        "engine": "fake",
        "purpose": "text",
        "active": False,
        "pid": 7,
        "rss": 80_000_000,
        "bytes": 100_000_000,
        "cache": 0,
        "context": 512,
        "slots": 2,
        "busy": 0,
        "since": 1_795_000_000.0,
        "idle": 65.0,
        "reason": reason.as_wire() if reason else None,
        **more,
    }


@dataclass
class FakeEngine:
    """Streams `chunks`; an exception among them is raised, None waits until the caller leaves."""

    chunks: list[dict[str, Any] | Exception | None] = field(default_factory=list)
    answer: Any = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any] | None]] = field(default_factory=list)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    model: ModelFile = MODEL
    name: str = MODEL.name
    backend: str = "fake"
    dialect: str = "llama"
    chats: bool = True
    opens_thought: bool = False
    turns: list[str] = field(default_factory=list)
    open: int = 0
    held: int = 0
    held_when_asked: list[int] = field(default_factory=list)
    open_when_asked: list[int] = field(default_factory=list)
    """Turns that were held when it was asked."""

    @asynccontextmanager
    async def turn(self, priority: str) -> AsyncIterator[None]:
        self.turns.append(priority)
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

    async def stream(self, path: str, payload: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        self.asked.append((path, payload))
        self.held_when_asked.append(self.held)
        self.open_when_asked.append(self.open)
        for chunk in self.chunks:
            if chunk is None:
                await self._wait()
            elif isinstance(chunk, Exception):
                raise chunk
            else:
                yield chunk

    async def request(self, method: str, path: str, json: dict[str, Any] | None = None) -> Any:
        self.asked.append((path, json))
        self.held_when_asked.append(self.held)
        self.open_when_asked.append(self.open)
        if self.answer is None:
            await self._wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def _wait(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()


class FakeInference:
    """Knows one engine, by the names ``fake`` and the empty one."""

    current: "FakeInference"

    def __init__(
        self, settings: InferenceSettings, models: ModelStore, publish: Callable[[dict[str, Any]], None]
    ) -> None:
        FakeInference.current = self
        self.publish = publish
        self.engine_ = FakeEngine()
        self.purposes: list[str] = []
        self.released: list[str] = []
        self.remotes: Any = None
        self.rows: list[Any] = []
        """What `running` tells."""
        self.refusal: Exception | None = None
        """What `activate` raises."""
        self.waits: Exception | None = None
        """Why `activate` does not come to an end."""
        self.closed = False

    @asynccontextmanager
    async def hold(
        self, model: str = "", purpose: str = "text", priority: str = "api"
    ) -> AsyncIterator[FakeEngine]:
        self.purposes.append(purpose)
        if model not in ("", MODEL.name):
            raise ModelNotFound(name=model)
        self.engine_.held += 1
        try:
            yield self.engine_
        finally:
            self.engine_.held -= 1

    @asynccontextmanager
    async def model(
        self,
        model: str = "",
        purpose: str = "text",
        *,
        private: bool = False,
        priority: str = "api",
        asked: str = "",
    ) -> AsyncIterator[Any]:
        remote = None
        if self.remotes is not None:
            hurried = priority != "api"
            remote = await self.remotes.find(model, private=private, hurried=hurried, asked=asked)
        if remote is not None:
            yield remote
            return
        async with self.hold(model, purpose, priority) as engine:
            yield engine

    async def release(self, model: str) -> int:
        self.released.append(model)
        self.rows = []
        return 1

    def snapshot(self) -> list[Any]:
        return []

    def running(self) -> list[Any]:
        return self.rows

    async def activate(self, model: str, on_wait: Callable[[Any], Any] = lambda _: None) -> Any:
        if self.refusal is not None:
            raise self.refusal
        if self.waits is not None:
            self.rows = [running_row(model, state="waiting", reason=self.waits)]
            on_wait(self.waits)
            try:
                await asyncio.Event().wait()
            finally:
                self.rows = []
        self.rows = [running_row(model, active=True)]
        return SimpleNamespace(model=SimpleNamespace(name=model), backend="fake", purpose="text")

    async def close(self) -> None:
        self.closed = True

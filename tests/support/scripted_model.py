"""A model that a test scripts, in place of the host, and the completion policy asked for suggestions."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from ide_agent.config import CompletionSettings
from ide_agent.errors import EngineCrashed
from ide_agent.features.completion.cursor import CursorContext, Offer
from ide_agent.features.completion.service import CompletionService

URI = "file:///a.py"
SETTINGS = CompletionSettings(debounce_min_ms=0, debounce_max_ms=0, prefetch=False)


class Model:
    """A model that says what the test puts into its mouth, when the test says so."""

    def __init__(self) -> None:
        self.asked: list[CursorContext] = []
        self.priorities: list[str] = []
        self.alternatives: list[int] = []
        self.cancelled: list[CursorContext] = []
        self.mouths: list[asyncio.Queue[dict[str, Any]]] = []
        self.local = True
        self.queues = False
        """Whether what is asked with background priority never gets its turn."""
        self.open = 0
        self.most_open = 0
        self.closing = asyncio.Event()
        """Whether a connection closes as soon as it shall."""
        self.closing.set()

    def __call__(
        self, context: CursorContext, shape: Any, settings: Any, priority: str, alternative: int
    ) -> Any:
        self.asked.append(context)
        self.priorities.append(priority)
        self.alternatives.append(alternative)
        mouth: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.mouths.append(mouth)
        return self._speak(context, mouth, queued=self.queues and priority == "background")

    async def _speak(
        self, context: CursorContext, mouth: "asyncio.Queue[dict[str, Any]]", *, queued: bool
    ) -> AsyncGenerator[dict[str, Any], None]:
        finished = False
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            if queued:
                await asyncio.Event().wait()
            yield {"type": "start", "model": "scripted", "local": self.local}
            while not finished:
                event = await mouth.get()
                finished = event["type"] == "done"
                yield event
        finally:
            await self.closing.wait()
            self.open -= 1
            if not finished:
                self.cancelled.append(context)

    def say(self, text: str, mouth: int = -1) -> None:
        self.mouths[mouth].put_nowait({"type": "text", "text": text})

    def end(self, mouth: int = -1, reason: str = "stop") -> None:
        self.mouths[mouth].put_nowait({"type": "done", "finish_reason": reason})

    def fail(self, mouth: int = -1) -> None:
        error = EngineCrashed(model="m", reason="r").as_wire()
        self.mouths[mouth].put_nowait({"type": "error", "error": error})

    async def heard(self, mouth: int = -1) -> None:
        """Wait until all that was said has been read."""
        await until(self.mouths[mouth].empty)
        await asyncio.sleep(0)


def at(prefix: str, suffix: str = "\n", version: int = 1) -> CursorContext:
    return CursorContext(URI, "a.py", "python", version, prefix, 0, suffix, prefix.count("\n"))


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


async def ask(
    service: CompletionService, context: CursorContext, grow: Any = None, **more: Any
) -> Offer | None:
    return await service.suggest(context, SETTINGS.model_copy(update=more), grow)


async def answered(
    service: CompletionService, model: Model, context: CursorContext, text: str
) -> Offer | None:
    """A suggestion that the model gave at once."""
    count = len(model.asked)
    task = asyncio.create_task(ask(service, context))
    await until(lambda: len(model.asked) > count)
    model.say(text)
    model.end()
    return await task

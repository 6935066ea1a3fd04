"""One request to the model, from the first byte to a suggestion that grows line by line."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Literal

from ide_agent.errors import IdeAgentError, from_wire

from .cursor import CursorContext, Suggestion
from .postprocess import clean
from .shape import Shape, finished

log = logging.getLogger(__name__)

Priority = Literal["foreground", "background"]
Stream = AsyncGenerator[dict[str, Any], None]
Grown = Callable[["Generation"], None]


class Generation:
    """The model's answer for one position; runs as a task from the start.

    Attributes:
        suggestion: what can be shown so far; None while there is nothing, or when nothing is worth showing.
        done: nothing more will come.
        conclusive: the model said all it had to say; it neither failed nor was stopped.
        error: why it failed, if it did.
        model: name of the model that answers, once known.
        first_line_s: seconds to the first line, once there is one.
    """

    def __init__(
        self, completion_id: str, context: CursorContext, shape: Shape, stream: Stream, on_grown: Grown
    ) -> None:
        """`on_grown` is called after each change of `suggestion` and when `done` turns true."""
        self.completion_id = completion_id
        self.context = context
        self.suggestion: Suggestion | None = None
        self.done = False
        self.conclusive = False
        self.error: IdeAgentError | None = None
        self.model = ""
        self.first_line_s: float | None = None
        self._shape = shape
        self._on_grown = on_grown
        self._began = time.monotonic()
        self._showable = asyncio.Event()
        self._task = asyncio.create_task(self._run(stream))
        # not at the end of `_run`: a task that is cancelled before its first step never runs at all
        self._task.add_done_callback(self._ended)

    async def showable(self) -> None:
        """Wait until there is a first line to show, or certainty that there will be none."""
        await self._showable.wait()

    async def finished(self, timeout: float) -> None:
        """Wait until nothing more will come, at most `timeout` seconds."""
        await asyncio.wait([self._task], timeout=timeout)

    def cancel(self) -> None:
        """Stop it, down to the engine's slot. What it has said so far stays."""
        self._task.cancel()

    async def _run(self, stream: Stream) -> None:
        try:
            async with aclosing(stream):
                await self._read(stream)
            self.conclusive = True
        except IdeAgentError as error:
            self.error = error
        except Exception:
            log.exception("a completion failed")
            self.error = IdeAgentError()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.done = True
        self._showable.set()
        self._on_grown(self)

    async def _read(self, stream: Stream) -> None:
        raw = ""
        async for event in stream:
            match event["type"]:
                case "start":
                    self.model = event["model"]
                case "text":
                    raw += event["text"]
                    cut = finished(self.context, raw, self._shape)
                    if cut is not None:
                        self._show(raw[:cut], final=True)
                        return
                    if "\n" in event["text"]:
                        self._show(raw, final=False)
                        if self.suggestion is not None and self.suggestion.complete:
                            return
                case "done":
                    self._show(raw, final=True, truncated=event.get("finish_reason") == "length")
                    return
                case "error":
                    raise from_wire(event["error"])

    def _show(self, raw: str, *, final: bool, truncated: bool = False) -> None:
        suggestion = clean(self.context, raw, self._shape, final=final, truncated=truncated)
        if suggestion is None or suggestion == self.suggestion:
            return
        self.suggestion = suggestion
        if self.first_line_s is None:
            self.first_line_s = time.monotonic() - self._began
        if not final and not suggestion.complete:
            self._showable.set()
            self._on_grown(self)

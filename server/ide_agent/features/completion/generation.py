"""One request to the model, from the first byte to a suggestion that grows line by line."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Literal

from ide_agent.errors import IdeAgentError, from_wire

from .cursor import CursorContext, Suggestion
from .postprocess import clean, runs_on
from .shape import Shape, finished

if TYPE_CHECKING:
    from ide_agent.config import CompletionSettings

log = logging.getLogger(__name__)

Priority = Literal["foreground", "background"]
Stream = AsyncGenerator[dict[str, Any], None]
Ask = Callable[[CursorContext, Shape, "CompletionSettings", Priority, int], Stream]
"""Asks the host, last for which alternative; yields the events of ``POST /completion``."""
Grown = Callable[["Generation"], None]


class Generation:
    """The model's answer for one position; runs as a task from the start.

    Attributes:
        suggestion: what can be shown so far; None while there is nothing, or when nothing is worth showing.
        done: nothing more will come.
        conclusive: the model said all it had to say; it neither failed nor was stopped, nor did it break off.
        error: why it failed, if it did.
        model: name of the model that answers, once known.
        notice: what the user is to look after though it answers.
        local: that model is on this machine, as far as is known.
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
        self.notice: IdeAgentError | None = None
        self.local = True
        self.first_line_s: float | None = None
        self._raw = ""
        self._shape = shape
        self._on_grown = on_grown
        self._began = time.monotonic()
        self._showable = asyncio.Event()
        self._news = asyncio.Event()
        self._over = asyncio.Event()
        self._task = asyncio.create_task(self._run(stream))
        # `_run` tells the end itself, except when it is cancelled, perhaps before its first step, or fails
        self._task.add_done_callback(lambda task: self._ended())

    async def showable(self) -> None:
        """Wait until there is a first line to show, or certainty that there will be none."""
        await self._showable.wait()

    def heard(self) -> Awaitable[object]:
        """Await the result: more has been said since this call, or nothing more will be."""
        return self._news.wait()  # of the event that stands here now: the next one may come before the await

    def may_say(self, text: str) -> bool:
        """Whether the answer begins with `text`, as far as it is known; an unfinished line counts."""
        shown = self.suggestion.text if self.suggestion else ""
        return shown.startswith(text) or self._raw.startswith(text) or text.startswith(self._raw)

    async def finished(self, timeout: float | None = None) -> None:
        """Wait until nothing more will come, at most `timeout` seconds; None: however long it takes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._over.wait()

    def cancel(self) -> None:
        """Stop it, down to the engine's slot. What it has said so far stays."""
        if not self.done:  # else it only closes its connection
            self._task.cancel()

    async def _run(self, stream: Stream) -> None:
        try:
            async with aclosing(stream):
                self.conclusive = await self._read(stream)
                self._ended()  # before the connection closes: for that the user does not wait
        except IdeAgentError as error:
            self._failed(error)
        except Exception:
            log.exception("a completion failed")
            self._failed(IdeAgentError())

    def _failed(self, error: IdeAgentError) -> None:
        if self.done:
            log.debug("after the end of a completion: %s", error)
        else:
            self.error = error

    def _ended(self) -> None:
        if self.done:
            return
        self.done = True
        self._showable.set()
        try:
            self._on_grown(self)
        finally:
            self._over.set()
            self._spread()

    async def _read(self, stream: Stream) -> bool:
        """Take what comes; whether that was all of it."""
        async for event in stream:
            match event["type"]:
                case "start":
                    self.model = event["model"]
                    self.local = event.get("local", True)
                    self.notice = from_wire(event["notice"]) if event.get("notice") else None
                case "text":
                    self._raw += event["text"]
                    self._spread()
                    cut = finished(self.context, self._raw, self._shape)
                    if cut is not None:
                        self._show(self._raw[:cut], final=True)
                        return True
                    if "\n" in event["text"]:
                        self._show(self._raw, final=False)
                        if self.suggestion is not None and self.suggestion.complete:
                            return True
                    if runs_on(self._raw, self.context.line_prefix, self._shape.max_columns):
                        self._show(self._raw, final=True, truncated=True)
                        return True
                case "done" if event.get("finish_reason") == "skipped":
                    return False
                case "done":
                    self._show(self._raw, final=True, truncated=event.get("finish_reason") == "length")
                    return True
                case "error":
                    raise from_wire(event["error"])
        return False

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

    def _spread(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

"""A panel while it is open: its blocks, who looks at it, what its buttons do."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from ide_agent.errors import PanelError
from ide_agent.panels.blocks import (
    AppendOp,
    Block,
    CodeBlock,
    FormBlock,
    LogBlock,
    Op,
    PanelEvent,
    PanelPatch,
    PanelState,
    RemoveOp,
    SetOp,
    TextBlock,
    TitleOp,
)

log = logging.getLogger(__name__)


class Caution(str):
    """What to tell a person who is to look after something: it was done, and will not do what was meant."""

    __slots__ = ()


Handler = Callable[[PanelEvent], Awaitable[str | None]]
"""What an action does; returns what to tell the person who pressed it, if anything."""
_BACKLOG = 512
_LONGEST_LOG = 200_000


class Panel:
    """One open panel. Its methods belong to the host's event loop, and none of them waits.

    Args:
        id: unique among the open panels.
        title: in the user's language.
        language: ``en`` or ``tr``, that of all text in it.
    """

    def __init__(self, id: str, title: str, language: str) -> None:
        self._state = PanelState(id=id, title=title, language=language)
        self._blocks: dict[str, Block] = {}
        self._handlers: dict[str, Handler] = {}
        self._viewers: set[_Viewer] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._endings: list[Callable[[], object]] = []
        self._pending: list[Op] | None = None
        self._closed = False

    @property
    def id(self) -> str:
        """Its name on the wire."""
        return self._state.id

    @property
    def language(self) -> str:
        """That of all text in it."""
        return self._state.language

    @property
    def viewers(self) -> int:
        """How many look at it."""
        return len(self._viewers)

    @property
    def state(self) -> PanelState:
        """All of it, as it is now."""
        return self._state.model_copy(update={"blocks": list(self._blocks.values())})

    def block(self, id: str) -> Block | None:
        """The block with that id."""
        return self._blocks.get(id)

    def has(self, id: str) -> bool:
        """Whether there is such a block."""
        return id in self._blocks

    # -- changing it

    def set(self, *blocks: Block, before: str = "") -> None:
        """Replace the blocks with these ids; new ones go before the block `before`, else to the end."""
        with self.together():
            for block in blocks:
                if self._blocks.get(block.id) == block:
                    continue
                self._put(block, before)
                self._change(SetOp(block=block, before=before))

    def append(self, id: str, text: str) -> None:
        """Add `text` to a text, code or log block.

        Raises:
            KeyError: there is no such block, or it does not grow.
        """
        block = self._blocks[id]
        if isinstance(block, TextBlock):
            self._blocks[id] = block.model_copy(update={"markdown": block.markdown + text})
        elif isinstance(block, CodeBlock):
            self._blocks[id] = block.model_copy(update={"text": block.text + text})
        elif isinstance(block, LogBlock):
            self._blocks[id] = block.model_copy(update={"text": (block.text + text)[-_LONGEST_LOG:]})
        else:
            raise KeyError(id)
        self._change(AppendOp(id=id, text=text))

    def remove(self, id: str) -> None:
        """Take a block away, if it is there."""
        if self._blocks.pop(id, None) is not None:
            self._change(RemoveOp(id=id))

    def rename(self, title: str) -> None:
        """Give it another title."""
        self._state.title = title
        self._change(TitleOp(title=title))

    @contextmanager
    def together(self) -> Iterator[None]:
        """All changes within the block reach the viewers as one patch."""
        if self._pending is not None:
            yield
            return
        self._pending = []
        try:
            yield
        finally:
            ops, self._pending = self._pending, None
            if ops:
                self._publish(ops)

    def _put(self, block: Block, before: str) -> None:
        if block.id in self._blocks or before not in self._blocks:
            self._blocks[block.id] = block
            return
        entries = list(self._blocks.items())
        at = next(index for index, (id, _) in enumerate(entries) if id == before)
        self._blocks = dict([*entries[:at], (block.id, block), *entries[at:]])

    def _change(self, op: Op) -> None:
        if self._pending is not None:
            self._pending.append(op)
        else:
            self._publish([op])

    def _publish(self, ops: list[Op]) -> None:
        self._state.revision += 1
        patch = PanelPatch(id=self.id, revision=self._state.revision, ops=ops)
        event = {"type": "patch", "patch": patch.model_dump(mode="json")}
        for viewer in self._viewers:
            viewer.put(event)

    # -- acting

    def on(self, action: str, handler: Handler) -> None:
        """Call `handler` when somebody presses a button with this name."""
        self._handlers[action] = handler

    async def act(self, event: PanelEvent) -> str:
        """Do what `event` asks for; what to tell the person, '' for nothing.

        Raises:
            PanelError: there is no such action, or what it needs was left out.
            IdeAgentError: what the action says.
        """
        handler = self._handlers.get(event.action)
        if handler is None:
            raise PanelError("error.panel.action", action=event.action)
        for block in self._blocks.values():
            if isinstance(block, FormBlock) and block.submit.name == event.action:
                _demand(block, event.values)
        return await handler(event) or ""

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` for as long as the panel is open; where it is closed, `work` does not begin."""
        task = asyncio.create_task(work)
        if self._closed:
            task.cancel()
        self._tasks.add(task)
        task.add_done_callback(self._spawned)
        return task

    def on_close(self, callback: Callable[[], object]) -> None:
        """Call `callback` when it has closed."""
        self._endings.append(callback)

    def _spawned(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            log.error("a task of the panel %s failed: %s", self.id, type(failure).__name__)

    # -- looking at it

    async def watch(self) -> AsyncGenerator[dict[str, Any]]:
        """``{"type": "show", "panel": …}`` first, then ``{"type": "patch", "patch": …}`` until it closes.

        A viewer that does not keep up is shown the whole again instead of what it missed.
        """
        viewer = _Viewer()
        self._viewers.add(viewer)
        if self._closed:
            viewer.close()
        try:
            yield self._shown()
            while True:
                event = await viewer.get()
                if event is None:
                    return
                yield event if event else self._shown()
        finally:
            self._viewers.discard(viewer)

    def _shown(self) -> dict[str, Any]:
        return {"type": "show", "panel": self.state.model_dump(mode="json")}

    async def close(self) -> None:
        """End its tasks and what its viewers watch."""
        self._closed = True
        for viewer in self._viewers:
            viewer.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for ending in self._endings:
            ending()


def _demand(form: FormBlock, values: dict[str, Any]) -> None:
    """Raise PanelError where a question was not answered that has to be; spaces are no answer."""
    for field in form.fields:
        given = values.get(field.name)
        empty = not given.strip() if isinstance(given, str) else given is None or given is False
        if field.required and empty:
            raise PanelError("error.panel.needed", field=field.label)


class _Viewer:
    """What one viewer has yet to read. An empty event stands for the whole panel."""

    def __init__(self) -> None:
        self._events: deque[dict[str, Any]] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    def put(self, event: dict[str, Any]) -> None:
        if len(self._events) >= _BACKLOG:
            self._events.clear()
            event = {}
        if not (self._events and not self._events[-1]):  # the whole will have this change in it
            self._events.append(event)
        self._wake.set()

    def close(self) -> None:
        self._closed = True
        self._wake.set()

    async def get(self) -> dict[str, Any] | None:
        while not self._events:
            if self._closed:
                return None
            self._wake.clear()
            await self._wake.wait()
        return self._events.popleft()

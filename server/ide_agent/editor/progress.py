"""Work that shows its progress in the editor and stops when the user says so."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from ide_agent.editor.protocol import WORK_DONE_TOKEN

if TYPE_CHECKING:
    from ide_agent.editor.server import EditorServer

Report = Callable[[str | None, float | None], None]
"""Takes what is being done, in the user's language, and how many percent of it are; either may be None."""


@asynccontextmanager
async def progress(server: EditorServer, title: str, *, cancellable: bool = True) -> AsyncIterator[Report]:
    """Show `title` while the block runs; yields a `Report`.

    The client's cancel button cancels the task that runs the block: everything it awaits, such as
    `server.host.stream`, ends with it. A client without progress sees nothing; the block runs all the same.
    """
    token = await _token(server)
    if token is None:
        yield _ignore
        return
    shown = server.work_done_progress
    shown.begin(token, types.WorkDoneProgressBegin(title, cancellable=cancellable, percentage=0))
    task = asyncio.current_task()

    def pressed(button: Future[Any]) -> None:
        if button.cancelled() and task is not None:
            task.cancel()

    def report(message: str | None, percent: float | None) -> None:
        whole = None if percent is None else min(100, max(0, round(percent)))
        shown.report(token, types.WorkDoneProgressReport(message=message, percentage=whole))

    shown.tokens[token].add_done_callback(pressed)
    try:
        yield report
    finally:
        shown.end(token, types.WorkDoneProgressEnd())


async def _token(server: EditorServer) -> int | str | None:
    """The token that came with the command, else a new one if the client takes it."""
    given = WORK_DONE_TOKEN.get()
    if given is not None:
        WORK_DONE_TOKEN.set(None)
        return given
    if not server.client.work_done_progress:
        return None
    token = str(uuid.uuid4())
    try:
        await server.work_done_progress.create_async(token)
    except JsonRpcException:
        return None
    return token


def _ignore(message: str | None, percent: float | None) -> None:
    """The report of a client that shows no progress."""

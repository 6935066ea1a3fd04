"""Server-sent events: an async generator of dicts becomes a stream that ends when its reader goes away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Coroutine, Mapping
from contextlib import aclosing, suppress
from typing import Any, TypeVar

from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ide_agent.errors import IdeAgentError
from ide_agent.host.errors import ClientGone, language_of, log_failure

T = TypeVar("T")
_QUIET_SECONDS = 10.0
"""After so long without an event a comment is sent: proxies and clients give up on silent connections."""
_COMMENT = b": still there\n\n"


class EventStream(Response):
    """``text/event-stream`` of the dicts that `events` yields, one ``data:`` line each, ASCII only.

    An error in the generator becomes a last event ``{"type": "error", "error": {...}}``. When the client goes
    away the generator is cancelled where it waits, and closed before the request ends. While there is nothing
    to send, a comment goes out now and then.

    Args:
        events: what to send. JSON objects.
        end: sent as it is after the last event, e.g. ``data: [DONE]``.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[Mapping[str, Any]], *, end: bytes = b"") -> None:
        super().__init__(None, headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self.events = events
        self._end = end
        self._quiet = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the generator ends or the client goes."""
        with suppress(ClientGone):
            await run_until_gone(receive, self._stream(scope, send))

    async def _stream(self, scope: Scope, send: Send) -> None:
        async with aclosing(self.events):
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            comments = asyncio.create_task(self._comment(send))
            try:
                async for event in self.events:
                    self._quiet = False
                    await send({"type": "http.response.body", "body": encode(event), "more_body": True})
            except Exception as failure:
                error = failure if isinstance(failure, IdeAgentError) else IdeAgentError()
                if error is not failure:
                    log_failure(f"{scope['method']} {scope['path']}", failure)
                told = encode({"type": "error", "error": error.as_wire(language_of(scope))})
                await send({"type": "http.response.body", "body": told, "more_body": True})
            finally:
                comments.cancel()
                await asyncio.gather(comments, return_exceptions=True)  # the client may have gone
            await send({"type": "http.response.body", "body": self._end, "more_body": False})

    async def _comment(self, send: Send) -> None:
        while True:
            self._quiet = True
            await asyncio.sleep(_QUIET_SECONDS)
            if self._quiet:
                await send({"type": "http.response.body", "body": _COMMENT, "more_body": True})


async def begun_in_time(work: Coroutine[Any, Any, Response], *, end: bytes = b"") -> Response:
    """The answer that `work` comes to. Where that takes long, a stream that fills the wait and goes on with
    that answer's events; its status is 200 by then, and an error is an event.

    Args:
        work: makes the answer, an `EventStream` or an error as JSON; cancelled with the caller.
        end: as `EventStream` has it.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # the caller may have gone
    try:
        await asyncio.wait([task], timeout=_QUIET_SECONDS)
    except asyncio.CancelledError:
        task.cancel()
        raise
    return task.result() if task.done() else EventStream(_following(task), end=end)


async def _following(task: asyncio.Task[Response]) -> AsyncGenerator[Mapping[str, Any]]:
    try:
        response = await task  # which is cancelled with this
    except ClientGone:
        return
    if isinstance(response, EventStream):
        async with aclosing(response.events):
            async for event in response.events:
                yield event
    else:
        yield json.loads(bytes(response.body))


def encode(event: Mapping[str, Any]) -> bytes:
    """One event. ASCII: some clients split at U+2028 and U+0085 as if they were line ends."""
    return b"data: " + json.dumps(event, separators=(",", ":")).encode("ascii") + b"\n\n"


async def until_gone(request: Request, work: Awaitable[T]) -> T:
    """The result of `work`, which is cancelled when the client closes the connection.

    Raises:
        ClientGone: it did.
    """
    return await run_until_gone(request.receive, work)


async def run_until_gone(receive: Receive, work: Awaitable[T]) -> T:
    """Like `until_gone`, for ASGI code."""
    worker = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait((worker, watcher), return_when=asyncio.FIRST_COMPLETED)
        if worker.done():
            return worker.result()
        raise ClientGone
    finally:
        worker.cancel()
        watcher.cancel()
        await asyncio.gather(worker, watcher, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""An answer on its way from the scheduler to who asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ide_agent.inference.serve.dialect import Native, OpenAI, Wish
from ide_agent.inference.serve.generation import Generation, Piece
from ide_agent.inference.serve.http import error_body, send_json
from ide_agent.inference.serve.scheduler import Scheduler

_Pieces = asyncio.Queue[tuple[int, Piece]]


class Answer(Response):
    """One answer, or several that are made at the same time.

    They leave the scheduler as soon as the client leaves, or one of them fails.

    Args:
        shape: the dialect that is spoken.
        end: sent as it is after the last event of a stream.
    """

    def __init__(self, scheduler: Scheduler, wish: Wish, shape: Native | OpenAI, end: bytes) -> None:
        super().__init__()
        self._scheduler = scheduler
        self._wish = wish
        self._shape = shape
        self._end = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make and send it."""
        loop = asyncio.get_running_loop()
        pieces: _Pieces = asyncio.Queue()
        wish = self._wish

        def emit(index: int, piece: Piece) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, (index, piece))

        prompts = [prompt for prompt in wish.prompts for _ in range(wish.repeat)]
        works = [
            Generation(
                prompt,
                partial(emit, index),
                wish.limit,
                wish.stops,
                wish.sampling,
                wish.reuse,
                wish.interactive,
            )
            for index, prompt in enumerate(prompts)
        ]
        for work in works:
            self._scheduler.submit(work)
        write = self._stream if wish.stream else self._whole
        answering = asyncio.create_task(write(works, pieces, send))
        watching = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait([answering, watching], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for work in works:
                self._scheduler.cancel(work)
            for task in (answering, watching):
                task.cancel()
            await asyncio.wait([answering, watching])
        if not answering.cancelled() and (failure := answering.exception()) is not None:
            raise failure

    async def _stream(self, works: list[Generation], pieces: _Pieces, send: Send) -> None:
        index, piece = await pieces.get()
        if piece.error:
            await send_json(send, error_body(piece.error), 500)
            return
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        unfinished = len(works)
        while True:
            if piece.error:
                unfinished, events = 0, [error_body(piece.error)]
            elif piece.stop != "none":
                unfinished -= 1
                events = self._shape.last(index, piece, works[index])
                events += [] if unfinished else self._shape.end(works)
            else:
                events = self._shape.chunk(index, piece)
            body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
            if not unfinished:
                await send({"type": "http.response.body", "body": body + self._end, "more_body": False})
                return
            if body:
                await send({"type": "http.response.body", "body": body, "more_body": True})
            index, piece = await pieces.get()

    async def _whole(self, works: list[Generation], pieces: _Pieces, send: Send) -> None:
        texts = [""] * len(works)
        last: dict[int, Piece] = {}
        while len(last) < len(works):
            index, piece = await pieces.get()
            if piece.error:
                await send_json(send, error_body(piece.error), 500)
                return
            texts[index] += piece.text
            if piece.stop != "none":
                last[index] = piece
        ends = [last[index] for index in range(len(works))]
        await send_json(send, self._shape.whole(texts, ends, works), 200)


async def _gone(receive: Callable[[], Awaitable[Any]]) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        while (await receive())["type"] != "http.disconnect":
            pass

"""Works on several requests at once, in one thread that owns the model's context.

Each slot is a sequence of the KV cache. A round puts the next token of every answer and a share of every
unfinished prompt into one batch; requests that find no free slot wait in the order they came.

What somebody types is asked again with every pause, and has to be answered from the cache. So where there are
several slots, the one in which that was done last is left to whoever types: chats wait for another.
"""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

from ide_agent.inference.serve.generation import Generation, Piece, StopType
from ide_agent.inference.serve.llama import Context, DecodeFailed, Model
from ide_agent.inference.serve.sampler import Sampler

_PROMPT_SHARE = 32  # prompt tokens in a batch that also carries an answer's next token: keeps answers flowing
_REUSE_CHUNK = 256  # a run of cached tokens shorter than this is not worth moving
_SIMILAR = 0.1  # a slot is continued when it holds at least this part of the prompt
_TYPING_SECONDS = 120.0  # nobody types any more who has not for so long


@dataclass
class _Slot:
    """A sequence of the KV cache.

    Attributes:
        interactive: what it holds or computes is of who types, finished or not.
        used: when it was given work, or was done with it, in monotonic seconds.
    """

    id: int
    cached: list[int] = field(default_factory=list)
    work: Generation | None = None
    sampler: Sampler | None = None
    next_token: int | None = None
    row: int = -1
    interactive: bool = False
    used: float = 0.0


class Scheduler:
    """The loop around the model.

    Args:
        slots: requests it works on at once.
    """

    def __init__(self, model: Model, context: Context, slots: int) -> None:
        self._model = model
        self._context = context
        self._slots = [_Slot(index) for index in range(slots)]
        self._queue: deque[Generation] = deque()
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)
        self._can_shift = context.can_shift()

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def submit(self, work: Generation) -> None:
        """Queue a request. Its prompt must not be empty and must fit into a slot."""
        with self._wake:
            self._queue.append(work)
            self._wake.notify()

    def cancel(self, work: Generation) -> None:
        """Nobody waits for `work` any more. What is being computed for it is broken off."""
        with self._wake:
            work.cancelled = True
            if any(slot.work is work for slot in self._slots):
                self._context.abort()
            self._wake.notify()

    def snapshot(self) -> list[dict[str, Any]]:
        """The slots, as ``GET /slots`` shows them; ``n_prompt_tokens`` is what the cache holds of text."""
        return [
            {
                "id": slot.id,
                "n_ctx": self._context.size,
                "is_processing": slot.work is not None,
                "n_prompt_tokens": len(slot.cached),
            }
            for slot in self._slots
        ]

    def _run(self) -> None:
        try:
            self._loop()
        except BaseException:
            traceback.print_exc()
            os._exit(70)  # nothing would ever be answered again; the host starts another process

    def _loop(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._queue or any(slot.work for slot in self._slots))
                self._context.clear()
                self._drop_cancelled()
                admitted = self._assign()
            for slot in admitted:
                self._begin(slot)
            active = [slot for slot in self._slots if slot.work is not None]
            if active:
                self._round(active)

    def _drop_cancelled(self) -> None:
        for slot in self._slots:
            if slot.work is not None and slot.work.cancelled:
                self._release(slot)
        if any(work.cancelled for work in self._queue):
            self._queue = deque(work for work in self._queue if not work.cancelled)

    def _assign(self) -> list[_Slot]:
        """Give waiting requests to free slots."""
        admitted: list[_Slot] = []
        for work in list(self._queue):
            slot = self._slot_for(work)
            if slot is None:
                continue  # one of who types may still find its own
            self._queue.remove(work)
            slot.work, work.slot, slot.interactive = work, slot.id, work.interactive
            slot.used = time.monotonic()
            admitted.append(slot)
        return admitted

    def _slot_for(self, work: Generation) -> _Slot | None:
        """The free slot that knows most of the prompt, else the one used longest ago; None: wait."""
        kept = None if work.interactive else self._kept()
        free = [slot for slot in self._slots if slot.work is None and slot is not kept]
        if not free:
            return None
        best = max(free, key=lambda slot: _common(slot.cached, work.prompt))
        if _common(best.cached, work.prompt) >= _SIMILAR * len(work.prompt):
            return best
        return min(free, key=lambda slot: (slot.interactive and not work.interactive, slot.used))

    def _kept(self) -> _Slot | None:
        """The slot that is left to who types; none where it is the only one."""
        since = time.monotonic() - _TYPING_SECONDS
        theirs = [
            slot
            for slot in self._slots
            if slot.interactive and (slot.work is not None or (slot.cached and slot.used > since))
        ]
        return max(theirs, key=lambda slot: slot.used) if theirs and len(self._slots) > 1 else None

    def _begin(self, slot: _Slot) -> None:
        work = slot.work
        assert work is not None
        work.begun = time.perf_counter()
        try:
            slot.sampler = Sampler(self._model, work.sampling)
        except ValueError as failure:
            self._fail(slot, str(failure))
            return
        keep = min(self._matching(slot, work.prompt), len(work.prompt) - 1) if work.reuse else 0
        if not self._context.forget(slot.id, keep):
            self._context.forget(slot.id, 0)
            keep = 0
        del slot.cached[keep:]
        work.cached = keep

    def _matching(self, slot: _Slot, prompt: list[int]) -> int:
        """How many of the prompt's first tokens the slot's cache holds.

        Long runs that stand further back in the cache are moved to their new place first.
        """
        cached = slot.cached
        there = here = _common(cached, prompt)
        while self._can_shift and there < len(cached) and here < len(prompt):
            run = _run_length(cached, there, prompt, here)
            if run >= _REUSE_CHUNK:
                if there > here:
                    self._context.move(slot.id, there, there + run, here - there)
                cached[here : here + run] = cached[there : there + run]
                here += run
                there += run
            else:
                there += 1
        return here

    def _round(self, active: list[_Slot]) -> None:
        """Compute one batch and hand out what came of it."""
        answering = [slot for slot in active if slot.next_token is not None]
        prompting = [slot for slot in active if slot.next_token is None]
        room = min(self._context.batch_size - len(answering), _PROMPT_SHARE if answering else 1 << 30)
        added: list[tuple[_Slot, list[int]]] = []
        for slot in answering:
            added.append((slot, [slot.next_token or 0]))
            slot.row = self._context.add(slot.next_token or 0, len(slot.cached), slot.id, output=True)
        for left, slot in zip(range(len(prompting), 0, -1), prompting, strict=True):
            assert slot.work is not None
            start, whole = len(slot.cached), len(slot.work.prompt)
            chunk = slot.work.prompt[start : start + max(room // left, 1)]
            room -= len(chunk)
            slot.row = -1
            for position, token in enumerate(chunk, start):
                last = position == whole - 1
                row = self._context.add(token, position, slot.id, output=last)
                slot.row = row if last else -1
            added.append((slot, chunk))
        try:
            done = self._context.decode()
        except DecodeFailed as failure:
            for slot in active:
                self._context.forget(slot.id, 0)
                slot.cached.clear()
                self._fail(slot, str(failure))
            return
        for slot, tokens in added:
            if not done:
                self._context.forget(slot.id, len(slot.cached))
                continue
            slot.cached += tokens
            if slot.row >= 0:
                self._advance(slot)

    def _advance(self, slot: _Slot) -> None:
        """Choose the slot's next token and send what it says."""
        work, sampler = slot.work, slot.sampler
        assert work is not None and sampler is not None
        first = not work.prompted
        if first:
            work.prompted = work.ended = time.perf_counter()
        if work.limit == 0:
            self._finish(slot, Piece(stop="limit"))
            return
        token = sampler.choose(self._context, slot.row)
        work.ended = time.perf_counter()
        if self._model.is_end(token) and not work.sampling.ignore_eos:
            self._finish(slot, Piece(stop="eos"))
            return
        work.made += 1
        text = work.text.feed(self._model.piece(token))
        full = len(slot.cached) + 1 >= self._context.size
        stop: StopType = "none"
        if work.text.stopped_by:
            stop = "word"
        elif full or 0 < work.limit <= work.made:
            stop = "limit"
        piece = Piece(text, (token,), stop, work.text.stopped_by, truncated=full)
        if stop != "none":
            self._finish(slot, piece)
        else:
            slot.next_token = token
            work.emit(piece)

    def _finish(self, slot: _Slot, last: Piece) -> None:
        work = slot.work
        assert work is not None
        self._release(slot)
        rest = "" if last.stop == "word" else work.text.flush()
        work.emit(replace(last, text=last.text + rest))

    def _fail(self, slot: _Slot, reason: str) -> None:
        work = slot.work
        assert work is not None
        self._release(slot)
        work.emit(Piece(error=reason))

    def _release(self, slot: _Slot) -> None:
        if slot.sampler is not None:
            slot.sampler.close()
        slot.work = slot.sampler = slot.next_token = None
        slot.used = time.monotonic()


def _common(left: list[int], right: list[int]) -> int:
    """Length of the common start."""
    return _run_length(left, 0, right, 0)


def _run_length(left: list[int], left_at: int, right: list[int], right_at: int) -> int:
    """How far two lists agree from the given places on."""
    most = min(len(left) - left_at, len(right) - right_at)
    for offset in range(most):
        if left[left_at + offset] != right[right_at + offset]:
            return offset
    return most

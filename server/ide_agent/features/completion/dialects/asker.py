"""Asks a model that speaks OpenAI's dialect for what belongs at the cursor."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ide_agent.errors import EngineError, RemoteRefused
from ide_agent.features.completion.budget import Budget
from ide_agent.features.completion.dialects.base import MOST_STOPS, Answer, Hole, Way, said, sampling
from ide_agent.features.completion.dialects.neutral import neutral
from ide_agent.features.completion.dialects.ways import Asked, ways
from ide_agent.features.completion.healing import Healing
from ide_agent.features.completion.wire import CompletionRequest
from ide_agent.inference.routing.conditions import estimated_tokens

if TYPE_CHECKING:
    from ide_agent.inference.model import Model

_MODELS = 32
_NOT_THERE = frozenset(
    {"error.remote.model", "error.remote.nonsense", "error.remote.refused", "error.engine.refused"}
)
"""How an API says that it has no such path, or not for this model; or that it does not want this request."""
_NO_PATH = frozenset({404, 405, 501})
_PARAMETER = re.compile(r"\bsuffix\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Start:
    """The model has begun to answer.

    Attributes:
        fim: it sees what stands behind the cursor.
        tokens: estimated length of the prompt.
    """

    fim: bool
    tokens: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the answer.

    Attributes:
        text: to be inserted.
        reason: why the answer ends here, ``stop`` or ``length``; empty: it goes on.
        timings: what an engine of ours measured.
    """

    text: str
    reason: str = ""
    timings: dict[str, Any] = field(default_factory=dict)


class Asker:
    """Remembers for each model where the windows of its prompts start, and which ways it refused."""

    def __init__(self) -> None:
        self._budgets: OrderedDict[str, Budget] = OrderedDict()
        self._refused: WeakKeyDictionary[object, dict[str, int]] = WeakKeyDictionary()

    async def ask(
        self,
        model: Model,
        asked: Asked,
        request: CompletionRequest,
        limit: Callable[[int], int],
        shown: Callable[[str], str] = str,
    ) -> AsyncGenerator[Start | Piece]:
        """`Start`, then the pieces of the answer.

        Leave it by `contextlib.aclosing`: that closes the connection, which is what stops the model.

        Args:
            model: whom to ask.
            asked: how.
            request: what to complete.
            limit: the most tokens that an answer may have, where so many are wanted.
            shown: a text of the request as the answer would repeat it.

        Raises:
            RemoteError, EngineError: the model cannot be asked, or broke off.
        """
        request = neutral(request, asked.template)
        possible = ways(asked)
        refused = self._refused.setdefault(asked.endpoint or model, {})
        first, lasting = refused.get(model.name, 0), True
        for number, way in enumerate(possible[first:], first):
            begun = False
            try:
                async with aclosing(self._asked(model, way, request, limit, shown)) as pieces:
                    async for piece in pieces:
                        if not begun and number and lasting:
                            refused[model.name] = number
                        begun = True
                        yield piece
                return
            except (RemoteRefused, EngineError) as refusal:
                if begun or number + 1 == len(possible) or refusal.key_used not in _NOT_THERE:
                    raise
                lasting = lasting and _lasts(refusal)

    async def _asked(
        self,
        model: Model,
        way: Way,
        request: CompletionRequest,
        limit: Callable[[int], int],
        shown: Callable[[str], str],
    ) -> AsyncGenerator[Start | Piece]:
        fitted = await self._budget(model.name).fit(request, suffix=way.sees_suffix)
        hole = Hole(request.language, fitted.before, fitted.prefix, fitted.suffix)
        start = Start(way.sees_suffix, fitted.tokens)
        if hole.empty:
            yield start
            yield Piece("", "stop")
            return
        payload: dict[str, Any] = {
            "model": model.name,
            **way.fields(hole),
            **sampling(request.alternative),
            "max_tokens": limit(request.max_tokens + way.extra_tokens(hole)),
            "stream": True,
        }
        if stops := list(dict.fromkeys(way.stops(request.stop)))[:MOST_STOPS]:
            payload["stop"] = stops
        async with model.turn(request.priority), aclosing(model.stream(way.path, payload)) as events:
            begun = False
            answer = way.answer(replace(hole, prefix=shown(hole.prefix)))
            async with aclosing(_pieces(events, answer, request.stop)) as pieces:
                async for piece in pieces:
                    if not begun:
                        yield start
                    begun = True
                    yield piece

    def _budget(self, name: str) -> Budget:
        budget = self._budgets.get(name)
        if budget is None:
            budget = self._budgets[name] = Budget(_estimated)
        self._budgets.move_to_end(name)
        while len(self._budgets) > _MODELS:
            self._budgets.popitem(last=False)
        return budget


def _lasts(refusal: RemoteRefused | EngineError) -> bool:
    """Whether it speaks of the way to ask, not of this one request, which may only have been too long."""
    status = refusal.params.get("status")
    return status in _NO_PATH or (
        status in (400, 422) and bool(_PARAMETER.search(str(refusal.params.get("reason"))))
    )


async def _pieces(
    events: AsyncGenerator[dict[str, Any]], answer: Answer, stop: list[str]
) -> AsyncGenerator[Piece]:
    """What is meant of `events`; the last piece has a reason."""
    seen = Healing()  # with nothing to heal it only looks for stop strings
    ending = ""
    async for event in events:
        text, reason = said(event)
        told = answer.feed(text)
        if reason and not ending:
            told += answer.rest()
        told, stopped = seen.take(told, stop)
        if stopped or answer.ended:
            yield Piece(told, "stop")
            return
        yield Piece(told)
        ending = ending or reason
    # read to the end, for the last event says what the answer cost
    told, stopped = seen.take(answer.rest(), stop)
    yield Piece(told, "length" if ending == "length" and not stopped else "stop")


async def _estimated(text: str) -> Sequence[int]:
    """As many items as `text` may have tokens: there is no tokenizer to ask."""
    return range(estimated_tokens(text) + 1)

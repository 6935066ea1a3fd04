"""Other suggestions for a position, one more each time the user asks for another.

What the model finds most likely comes first and always; the others are drawn by chance, and kept when they
say something else.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from .activity import Activity
from .cache import SuggestionCache
from .cursor import CursorContext, Offer, Suggestion
from .generation import Ask, Generation
from .shape import decide

if TYPE_CHECKING:
    from ide_agent.config import CompletionSettings

MOST = 4
"""Suggestions for one position, the first included."""
TRIES = 2
"""Draws for one more; a model that is sure of itself says the same again."""
NUMBERS = 16
"""Draws for one position."""


class Alternatives:
    """The suggestions for one position.

    Attributes:
        offers: in the order in which they were found.
        drawn: how often the model was let answer by chance.
    """

    def __init__(self, first: Offer) -> None:
        self.offers = [first]
        self.drawn = 0

    @property
    def context(self) -> CursorContext:
        """Their position."""
        return self.offers[0].context

    @property
    def full(self) -> bool:
        """Whether to look for no more of them."""
        return len(self.offers) == MOST or self.drawn == NUMBERS

    def find(self, completion_id: str) -> Offer | None:
        """The one with this id."""
        return next((offer for offer in self.offers if offer.completion_id == completion_id), None)

    def says(self, suggestion: Suggestion) -> bool:
        """Whether one of them inserts the same text."""
        return any(offer.suggestion.text == suggestion.text for offer in self.offers)


class Finder:
    """Finds alternatives, in all open documents of one editor."""

    def __init__(
        self,
        ask: Ask,
        cache: SuggestionCache,
        stop: Callable[[Activity], None],
        on_end: Callable[[Generation], None],
    ) -> None:
        """`stop` ends what is generated for a document, `on_end` hears of every generation that has ended."""
        self._ask = ask
        self._cache = cache
        self._stop = stop
        self._on_end = on_end

    def known(self, document: Activity, context: CursorContext) -> Alternatives | None:
        """What was suggested at `context`; None when nothing was, or not all of it has come."""
        known, asked = document.alternatives, document.asked
        if known is not None and _same_place(known.context, context):
            return known
        hit = self._cache.lookup(context)
        if (
            asked is None
            or not _same_place(asked, context)
            or hit is None
            or not hit.text
            or not hit.complete
        ):
            return None
        first = Suggestion(hit.text, hit.replace_after, True)
        document.alternatives = Alternatives(Offer(hit.completion_id, asked, first, document.model))
        return document.alternatives

    async def search(
        self, document: Activity, known: Alternatives, settings: CompletionSettings
    ) -> Offer | None:
        """Add one to `known`, unless the model says nothing else or the turn ends."""
        turn = document.turn
        for _ in range(TRIES):
            if known.full:
                return None
            began = time.monotonic()
            generation = self._draw(document, known.context, settings, known.drawn + 1)
            await document.wait(generation.finished(), turn)
            if document.turn != turn or not generation.conclusive:
                return None
            known.drawn += 1
            suggestion = generation.suggestion
            if suggestion is not None and not known.says(suggestion):
                latency = (time.monotonic() - began) * 1000
                suggestion = replace(suggestion, complete=True)
                found = Offer(generation.completion_id, known.context, suggestion, generation.model, latency)
                if len(known.offers) == 1:  # the user may have typed its beginning elsewhere
                    self._keep(known.offers[0])
                known.offers.append(found)
                self._keep(found, beside=True)
                return found
        return None

    def _draw(
        self, document: Activity, context: CursorContext, settings: CompletionSettings, number: int
    ) -> Generation:
        def grown(generation: Generation) -> None:
            if generation.done:
                self._on_end(generation)

        self._stop(document)
        shape = decide(context, settings.max_lines)
        stream = self._ask(context, shape, settings, "foreground", number)
        document.generation = Generation(secrets.token_hex(6), context, shape, stream, grown)
        return document.generation

    def _keep(self, offer: Offer, *, beside: bool = False) -> None:
        text, replaced = offer.suggestion.text, offer.suggestion.replace_after
        self._cache.put(
            offer.context, offer.completion_id, text, complete=True, replace_after=replaced, beside=beside
        )


def _same_place(one: CursorContext, other: CursorContext) -> bool:
    """Whether both are the same cursor in the same text, however the user came there."""
    return replace(one, removed="", invoked=False) == replace(other, removed="", invoked=False)

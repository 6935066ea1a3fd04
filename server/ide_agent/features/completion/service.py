"""The completion policy: when to ask the model, what to keep asking, what to show.

At most one generation runs for a document. A keystroke that agrees with what the model is saying keeps it
going; any other stops it, down to the engine's slot. While a suggestion shows, the one after it is computed
ahead.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .activity import Activity, Grow
from .ahead import accepted, entered, leads_to, with_removed
from .alternatives import Finder
from .cache import Hit, SuggestionCache
from .cursor import CursorContext, Offer, Suggestion
from .debounce import Debounce
from .generation import Ask, Generation, Priority
from .shape import decide

if TYPE_CHECKING:
    from ide_agent.config import CompletionSettings

# A client that cannot show growth waits a little longer, for more than one line.
_PATIENCE_S = 0.5
_DOCUMENTS = 64


class CompletionService:
    """All open documents of one editor."""

    def __init__(self, ask: Ask, on_end: Callable[[Generation], None]) -> None:
        """`on_end` hears of every generation that has ended, well or not."""
        self._ask = ask
        self._on_end = on_end
        self._cache = SuggestionCache()
        self._others = Finder(ask, self._cache, self._stop, on_end)
        self._documents: dict[str, Activity] = {}
        # Id of what the user sees, as far as the client tells. Who asks by hand sees what he gets.
        self._shows = ""

    async def suggest(
        self, context: CursorContext, settings: CompletionSettings, grow: Grow | None
    ) -> Offer | None:
        """The suggestion at `context`, as soon as its first line is known.

        Args:
            context: where the cursor is.
            settings: those of the document.
            grow: called with the longer offer each time a line is added later; None for a client that cannot
            show that.

        Returns:
            None when there is nothing to show or a newer call for the document has come meanwhile.
        """
        began = time.monotonic()
        document = self._document(context.uri, settings)
        turn = document.next_turn()
        context = with_removed(context, document.asked)
        document.asked = context
        try:
            hit = await self._find(document, context, grow, turn)
            if document.turn != turn:
                return None
            if hit is not None and hit.text:
                return self._answered(context, self._from_cache(document, context, hit, settings, grow))
            if hit is not None and hit.complete and not context.invoked:
                return self._answered(context, None)
            generation = await self._generate(document, context, settings, turn)
            if generation is None:
                return None
            document.answer(context, grow)
            await document.wait(generation.showable(), turn)
            if grow is None:
                await document.wait(generation.finished(_PATIENCE_S), turn)
            return (
                self._answered(context, _offer(generation, context, began)) if document.turn == turn else None
            )
        except asyncio.CancelledError:
            if document.turn == turn:
                self._abandon(document)
            raise

    async def another(self, context: CursorContext, settings: CompletionSettings) -> list[Offer] | None:
        """What the user sees at `context` and all else that was suggested there, with one more if there is.

        Returns:
            The same in the same order each time, the new one last. None when nothing whole was suggested
            there, or none of it shows; nothing at all when a newer call for the document has come meanwhile.
        """
        document = self._documents.get(context.uri)
        known = self._others.known(document, context) if document is not None else None
        if document is None or known is None or known.find(self._shows) is None:
            return None
        turn = document.next_turn()
        try:
            found = await self._others.search(document, known, settings)
        except asyncio.CancelledError:
            if document.turn == turn:
                self._abandon(document)
            raise
        if document.turn != turn:
            return []
        ahead_of = found or known.find(self._shows)  # the search has ended the look-ahead
        failed = document.generation is not None and document.generation.error is not None
        if ahead_of is not None and not failed:
            self._look_ahead(document, ahead_of, settings)
        return list(known.offers)

    def shown(self, completion_id: str) -> None:
        """The user sees this one of those that were suggested where he is."""
        self._cache.prefer(completion_id)
        self._shows = completion_id

    def hidden(self, completion_id: str) -> None:
        """It shows no longer, and the user did not say why."""
        if completion_id == self._shows:
            self._shows = ""

    def changed(self, uri: str, cursors: Sequence[CursorContext] = ()) -> None:
        """The document changed: its generation ends unless a request takes it up soon.

        Args:
            uri: the document.
            cursors: where the cursor may stand now; empty when that is not known. Where the generation leads
                to none of them, the edit contradicts it, and it ends at once.
        """
        document = self._documents.get(uri)
        if document is None or document.live is None:
            return
        if cursors and not any(self._agrees(document.live, cursor) for cursor in cursors):
            self._give_up(document)
        else:
            document.lapse(self._give_up)

    def dismissed(self, completion_id: str) -> None:
        """The user does not want this one: stop it and what was to come after it."""
        self.hidden(completion_id)
        self._cache.discard(completion_id)
        for document in self._documents.values():
            generation, known = document.generation, document.alternatives
            if known and known.find(completion_id):
                for offer in known.offers:
                    self._cache.discard(offer.completion_id)
                document.alternatives = None
                self._give_up(document)
            elif generation and completion_id in (generation.completion_id, document.follows):
                self._give_up(document)

    def closed(self, uri: str) -> None:
        """Forget a document."""
        document = self._documents.pop(uri, None)
        if document is not None:
            self._give_up(document)
        self._cache.forget(uri)

    def reset(self) -> None:
        """Another model or other settings: stop everything, remember nothing."""
        for uri in list(self._documents):
            self.closed(uri)
        self._cache.clear()

    def last_context(self, uri: str) -> CursorContext | None:
        """Where a suggestion was last asked for in the document."""
        document = self._documents.get(uri)
        return document.asked if document else None

    def last_line(self, uri: str) -> int | None:
        """The line of `last_context`."""
        context = self.last_context(uri)
        return context.line if context else None

    def busy(self, uri: str) -> bool:
        """Whether a generation runs for the document."""
        document = self._documents.get(uri)
        return document is not None and document.live is not None

    # --- finding

    async def _find(
        self, document: Activity, context: CursorContext, grow: Grow | None, turn: int
    ) -> Hit | None:
        """What is known for `context`.

        While the user is as far as the model or further, and they agree, waits for what it says next.
        """
        while True:
            hit = self._cache.lookup(context)
            generation = document.live
            if hit is None or hit.text or generation is None or hit.completion_id != generation.completion_id:
                return hit
            if not generation.may_say(_typed(context, hit)):
                return hit
            if document.follows and not generation.model:
                return hit  # looking ahead, it waits for its turn; the user does not
            document.answer(context, grow)
            await document.wait(generation.heard(), turn)
            if grow is None and generation.suggestion is not None:
                await document.wait(generation.finished(_PATIENCE_S), turn)
            if document.turn != turn:
                return None

    def _from_cache(
        self,
        document: Activity,
        context: CursorContext,
        hit: Hit,
        settings: CompletionSettings,
        grow: Grow | None,
    ) -> Offer:
        document.keep()
        generation = document.live
        if generation is not None and generation.completion_id == hit.completion_id:
            document.answer(context, grow)
        elif generation is not None and document.follows != hit.completion_id:
            self._stop(document)
        suggestion = Suggestion(hit.text, hit.replace_after, hit.complete)
        offer = Offer(hit.completion_id, context, suggestion, document.model)
        if hit.complete:
            self._look_ahead(document, offer, settings)
        return offer

    def _answered(self, context: CursorContext, offer: Offer | None) -> Offer | None:
        """Note what of `offer`, the answer at `context`, is known to show."""
        completion_id = offer.completion_id if offer is not None else ""
        if context.invoked:
            self._shows = completion_id
        elif completion_id != self._shows:
            self._shows = ""
        return offer

    def _agrees(self, generation: Generation, cursor: CursorContext) -> bool:
        """Whether `generation` says, or may yet say, what the user typed up to `cursor`."""
        if leads_to(cursor, generation.context):
            return True
        hit = self._cache.lookup(cursor)
        if hit is None or hit.completion_id != generation.completion_id:
            return False
        return bool(hit.text) or generation.may_say(_typed(cursor, hit))

    # --- generating

    async def _generate(
        self, document: Activity, context: CursorContext, settings: CompletionSettings, turn: int
    ) -> Generation | None:
        """A generation for exactly `context`; None when the call was overtaken while it waited."""
        wait = document.debounce.wait(context, time.monotonic())
        self._stop(document)
        if wait:
            await asyncio.sleep(wait)
            if document.turn != turn:
                return None
        return self._start(document, context, settings, "foreground")

    def _start(
        self, document: Activity, context: CursorContext, settings: CompletionSettings, priority: Priority
    ) -> Generation:
        self._stop(document)
        completion_id = secrets.token_hex(6)
        shape = decide(context, settings.max_lines)

        def grown(generation: Generation) -> None:
            self._grown(document, generation, settings)

        stream = self._ask(context, shape, settings, priority, 0)
        document.generation = Generation(completion_id, context, shape, stream, grown)
        self._cache.put(context, completion_id)
        return document.generation

    def _grown(self, document: Activity, generation: Generation, settings: CompletionSettings) -> None:
        """Put what was added into the cache and before the user."""
        found = generation.suggestion
        document.local = generation.local
        whole = generation.done and generation.conclusive
        if found is not None:
            self._cache.extend(generation.completion_id, found.text, whole, found.replace_after)
            document.model = generation.model
        elif whole:
            self._cache.extend(generation.completion_id, "", True)
        if generation is document.generation:
            self._show(document, generation)
        if not generation.done:
            return
        self._on_end(generation)
        if not whole:
            self._cache.discard(generation.completion_id)
        if generation is document.generation:
            if whole:
                self._go_on(document, generation, settings)
            else:
                self._give_up(document)

    def _show(self, document: Activity, generation: Generation) -> None:
        """Tell who watches. Of one that broke off he learns that no more will come."""
        if document.watcher is None:
            return
        context, grow = document.watcher
        hit = self._cache.lookup(context)
        if (
            grow is not None
            and hit is not None
            and hit.text
            and hit.completion_id == generation.completion_id
        ):
            suggestion = Suggestion(hit.text, hit.replace_after, generation.done)
            grow(Offer(hit.completion_id, context, suggestion, generation.model))

    # --- ahead of the user

    def _go_on(self, document: Activity, generation: Generation, settings: CompletionSettings) -> None:
        """`generation` has said all: what may be wanted next?"""
        if document.follows:
            if generation.suggestion is None and generation.context.line_prefix.strip():
                self._look_to_next_line(document, generation.context, settings)
            return
        if generation.first_line_s is not None:
            document.debounce.answered(generation.first_line_s)
        if document.watcher is None:
            return
        context, _ = document.watcher
        document.watcher = None
        hit = self._cache.lookup(context)
        if hit is not None and hit.text:
            offer = Offer(hit.completion_id, context, Suggestion(hit.text, hit.replace_after, True))
            self._look_ahead(document, offer, settings)

    def _look_ahead(self, document: Activity, offer: Offer, settings: CompletionSettings) -> None:
        """Compute what would follow if the user took `offer`, unless that is known or on its way."""
        if not (settings.prefetch and document.local) or document.live is not None:
            return
        taken = accepted(offer.context, offer.suggestion)
        if self._cache.lookup(taken) is None:
            self._start(document, taken, settings, "background")
            document.follows = offer.completion_id

    def _look_to_next_line(
        self, document: Activity, context: CursorContext, settings: CompletionSettings
    ) -> None:
        """The line is whole: what the user will want to see is what comes after Enter."""
        below = entered(context)
        if self._cache.lookup(below) is None:
            follows = document.follows
            self._start(document, below, settings, "background")
            document.follows = follows

    # --- ending

    def _abandon(self, document: Activity) -> None:
        """The caller went away. If the document changed, the next request may yet carry the generation on."""
        if not document.lapsing:
            self._stop(document)

    def _give_up(self, document: Activity) -> None:
        """Nothing comes of what is going on: who waits for it gets nothing."""
        document.next_turn()
        self._stop(document)

    def _stop(self, document: Activity) -> None:
        """End the generation. What it has said is not the whole suggestion, and so is forgotten."""
        if document.live is not None:
            self._cache.discard(document.live.completion_id)
        document.stop()

    def _document(self, uri: str, settings: CompletionSettings) -> Activity:
        document = self._documents.get(uri)
        if document is None:
            debounce = Debounce(settings.debounce_min_ms / 1000, settings.debounce_max_ms / 1000)
            document = self._documents[uri] = Activity(debounce)
            while len(self._documents) > _DOCUMENTS:
                self.closed(next(iter(self._documents)))
        return document


def _typed(context: CursorContext, hit: Hit) -> str:
    """What the user typed himself since the suggestion was asked for."""
    return context.prefix[len(context.prefix) - hit.typed :]


def _offer(generation: Generation, context: CursorContext, began: float) -> Offer | None:
    if generation.suggestion is None:
        return None
    latency = (time.monotonic() - began) * 1000
    return Offer(generation.completion_id, context, generation.suggestion, generation.model, latency)

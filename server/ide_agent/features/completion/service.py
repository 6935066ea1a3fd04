"""The completion policy: when to ask the model, what to keep asking, what to show.

At most one generation runs for a document. A keystroke that agrees with what the model is saying keeps it
going; any
other stops it, down to the engine's slot. While a suggestion shows, the one after it is computed ahead.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ide_agent.errors import IdeAgentError

from .cache import Hit, SuggestionCache
from .cursor import CursorContext, Suggestion
from .debounce import Debounce
from .generation import Generation, Priority, Stream
from .shape import Shape, decide

if TYPE_CHECKING:
    from ide_agent.config import CompletionSettings

# A client cancels the old request before it sends the one that may carry the generation on.
_GRACE_S = 0.03
# A client that cannot show growth waits a little longer, for more than one line.
_PATIENCE_S = 0.5
_DOCUMENTS = 64

Ask = Callable[[CursorContext, Shape, "CompletionSettings", Priority], Stream]
"""Asks the host; yields the events of ``POST /completion``."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A suggestion for the position that was asked about."""

    completion_id: str
    context: CursorContext
    suggestion: Suggestion
    model: str = ""
    latency_ms: float = 0.0


Grow = Callable[[Offer], None]


@dataclass(slots=True)
class _Document:
    """What is going on in one document."""

    debounce: Debounce
    turn: int = 0
    asked: CursorContext | None = None
    generation: Generation | None = None
    follows: str = ""
    """Id of the suggestion after which `generation` looks ahead; '' when it answers the user."""
    watcher: tuple[CursorContext, Grow] | None = None
    """Who sees `generation` grow, and for which position."""
    lapse: asyncio.TimerHandle | None = None
    model: str = ""
    """The model that answered last."""


class CompletionService:
    """All open documents of one editor."""

    def __init__(self, ask: Ask, on_error: Callable[[IdeAgentError], None]) -> None:
        """`on_error` hears of every generation that failed."""
        self._ask = ask
        self._on_error = on_error
        self._cache = SuggestionCache()
        self._documents: dict[str, _Document] = {}

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
        document.turn += 1
        turn = document.turn
        context = _with_removed(context, document.asked)
        document.asked = context
        try:
            hit = self._cache.lookup(context)
            if hit is not None and hit.text:
                return self._from_cache(document, context, hit, settings, grow)
            if hit is not None and hit.complete and not context.invoked:
                return None
            generation = await self._generate(document, context, settings, turn)
            if generation is None:
                return None
            document.watcher = (context, grow) if grow else None
            await generation.showable()
            if grow is None:
                await generation.finished(_PATIENCE_S)
            return _offer(generation, context, began) if document.turn == turn else None
        except asyncio.CancelledError:
            if document.turn == turn:
                self._abandon(document)
            raise

    def changed(self, uri: str) -> None:
        """The document changed: its generation ends unless a request takes it up at once."""
        document = self._documents.get(uri)
        if document is not None and document.generation is not None and document.lapse is None:
            document.lapse = asyncio.get_running_loop().call_later(_GRACE_S, self._stop, document)

    def dismissed(self, completion_id: str) -> None:
        """The user does not want this one: stop it and what was to come after it."""
        self._cache.discard(completion_id)
        for document in self._documents.values():
            generation = document.generation
            if generation and completion_id in (generation.completion_id, document.follows):
                self._stop(document)

    def closed(self, uri: str) -> None:
        """Forget a document."""
        document = self._documents.pop(uri, None)
        if document is not None:
            self._stop(document)
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
        return bool(document and document.generation and not document.generation.done)

    @property
    def running(self) -> int:
        """Generations under way."""
        return sum(1 for d in self._documents.values() if d.generation and not d.generation.done)

    # --- finding

    def _from_cache(
        self,
        document: _Document,
        context: CursorContext,
        hit: Hit,
        settings: CompletionSettings,
        grow: Grow | None,
    ) -> Offer:
        self._keep(document)
        generation = document.generation
        live = generation is not None and not generation.done
        if live and generation is not None and generation.completion_id == hit.completion_id:
            document.watcher = (context, grow) if grow else None
            document.follows = ""
        elif live and document.follows != hit.completion_id:
            self._stop(document)
        suggestion = Suggestion(hit.text, hit.replace_after, hit.complete)
        offer = Offer(hit.completion_id, context, suggestion, document.model)
        if hit.complete:
            self._look_ahead(document, offer, settings)
        return offer

    # --- generating

    async def _generate(
        self, document: _Document, context: CursorContext, settings: CompletionSettings, turn: int
    ) -> Generation | None:
        """A running generation for exactly `context`; None when the call was overtaken while it waited."""
        generation = document.generation
        if generation and not generation.done and _same_place(generation.context, context):
            self._keep(document)
            document.follows = ""
            return generation
        wait = document.debounce.wait(context, time.monotonic())
        self._stop(document)
        if wait:
            await asyncio.sleep(wait)
            if document.turn != turn:
                return None
        return self._start(document, context, settings, "foreground")

    def _start(
        self, document: _Document, context: CursorContext, settings: CompletionSettings, priority: Priority
    ) -> Generation:
        self._stop(document)
        completion_id = secrets.token_hex(6)
        shape = decide(context, settings.max_lines)

        def grown(generation: Generation) -> None:
            self._grown(document, generation, settings)

        stream = self._ask(context, shape, settings, priority)
        document.generation = Generation(completion_id, context, shape, stream, grown)
        self._cache.put(context, completion_id)
        return document.generation

    def _grown(self, document: _Document, generation: Generation, settings: CompletionSettings) -> None:
        """Put what was added into the cache and before the user."""
        found = generation.suggestion
        done = generation.done
        if found is None and done:
            if generation.conclusive:
                self._cache.extend(generation.completion_id, "", True)
            else:
                self._cache.discard(generation.completion_id)
        elif found is not None:
            self._cache.extend(generation.completion_id, found.text, done, found.replace_after)
            document.model = generation.model
        if done and generation.error is not None:
            self._on_error(generation.error)
        if generation is not document.generation:
            return
        if done and document.follows:
            if found is None and generation.conclusive and generation.context.line_prefix.strip():
                self._look_to_next_line(document, generation.context, settings)
            return
        if done and generation.first_line_s is not None:
            document.debounce.answered(generation.first_line_s)
        if document.watcher is None:
            return
        context, grow = document.watcher
        hit = self._cache.lookup(context) if found else None
        if hit is not None and hit.completion_id == generation.completion_id:
            grow(
                Offer(
                    hit.completion_id,
                    context,
                    Suggestion(hit.text, hit.replace_after, hit.complete),
                    generation.model,
                )
            )
        if done:
            document.watcher = None
            if hit is not None:
                offer = Offer(hit.completion_id, context, Suggestion(hit.text, hit.replace_after, True))
                self._look_ahead(document, offer, settings)

    def _look_ahead(self, document: _Document, offer: Offer, settings: CompletionSettings) -> None:
        """Compute what would follow if the user took `offer`, unless that is known or on its way."""
        generation = document.generation
        if not settings.prefetch or (generation and not generation.done):
            return
        taken = _accepted(offer.context, offer.suggestion)
        if self._cache.lookup(taken) is None:
            self._start(document, taken, settings, "background")
            document.follows = offer.completion_id

    def _look_to_next_line(
        self, document: _Document, context: CursorContext, settings: CompletionSettings
    ) -> None:
        """The line is whole: what the user will want to see is what comes after Enter."""
        line = context.line_prefix
        indent = line[: len(line) - len(line.lstrip())]
        below = replace(context, prefix=f"{context.prefix}\n{indent}", line=context.line + 1)
        if self._cache.lookup(below) is None:
            follows = document.follows
            self._start(document, below, settings, "background")
            document.follows = follows

    # --- ending

    def _abandon(self, document: _Document) -> None:
        """The caller went away. If the document changed, the next request may yet carry the generation on."""
        if document.lapse is None:
            self._stop(document)

    def _keep(self, document: _Document) -> None:
        if document.lapse is not None:
            document.lapse.cancel()
            document.lapse = None

    def _stop(self, document: _Document) -> None:
        self._keep(document)
        if document.generation is not None:
            document.generation.cancel()
            document.generation = None
        document.watcher = None
        document.follows = ""

    def _document(self, uri: str, settings: CompletionSettings) -> _Document:
        document = self._documents.get(uri)
        if document is None:
            debounce = Debounce(settings.debounce_min_ms / 1000, settings.debounce_max_ms / 1000)
            document = self._documents[uri] = _Document(debounce)
            while len(self._documents) > _DOCUMENTS:
                self.closed(next(iter(self._documents)))
        return document


def _offer(generation: Generation, context: CursorContext, began: float) -> Offer | None:
    if generation.suggestion is None:
        return None
    latency = (time.monotonic() - began) * 1000
    return Offer(generation.completion_id, context, generation.suggestion, generation.model, latency)


def _same_place(one: CursorContext, other: CursorContext) -> bool:
    return one.line == other.line and one.prefix == other.prefix and one.suffix == other.suffix


def _with_removed(context: CursorContext, before: CursorContext | None) -> CursorContext:
    """`context` with what the user deleted since he was last asked, if he deleted backwards."""
    if before is None or before.prefix_line != context.prefix_line or before.prefix == context.prefix:
        return context
    if before.prefix.startswith(context.prefix):
        return replace(context, removed=before.prefix[len(context.prefix) :])
    return context


def _accepted(context: CursorContext, suggestion: Suggestion) -> CursorContext:
    """The situation after the user took `suggestion`."""
    return replace(
        context,
        prefix=context.prefix + suggestion.text,
        suffix=context.suffix[suggestion.replace_after :],
        line=context.line + suggestion.text.count("\n"),
        removed="",
        invoked=False,
    )

"""The LSP surface of ghost text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
from lsprotocol import types

from ide_agent.editor.documents import Document
from ide_agent.editor.messages import (
    INLINE_COMPLETION_EVENT,
    INLINE_COMPLETION_MORE,
    InlineCompletionEventParams,
    InlineCompletionMoreParams,
)
from ide_agent.editor.server import EditorServer

from .cursor import CursorContext, Offer
from .edits import cursors
from .failures import Failures
from .generation import Priority, Stream
from .growth import Growth
from .outcomes import Outcomes
from .rooms import Rooms
from .selected import with_selected
from .service import CompletionService
from .shape import Shape
from .warmup import WarmUp

if TYPE_CHECKING:
    from ide_agent.config import CompletionSettings

# Only whole lines are shown: an event for each token before would cost both processes and serve nobody. Often
# enough to notice, when the user types on, whether the model is saying the same.
_HOLD_MS = 80
ACCEPT = "ideAgent.completion.accept"
TOGGLE = "ideAgent.completion.toggle"


@attrs.define
class AcceptParams:
    """Argument of `ideAgent.completion.accept`, as it came with the item."""

    completion_id: str
    done: bool = False


@attrs.define
class ToggleParams:
    """Argument of `ideAgent.completion.toggle`: on, off, or the other way round."""

    enabled: bool | None = None


class CompletionFeature:
    """Ghost text for one editor."""

    def __init__(self, server: EditorServer) -> None:
        self.server = server
        self.enabled: bool | None = None
        """What the user switched to for this session; None: as the settings say."""
        self.service = CompletionService(self._ask, Failures(server).ended)
        self.outcomes = Outcomes(self._record, self._lines)
        self._rooms = Rooms(server)
        self._warm_up = WarmUp(
            server, self._rooms, self.service, lambda settings: self._wanted(settings, invoked=False)
        )
        server.configuration.listeners.append(self._configured)

    # --- requests

    async def suggest(self, params: types.InlineCompletionParams) -> types.InlineCompletionList | None:
        """Answer `textDocument/inlineCompletion`; None where there is nothing to say."""
        document = self.server.documents.get(params.text_document.uri)
        invoked = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
        if document is None:
            return None
        settings, builder = self._rooms.of(document)
        if not self._wanted(settings, invoked) or not builder.allows(document):
            return None
        version = document.version
        selected = with_selected(document, params)
        if selected is None:
            return None
        builder.visit(document, params.position.line)
        context = selected.apply(builder.cursor(document, params.position, invoked=invoked))
        self._warm_up.asked(document.uri)

        growth = Growth(partial(self._grow, document, selected)) if self._can_grow else None
        offers = await self.service.another(context, settings) if invoked else None
        if offers is None:
            offer = await self.service.suggest(context, settings, growth)
            offers = [offer] if offer is not None else []
        if not offers or document.version != version:
            return None
        for offer in offers:
            self._remember(offer, settings)
        if growth is not None:
            growth.answered(offers[0])
        return types.InlineCompletionList(items=[selected.item(document, each, ACCEPT) for each in offers])

    def _grow(self, document: Document, selected: Any, offer: Offer) -> None:
        if (document.version or 0) != offer.context.version:
            return
        self._remember(offer, self.server.settings_for(document.uri).completion)
        item = selected.item(document, offer, ACCEPT)
        self.server.protocol.notify(
            INLINE_COMPLETION_MORE,
            InlineCompletionMoreParams(
                text_document=types.VersionedTextDocumentIdentifier(
                    uri=document.uri, version=document.version or 0
                ),
                completion_id=offer.completion_id,
                insert_text=item.insert_text,
                range=item.range,
                done=offer.suggestion.complete,
            ),
        )

    # --- what happens around them

    def opened(self, uri: str) -> None:
        """A document came into view."""
        self._warm_up.opened(uri)

    def changed(self, uri: str, changes: Sequence[types.TextDocumentContentChangeEvent]) -> None:
        """The document's text changed."""
        document = self.server.documents.get(uri)
        if document is not None and self.service.busy(uri):
            builder = self._rooms.of(document)[1]
            places = cursors(document, changes)
            self.service.changed(uri, [builder.cursor(document, at, invoked=False) for at in places])

    def saved(self, uri: str) -> None:
        """What was edited is worth remembering for other places."""
        document = self.server.documents.get(uri)
        if document is not None and (line := self.service.last_line(uri)) is not None:
            builder = self._rooms.of(document)[1]
            if builder.allows(document):
                builder.edited(document, line)

    def closed(self, uri: str) -> None:
        """The document is gone."""
        self.service.closed(uri)
        self._warm_up.closed(uri)
        self._rooms.forget(uri)

    def event(self, params: InlineCompletionEventParams) -> None:
        """What the client saw happen."""
        match params.kind:
            case "shown":
                self.outcomes.shown(params.completion_id)
                self.service.shown(params.completion_id)
            case "hidden":
                self.service.hidden(params.completion_id)
            case "acceptedPartly":
                self.outcomes.accepted_partly(params.completion_id, params.accepted_length or 0)
            case "dismissed":
                self.outcomes.dismissed(params.completion_id)
                self.service.dismissed(params.completion_id)

    def toggle(self, wanted: bool | None) -> bool:
        """Switch ghost text on or off for this session."""
        self.enabled = not self._enabled(self.server.settings.completion) if wanted is None else wanted
        if not self.enabled:
            self.service.reset()
        self.server.status.switch(on=self.enabled)
        return self.enabled

    def _configured(self) -> None:
        """The settings were read anew."""
        if self._rooms.refresh():
            self.service.reset()
        if not all(settings.completion.record for settings in self.server.configuration.by_folder.values()):
            self.outcomes.forget()
        self.server.status.switch(on=self._enabled(self.server.settings.completion))

    # --- the host

    def _ask(
        self,
        context: CursorContext,
        shape: Shape,
        settings: CompletionSettings,
        priority: Priority,
        alternative: int,
    ) -> Stream:
        document = self.server.documents.get(context.uri)
        if document is None:
            return _silence()
        body = self._rooms.of(document)[1].body(context) | {
            "max_tokens": shape.max_tokens,
            "stop": list(shape.stop),
            "prompt_tokens": settings.prompt_tokens,
            "model": settings.model,
            "priority": priority,
            "alternative": alternative,
            "hold_ms": 0 if shape.inside == "text" else _HOLD_MS,  # a sentence may end before its line does
        }
        return self.server.host.stream("/completion", body, repeatable=True)

    async def _record(self, events: list[dict[str, Any]]) -> None:
        await self.server.host.request("POST", "/completion/events", {"events": events})

    # --- small things

    @property
    def _can_grow(self) -> bool:
        return self.server.client.inline_completion_more

    def _wanted(self, settings: CompletionSettings, invoked: bool) -> bool:
        return self._enabled(settings) and (settings.automatic or invoked)

    def _enabled(self, settings: CompletionSettings) -> bool:
        return settings.enabled if self.enabled is None else self.enabled

    def _remember(self, offer: Offer, settings: CompletionSettings) -> None:
        if settings.record:
            self.outcomes.offered(offer)

    def _lines(self, uri: str) -> Any:
        document = self.server.documents.get(uri)
        return document.lines if document is not None else None


async def _silence() -> Stream:
    """The answer for a document that is gone."""
    return
    yield


def register(server: EditorServer) -> None:
    """Add ghost text to `server`."""
    feature = CompletionFeature(server)

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    async def inline_completion(
        ls: EditorServer, params: types.InlineCompletionParams
    ) -> types.InlineCompletionList | None:
        return await feature.suggest(params)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(ls: EditorServer, params: types.DidOpenTextDocumentParams) -> None:
        feature.opened(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(ls: EditorServer, params: types.DidChangeTextDocumentParams) -> None:
        feature.changed(params.text_document.uri, params.content_changes)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(ls: EditorServer, params: types.DidSaveTextDocumentParams) -> None:
        feature.saved(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(ls: EditorServer, params: types.DidCloseTextDocumentParams) -> None:
        feature.closed(params.text_document.uri)

    @server.feature(INLINE_COMPLETION_EVENT)
    def event(ls: EditorServer, params: InlineCompletionEventParams) -> None:
        feature.event(params)

    @server.command(ACCEPT)
    def accept(ls: EditorServer, params: AcceptParams) -> dict[str, bool]:
        return {"accepted": feature.outcomes.accepted(params.completion_id) is not None}

    @server.command(TOGGLE)
    def toggle(ls: EditorServer, params: ToggleParams) -> dict[str, bool]:
        return {"enabled": feature.toggle(params.enabled)}

    @server.feature(types.SHUTDOWN)
    async def shutdown(ls: EditorServer, params: None) -> None:
        await feature.outcomes.close(deliver=ls.host.connected)

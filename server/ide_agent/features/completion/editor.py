"""The LSP surface of ghost text."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
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
from ide_agent.errors import HostError, IdeAgentError

from .context import LINES_BEFORE, ContextBuilder
from .cursor import CursorContext
from .generation import Priority, Stream
from .growth import Growth
from .outcomes import Outcomes
from .pauses import Pauses
from .selected import with_selected
from .service import CompletionService, Offer
from .shape import Shape

if TYPE_CHECKING:
    from ide_agent.config import CompletionSettings

log = logging.getLogger(__name__)

ACCEPT = "ideAgent.completion.accept"
TOGGLE = "ideAgent.completion.toggle"
# The user paused for so long: time to choose snippets anew and warm the engine up with them.
_IDLE_S = 1.5
_OPENING_S = 0.3
_OPENING = "opening"


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
        self.service = CompletionService(self._ask, self._failed)
        self.outcomes = Outcomes(self._record, self._lines)
        self._builders: dict[Path | None, tuple[CompletionSettings, ContextBuilder]] = {}
        self._pauses = Pauses()

    # --- requests

    async def suggest(self, params: types.InlineCompletionParams) -> types.InlineCompletionList | None:
        """Answer `textDocument/inlineCompletion`; None where there is nothing to say."""
        document = self.server.documents.get(params.text_document.uri)
        invoked = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
        if document is None:
            return None
        settings = self.server.settings_for(document.uri).completion
        builder = self._builder(document, settings)
        if not self._wanted(settings, invoked) or not builder.allows(document):
            return None
        version = document.version
        selected = with_selected(document, params)
        if selected is None:
            return None
        builder.visit(document, params.position.line)
        context = selected.apply(builder.cursor(document, params.position, invoked=invoked))
        self._pauses.after(_IDLE_S, self._paused, document.uri)

        growth = Growth(partial(self._grow, document, selected)) if self._can_grow else None
        offer = await self.service.suggest(context, settings, growth)
        if offer is None or document.version != version:
            return None
        if self.server.status.last.state in ("error", "noModel"):
            self.server.status.show("ready", model=offer.model or None)
        self._remember(offer, settings)
        if growth is not None:
            growth.answered(offer)
        return types.InlineCompletionList(items=[selected.item(document, offer, ACCEPT)])

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
        """A document came into view. Of several that open at once the last one counts."""
        self._pauses.after(_OPENING_S, self._greet, uri, key=_OPENING)

    async def _greet(self, uri: str) -> None:
        """Remember the document's beginning and have the model loaded, and the document read, before the
        first keystroke.

        What an engine has read up to the end of a document serves at any position within it.
        """
        document = self.server.documents.get(uri)
        if document is None or self.service.last_context(uri) is not None:
            return
        settings, builder = self._rooms(document)
        if not self._wanted(settings, invoked=False) or not builder.allows(document):
            return
        builder.visit(document, 0)
        end = types.Position(min(len(document.lines), LINES_BEFORE) - 1, 0)
        context = builder.cursor(document, end, invoked=False)
        await builder.refresh(document, context)
        await self._warm(builder, context, settings)

    def changed(self, uri: str) -> None:
        """The document's text changed."""
        self.service.changed(uri)

    def saved(self, uri: str) -> None:
        """What was edited is worth remembering for other places."""
        document = self.server.documents.get(uri)
        if document is not None and (line := self.service.last_line(uri)) is not None:
            builder = self._rooms(document)[1]
            if builder.allows(document):
                builder.edited(document, line)

    def closed(self, uri: str) -> None:
        """The document is gone."""
        self.service.closed(uri)
        self._pauses.drop(uri)

    def event(self, params: InlineCompletionEventParams) -> None:
        """What the client saw happen."""
        match params.kind:
            case "shown":
                self.outcomes.shown(params.completion_id)
            case "acceptedPartly":
                self.outcomes.accepted_partly(params.completion_id, params.accepted_length or 0)
            case "dismissed":
                self.outcomes.dismissed(params.completion_id)
                self.service.dismissed(params.completion_id)

    def toggle(self, wanted: bool | None) -> bool:
        """Switch ghost text on or off for this session."""
        now = self.enabled if self.enabled is not None else self.server.settings.completion.enabled
        self.enabled = (not now) if wanted is None else wanted
        if not self.enabled:
            self.service.reset()
        self.server.status.show("ready" if self.enabled else "off")
        return self.enabled

    # --- the host

    def _ask(
        self, context: CursorContext, shape: Shape, settings: CompletionSettings, priority: Priority
    ) -> Stream:
        document = self.server.documents.get(context.uri)
        body = self._builder(document, settings).body(context) if document else {}
        body |= {
            "max_tokens": shape.max_tokens,
            "stop": list(shape.stop),
            "prompt_tokens": settings.prompt_tokens,
            "model": settings.model,
            "priority": priority,
            "whole_line": shape.inside != "text",  # a sentence may end before its line does
        }
        return self.server.host.stream("/completion", body)

    async def _paused(self, uri: str) -> None:
        """Choose context anew and warm the engine up with it, unless the user went on meanwhile."""
        document = self.server.documents.get(uri)
        context = self.service.last_context(uri)
        if document is None or context is None:
            return
        settings, builder = self._rooms(document)
        if (
            await builder.refresh(document, context)
            and not self.service.busy(uri)
            and not self._pauses.waiting(uri)
        ):
            await self._warm(builder, context, settings)

    async def _warm(
        self, builder: ContextBuilder, context: CursorContext, settings: CompletionSettings
    ) -> None:
        body = builder.body(context) | {
            "prompt_tokens": settings.prompt_tokens,
            "model": settings.model,
            "priority": "background",
        }
        try:
            await self.server.host.request("POST", "/completion/warm", body, timeout=300)
        except IdeAgentError as error:
            log.info("warm-up failed: %s", error)

    async def _record(self, events: list[dict[str, Any]]) -> None:
        await self.server.host.request("POST", "/completion/events", {"events": events})

    def _failed(self, error: IdeAgentError) -> None:
        """Say once what is wrong; the host client speaks for the host itself."""
        if isinstance(error, HostError):
            return
        text = error.message(self.server.language)
        missing = error.key_used == "error.model.none"
        if self.server.status.last.message != text and not missing:  # the hub offers a model
            self.server.say(text, types.MessageType.Error)
        self.server.status.show("noModel" if missing else "error", message=text)

    # --- small things

    @property
    def _can_grow(self) -> bool:
        return self.server.client.inline_completion_more

    def _wanted(self, settings: CompletionSettings, invoked: bool) -> bool:
        enabled = settings.enabled if self.enabled is None else self.enabled
        return enabled and (settings.automatic or invoked)

    def _remember(self, offer: Offer, settings: CompletionSettings) -> None:
        if settings.record:
            self.outcomes.offered(offer)

    def _lines(self, uri: str) -> Any:
        document = self.server.documents.get(uri)
        return document.lines if document is not None else None

    def _rooms(self, document: Document) -> tuple[CompletionSettings, ContextBuilder]:
        settings = self.server.settings_for(document.uri).completion
        return settings, self._builder(document, settings)

    def _builder(self, document: Document, settings: CompletionSettings) -> ContextBuilder:
        root = self.server.documents.folder_of(document.uri)
        known = self._builders.get(root)
        if known is None or known[0] is not settings:
            known = self._builders[root] = (settings, ContextBuilder(self.server, settings, root))
        return known[1]


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
        feature.changed(params.text_document.uri)

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
        await feature.outcomes.close()

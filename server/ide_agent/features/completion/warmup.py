"""What is done before it is needed: the model loaded, the document read, the context chosen anew."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from lsprotocol import types

from ide_agent.errors import IdeAgentError

from .context import LINES_BEFORE, ContextBuilder
from .cursor import CursorContext
from .pauses import Pauses
from .rooms import Rooms
from .service import CompletionService

if TYPE_CHECKING:
    from ide_agent.config import CompletionSettings
    from ide_agent.editor.server import EditorServer

log = logging.getLogger(__name__)

# The user paused for so long: time to choose snippets anew and warm the engine up with them.
_IDLE_S = 1.5
_OPENING_S = 0.3
_OPENING = "opening"


class WarmUp:
    """Works in the pauses of one editor."""

    def __init__(
        self,
        server: EditorServer,
        rooms: Rooms,
        service: CompletionService,
        wanted: Callable[[CompletionSettings], bool],
    ) -> None:
        """`wanted` says whether there are suggestions while typing at all."""
        self._server = server
        self._rooms = rooms
        self._service = service
        self._wanted = wanted
        self._pauses = Pauses()

    def opened(self, uri: str) -> None:
        """A document came into view. Of several that open at once the last one counts."""
        self._pauses.after(_OPENING_S, self._greet, uri, key=_OPENING)

    def asked(self, uri: str) -> None:
        """A suggestion was asked for in the document."""
        self._pauses.after(_IDLE_S, self._paused, uri)

    def closed(self, uri: str) -> None:
        """The document is gone."""
        self._pauses.drop(uri)

    async def _greet(self, uri: str) -> None:
        """Remember the document's beginning and have the model loaded, and the document read, before the
        first keystroke.

        What an engine has read up to the end of a document serves at any position within it.
        """
        document = self._server.documents.get(uri)
        if document is None or self._service.last_context(uri) is not None:
            return
        settings, builder = self._rooms.of(document)
        if not self._wanted(settings) or not builder.allows(document):
            return
        builder.visit(document, 0)
        end = types.Position(min(len(document.lines), LINES_BEFORE) - 1, 0)
        context = builder.cursor(document, end, invoked=False)
        await builder.refresh(document, context)
        await self._warm(builder, context, settings)

    async def _paused(self, uri: str) -> None:
        """Choose context anew and warm the engine up with it, unless the user went on meanwhile."""
        document = self._server.documents.get(uri)
        context = self._service.last_context(uri)
        if document is None or context is None:
            return
        settings, builder = self._rooms.of(document)
        if (
            await builder.refresh(document, context)
            and not self._service.busy(uri)
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
            await self._server.host.request("POST", "/completion/warm", body, timeout=300)
        except IdeAgentError as error:
            log.info("warm-up failed: %s", error)

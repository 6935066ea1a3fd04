"""The suggestion together with what the client's popup has selected (LSP `selectedCompletionInfo`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.workspace import ServerTextPosition

if TYPE_CHECKING:
    from ide_agent.editor.documents import Document

    from .cursor import CursorContext, Offer


@dataclass(frozen=True, slots=True)
class Selected:
    """A popup entry that would replace what the user typed of it; empty when no popup is open.

    A client hides a suggestion that does not extend the selected entry (case 32), so the model continues the
    entry.
    """

    start: types.Position
    """Where the item starts, in the client's units."""
    text: str = ""
    """The entry's text."""
    typed: int = 0
    """Code points of it that stand before the cursor."""

    def apply(self, context: CursorContext) -> CursorContext:
        """`context` as if the entry had been taken."""
        if not self.text:
            return context
        return replace(context, prefix=context.prefix[: len(context.prefix) - self.typed] + self.text)

    def item(self, document: Document, offer: Offer, command: str) -> types.InlineCompletionItem:
        """The LSP item for `offer`, with the selected entry before it."""
        suggestion = offer.suggestion
        start = document.position_from_client_units(self.start)
        end = ServerTextPosition(start.line, start.character + self.typed + suggestion.replace_after)
        return types.InlineCompletionItem(
            insert_text=self.text + suggestion.text,
            range=types.Range(self.start, document.position_to_client_units(end)),
            command=types.Command(
                title="",
                command=command,
                arguments=[{"completionId": offer.completion_id, "done": suggestion.complete}],
            ),
        )


def with_selected(document: Document, params: types.InlineCompletionParams) -> Selected | None:
    """What is selected for this request; None when it makes a suggestion impossible."""
    info = params.context.selected_completion_info
    if info is None or not info.text:
        return Selected(params.position)
    if info.range.start.line != params.position.line or info.range.end != params.position:
        return None
    start = document.position_from_client_units(info.range.start)
    end = document.position_from_client_units(params.position)
    return Selected(info.range.start, info.text, end.character - start.character)

"""Where the cursor may stand after an edit. LSP does not say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.workspace import ServerTextPosition

if TYPE_CHECKING:
    from ide_agent.editor.documents import Document

_CLOSING = ")]}>\"'`"


def cursors(
    document: Document, changes: Sequence[types.TextDocumentContentChangeEvent]
) -> list[types.Position]:
    """The places at which the user may be now, in the client's units.

    Args:
        document: the document after `changes`.
        changes: what the client sent.

    Returns:
        Behind the new text; also before the bracket, or before the line with the bracket, that the editor
        added behind the cursor. Empty when that cannot be told: several edits at once, the whole text anew.
    """
    if len(changes) != 1 or not isinstance(changes[0], types.TextDocumentContentChangePartial):
        return []
    change = changes[0]
    text = change.text.replace("\r\n", "\n").replace("\r", "\n")
    typed = [text]
    if len(text) > 1 and text[-1] in _CLOSING:
        typed.append(text[:-1])
    if text.count("\n") > 1:
        typed.append(text.rpartition("\n")[0])
    start = document.position_from_client_units(change.range.start)
    return [document.position_to_client_units(_behind(start, each)) for each in typed]


def _behind(start: ServerTextPosition, text: str) -> ServerTextPosition:
    lines = text.split("\n")
    line, last = start.line + len(lines) - 1, len(lines[-1])
    return ServerTextPosition(line, last if line > start.line else start.character + last)

"""The user's last edit is not taken back."""

from __future__ import annotations

from ide_agent.features.completion.cursor import CursorContext


def undoes_edit(text: str, context: CursorContext) -> bool:
    """`text` puts back what the user has just deleted: all of it, or whole lines of its beginning.

    The lines so far are held back as long as they are those that were deleted.
    """
    removed, text = context.removed.strip(), text.strip()
    if not removed:
        return False
    return _begins(text, removed) or _begins(removed, text)


def _begins(text: str, start: str) -> bool:
    """`start` is the whole of `text`, or whole lines of its beginning."""
    return text.startswith(start) and text[len(start) : len(start) + 1] in ("", "\n")

"""A suggestion on its way through the steps."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace

_JOINERS = "\u200d\ufe0e\ufe0f"


@dataclass(frozen=True, slots=True)
class Draft:
    """Text to insert, and whether it is all there will be."""

    text: str
    ended: bool = False
    replace_after: int = 0
    """Code points right of the cursor that the text replaces."""

    def with_text(self, text: str) -> Draft:
        """The same with other text."""
        return replace(self, text=text)

    def cut(self, at: int) -> Draft:
        """The text before index `at`, and nothing more to come. No character is taken apart."""
        text = self.text
        while 0 < at < len(text) and (_joins(text[at]) or text[at - 1] == "\u200d"):
            at -= 1
        return replace(self, text=text[:at], ended=True)


def _joins(char: str) -> bool:
    """`char` is part of the character before it."""
    return char > "\u02ff" and (
        char in _JOINERS or "\U0001f3fb" <= char <= "\U0001f3ff" or unicodedata.combining(char) > 0
    )

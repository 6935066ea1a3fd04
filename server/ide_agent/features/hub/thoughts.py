"""What a model thinks before it answers, told from the answer."""

from __future__ import annotations

from typing import Any

_BEGIN, _END = "<think>", "</think>"
_APART = ("reasoning_content", "reasoning")
"""Where engines and APIs put thoughts that they have told from the answer themselves."""


class Thoughts:
    """Reads the pieces of one answer, in their order.

    Args:
        begun: the prompt has begun a thought, as far as is known; the answer goes on with it.

    Attributes:
        seen: the model has thought.
    """

    def __init__(self, *, begun: bool = False) -> None:
        self.seen = False
        self._inside = begun
        self._unsaid = begun  # that it is a thought the answer has not said so far
        self._begun = False
        self._held = ""

    def answer_in(self, choice: dict[str, Any]) -> str:
        """What a choice of a chunk adds to the answer; empty for a thought."""
        delta = choice.get("delta") or {}
        if any(delta.get(name) for name in _APART):
            self.seen = True
            if self._unsaid:  # then it is not among the answer
                self._unsaid = self._inside = False
        return self._told(choice.get("text") or _text(delta.get("content")))

    def rest(self, *, cut: bool = False) -> str:
        """What was held back as if it were, or were to become, a thought.

        Args:
            cut: the answer broke off; else one that was to end a thought and did not was none.
        """
        if self._begun or (self._inside and (cut or not self._unsaid)):
            return ""
        return self._held

    def _told(self, piece: str) -> str:
        if self._begun:
            return piece
        held = self._held + piece
        if not self._inside:
            text = held.lstrip()
            if _BEGIN.startswith(text):  # or not all of it yet
                self._held = held
                if text != _BEGIN:
                    return ""
            elif not text.startswith(_BEGIN):
                self._begun = True
                return held
            self.seen = self._inside = True
            held = text.removeprefix(_BEGIN)
        self.seen = self.seen or bool(held)
        _, ended, said = held.partition(_END)
        if ended:
            self._begun, self._inside = True, False
            return said.lstrip()
        self._held = held if self._unsaid else held[1 - len(_END) :]
        return ""


def _text(content: Any) -> str:
    """What APIs send as text or as a list of parts."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""

"""What all ways to ask have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

MOST_STOPS = 4
"""More stop strings are refused by some APIs."""
_WARM, _WARMER = 0.8, 0.05


@dataclass(frozen=True, slots=True)
class Hole:
    """The cursor and what stands around it, as text without special tokens.

    Attributes:
        language: LSP language id.
        before: other places, and the name of this file.
        prefix: what stands before the cursor.
        suffix: what stands behind it.
    """

    language: str
    before: str
    prefix: str
    suffix: str

    @property
    def line(self) -> str:
        """The cursor's line, up to the cursor."""
        return self.prefix.rpartition("\n")[2]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to go by."""
        return not (self.before + self.prefix + self.suffix).strip()


class Answer:
    """Takes an answer in pieces, and says what of it is to be inserted. This one: all."""

    ended = False
    """Whether nothing of what is still to come is meant."""

    def feed(self, text: str) -> str:
        """What can be told now that `text` has come."""
        return text

    def rest(self) -> str:
        """What was held back, now that no more will come."""
        return ""


class Way(ABC):
    """One way to ask."""

    path: ClassVar[str]
    sees_suffix = True

    @abstractmethod
    def fields(self, hole: Hole) -> dict[str, Any]:
        """What the request says of the hole."""

    def stops(self, wanted: list[str]) -> list[str]:
        """The stop strings for the API, where `wanted` are to end the answer."""
        return wanted

    def extra_tokens(self, hole: Hole) -> int:
        """Tokens of an answer that are not meant to be inserted; an estimate."""
        return 0

    def answer(self, hole: Hole) -> Answer:
        """Takes what is said."""
        return Answer()


def sampling(alternative: int) -> dict[str, Any]:
    """Greedy for the first suggestion; others by chance, the later the bolder."""
    if not alternative:
        return {"temperature": 0.0}
    return {"temperature": _WARM + _WARMER * alternative, "top_p": 0.95}


def said(event: dict[str, Any]) -> tuple[str, str]:
    """Text and reason of the end in one event of a stream; both may be empty."""
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return "", ""
    delta = choice.get("delta")
    text = delta.get("content") if isinstance(delta, dict) else choice.get("text")
    reason = choice.get("finish_reason")
    return text if isinstance(text, str) else "", reason if isinstance(reason, str) else ""

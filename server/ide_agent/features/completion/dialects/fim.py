"""A text for ``/completions`` with the special tokens of the model's family spelled out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ide_agent.features.completion.dialects.base import MOST_STOPS, Answer, Hole, Way
from ide_agent.features.completion.templates import CODELLAMA, FimTemplate, Part

# Its vocabulary writes blanks as ▁; in a text they are blanks.
_SPELLED = {"codellama": replace(CODELLAMA, prefix="<PRE> ", suffix=" <SUF>", middle=" <MID>")}


class Fim(Way):
    """For a family whose template is known."""

    path = "/v1/completions"

    def __init__(self, template: FimTemplate) -> None:
        self._template = _SPELLED.get(template.name, template)

    def fields(self, hole: Hole) -> dict[str, Any]:
        """The prompt; an empty suffix is written as a line end (`FimTemplate.build`)."""
        template, head, prefix = self._template, "", hole.before + hole.prefix
        if template.file_separator and hole.before:
            head, prefix = f"{template.file_separator}{hole.before}", hole.prefix
        parts: list[Part] = template.build([prefix] if prefix else [], [hole.suffix] if hole.suffix else [])
        return {"prompt": head + "".join(map(str, parts))}

    def stops(self, wanted: list[str]) -> list[str]:
        """With the start of another file, which such a model goes on with where it sees no end."""
        separator = self._template.file_separator
        return [*wanted, str(separator)][:MOST_STOPS] if separator else wanted


class Prefix(Way):
    """For a model that only ever goes on with a text."""

    path = "/v1/completions"
    sees_suffix = False

    def fields(self, hole: Hole) -> dict[str, Any]:
        """The text before the cursor, without the blanks at its end.

        In most vocabularies they join the next word; a model that gets them alone says nothing sensible.
        """
        return {"prompt": (hole.before + hole.prefix).rstrip(" \t")}

    def answer(self, hole: Hole) -> Answer:
        """Without the blanks that are there already."""
        return _WithoutBlanks(hole.prefix[len(hole.prefix.rstrip(" \t")) :])


class _WithoutBlanks(Answer):
    """Drops `blanks` at the start as far as the answer repeats them."""

    def __init__(self, blanks: str) -> None:
        self._blanks = blanks

    def feed(self, text: str) -> str:
        while self._blanks and text and text[0] == self._blanks[0]:
            self._blanks, text = self._blanks[1:], text[1:]
        if text:
            self._blanks = ""
        return text

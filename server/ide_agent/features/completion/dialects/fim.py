"""A text for ``/completions`` with the special tokens of the model's family spelled out."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from ide_agent.features.completion.dialects.base import MOST_STOPS, Answer, Hole, Way
from ide_agent.features.completion.templates import CODELLAMA, FimTemplate, Part

# Its vocabulary writes blanks as ▁; in a text they are blanks.
_SPELLED = {"codellama": replace(CODELLAMA, prefix="<PRE> ", suffix=" <SUF>", middle=" <MID>")}
_TAIL = re.compile(r"\n{0,2}[ \t]*\Z")
_LONGEST_TAIL = 200


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
        """The text before the cursor, without blanks and a line end or two at its end.

        In most vocabularies they join what follows; a model that gets them alone says nothing sensible.
        """
        text = hole.before + hole.prefix
        return {"prompt": text[: len(text) - len(_tail(text))]}

    def answer(self, hole: Hole) -> Answer:
        """Without what is there already."""
        return _Rejoined(_tail(hole.before + hole.prefix))


class _Rejoined(Answer):
    """Drops of an answer what repeats `tail`: all up to the line end, if there is one in it, and the blanks.

    Of several line ends the others are left, as the cursor's line is free then.
    """

    def __init__(self, tail: str) -> None:
        self._above = "\n" in tail
        self._blanks = tail.rpartition("\n")[2]

    def feed(self, text: str) -> str:
        if self._above:
            _, end, text = text.partition("\n")
            self._above = not end
        while self._blanks and text and text[0] == self._blanks[0]:
            self._blanks, text = self._blanks[1:], text[1:]
        if text:
            self._blanks = ""
        return text


def _tail(text: str) -> str:
    """The end of `text` that is generated again; something of it is always left."""
    found = _TAIL.search(text, max(0, len(text) - _LONGEST_TAIL))
    return found.group() if found and len(found.group()) < len(text) else ""

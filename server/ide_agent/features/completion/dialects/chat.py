"""``/chat/completions``: the hole is described, and what models say around the text itself is taken away."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from ide_agent.features.completion.dialects.base import Answer, Hole, Way
from ide_agent.inference.routing.conditions import estimated_tokens

_SYSTEM = (
    "You are the completion of a text editor. You are shown a file in which {marker} stands at the cursor. "
    "Answer with exactly the text to insert there and nothing else: no explanation, no Markdown, and nothing "
    "that stands before or behind the cursor already."
)
_EXAMPLE = "def total(prices):\n    return s{marker}\n\n\nprint(total([1, 2]))\n"
_EXAMPLE_ANSWER = "um(prices)"
_FENCE_TOKENS = 12
_ECHOED_LINES = 20
_THINKS, _THOUGHT = "<think>", "</think>"
_FENCE = "```"
_OPENING = re.compile(r"\s*```[\w+#.-]*[ \t]*\n")
_WITH_FENCES = frozenset({"markdown", "mdx", "restructuredtext", "quarto", "rmd"})


class Chat(Way):
    """For models that talk."""

    path = "/v1/chat/completions"

    def fields(self, hole: Hole) -> dict[str, Any]:
        """What the model is told, with one example of an answer."""
        marker = _marker(hole)
        text = f"{hole.before}{hole.prefix}{marker}{hole.suffix}"
        return {
            "messages": [
                {"role": "system", "content": _SYSTEM.format(marker=marker)},
                {"role": "user", "content": "Language: python\n\n" + _EXAMPLE.format(marker=marker)},
                {"role": "assistant", "content": _EXAMPLE_ANSWER},
                {"role": "user", "content": f"Language: {hole.language}\n\n{text}"},
            ]
        }

    def stops(self, wanted: list[str]) -> list[str]:
        """None: a fence or an echo may come first."""
        return []

    def extra_tokens(self, hole: Hole) -> int:
        """For a fence, and the cursor's line once more."""
        return _FENCE_TOKENS + estimated_tokens(hole.line)

    def answer(self, hole: Hole) -> Answer:
        """Without thoughts, fence, and what stands before the cursor already."""
        return _Said(_echoes(hole.prefix), _marker(hole), fences=hole.language not in _WITH_FENCES)


class _Said(Answer):
    """Holds back the beginning until it is clear what it is, and a line that may close the fence."""

    def __init__(self, echoes: list[str], marker: str, *, fences: bool) -> None:
        self._echoes = echoes
        self._marker = marker
        self._mark = marker.removesuffix("/>")
        self._unmarked = ""
        self._fences = fences
        self._fenced = False
        self._begun = False
        self._in_line = False
        self._held = ""

    def feed(self, text: str) -> str:
        return self._before_mark(self._grown(text, final=False), final=False)

    def rest(self) -> str:
        return self._before_mark(self._grown("", final=True), final=True)

    def _before_mark(self, told: str, *, final: bool) -> str:
        """`told` as far as it does not speak of the cursor, which stands in no text that is meant."""
        self._unmarked += told
        at = self._unmarked.find(self._mark)
        if at >= 0:
            self.ended = True
        else:
            held = 0 if final or self.ended else _overlap(self._unmarked, self._mark)
            at = len(self._unmarked) - held
        told, self._unmarked = self._unmarked[:at], "" if self.ended else self._unmarked[at:]
        return told

    def _grown(self, text: str, *, final: bool) -> str:
        if self.ended:
            return ""
        self._held += text
        if not self._begun:
            start = self._start(final=final)
            if start is None:
                return ""
            self._held = self._held[start:]
            self._begun = True
        if not self._fenced:
            told, self._held = self._held, ""
            return told
        return self._within_fence(final=final)

    def _start(self, *, final: bool) -> int | None:
        """Where the text itself begins; None while that is open."""
        held = self._held
        at = len(held) - len(held.lstrip())
        if held.startswith(_THINKS, at):
            end = held.find(_THOUGHT, at)
            if end < 0:
                return len(held) if final else None
            at = end + len(_THOUGHT)
            at += len(held[at:]) - len(held[at:].lstrip("\n"))
        elif not final and _THINKS.startswith(held[at:]):
            return None
        else:
            at = 0
        if self._fences:
            opening = _OPENING.match(held, at)
            if opening is not None:
                self._fenced, at = True, opening.end()
            elif not final and _may_open(held[at:].lstrip()):
                return None
        return self._behind_echo(at, final=final)

    def _behind_echo(self, at: int, *, final: bool) -> int | None:
        if self._held.startswith(self._marker, at):
            at += len(self._marker)
        elif not final and self._marker.startswith(self._held[at:]):
            return None
        rest = self._held[at:].lstrip("\n")
        for echo in self._echoes:
            if rest.startswith(echo):
                return len(self._held) - len(rest) + len(echo)
            if echo.startswith(rest):
                if not final:
                    return None
                if "\n" in rest.strip():  # nothing but what is there already
                    return len(self._held)
        return at

    def _within_fence(self, *, final: bool) -> str:
        lines = self._held.split("\n")
        for number, line in enumerate(lines):
            if line.lstrip().startswith(_FENCE) and (number or not self._in_line):
                self.ended, self._held = True, ""
                return "\n".join(lines[:number])
        may_close = _FENCE.startswith(lines[-1].lstrip()) and (len(lines) > 1 or not self._in_line)
        cut = len(self._held) - (len(lines[-1]) if may_close and not final else 0)
        told, self._held = self._held[:cut], self._held[cut:]
        if told:
            self._in_line = not told.endswith("\n")
        return told


def _may_open(text: str) -> bool:
    """Whether `text` may be the beginning of a fence's first line."""
    return _FENCE.startswith(text) or (text.startswith(_FENCE) and "\n" not in text)


def _marker(hole: Hole) -> str:
    """What stands for the cursor: nothing that stands in the text."""
    text = hole.before + hole.prefix + hole.suffix
    marks = ("<CURSOR" if not number else f"<CURSOR{number}" for number in count())
    return next(mark for mark in marks if mark not in text) + "/>"


def _overlap(text: str, mark: str) -> int:
    """How many characters at the end of `text` may be the beginning of `mark`."""
    return next(size for size in range(len(mark) - 1, -1, -1) if text.endswith(mark[:size]))


def _echoes(prefix: str) -> list[str]:
    """What a model may say again before it goes on, the longest first: the last lines before the cursor."""
    lines = prefix.split("\n")[-_ECHOED_LINES:]
    found: list[str] = []
    for first in range(len(lines)):
        tail = "\n".join(lines[first:])
        meant = [tail, tail.lstrip(" \t")]
        if not lines[-1].strip():  # the indentation may come out otherwise
            meant += [f"{each.rstrip()}\n" for each in meant]
        found += [each for each in meant if len(each.strip()) > 1 and re.search(r"\w", each)]
    return sorted(dict.fromkeys(found), key=len, reverse=True)

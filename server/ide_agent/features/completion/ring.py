"""A ring of chunks from recently visited and edited places: what the user looked at is what he may need.

What goes in follows llama.vim (16 chunks of up to 64 lines, near-copies evicted). What comes out stays the
same from keystroke to keystroke, because every change of it throws the engine's warm KV prefix away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from ide_agent.features.completion.cursor import CursorContext, Snippet

CHUNKS = 16
CHUNK_LINES = 64
CHUNK_CHARS = 4000
JUMP_LINES = 32
_LONGEST_LINE = 500
_FEWEST_LINES = 3
# Chunks that are this similar to each other are one chunk.
_SAME = 0.9
# A chunk of which more than this share stands in the prompt already says nothing new.
_KNOWN = 0.5
# The part of the surroundings that says what the user is at, in lines.
_NEAR_BEFORE, _NEAR_AFTER = 48, 16
_RECENCY_WEIGHT = 0.1
_LANGUAGE_WEIGHT = 0.1
# Within one document, so many meaningful lines in a row are enough to be called the same text.
_RUN = 3

_IDENTIFIER = re.compile(r"[^\W\d]\w{2,}")


@dataclass(eq=False)
class _Chunk:
    path: str
    language: str
    start: int
    """Line of the document on which it began when it was gathered; edits above it make it drift."""
    lines: tuple[str, ...]
    file: str

    @property
    def end(self) -> int:
        return self.start + len(self.lines)

    @cached_property
    def signature(self) -> frozenset[str]:
        return _signature(self.lines)

    @cached_property
    def runs(self) -> frozenset[tuple[str, ...]]:
        return _runs(self.lines)

    @cached_property
    def identifiers(self) -> frozenset[str]:
        return frozenset(_IDENTIFIER.findall("\n".join(self.lines)))

    @cached_property
    def snippet(self) -> Snippet:
        return Snippet(self.path, "\n".join(self.lines), self.file)

    def overlaps(self, path: str, start: int, end: int) -> int:
        """How many lines it shares with the lines `start` to `end` (exclusive) of `path`."""
        return max(0, min(self.end, end) - max(self.start, start)) if path == self.path else 0

    def repeats(self, other: _Chunk) -> bool:
        """Whether both in one prompt would say the same thing twice."""
        if self.path == other.path:
            return self.overlaps(other.path, other.start, other.end) > 0 or bool(self.runs & other.runs)
        return max(_share(self.signature, other.signature), _share(other.signature, self.signature)) > _KNOWN


class SnippetRing:
    """Not for use from several threads. When the policy changes, start a new ring."""

    def __init__(self, is_private: Callable[[str], bool] = lambda path: False) -> None:
        """Nothing is gathered from files of which `is_private`, given the path, says so."""
        self._is_private = is_private
        self._chunks: list[_Chunk] = []
        self._place: tuple[str, int] | None = None
        self._frozen_for: tuple[str, int] | None = None
        self._frozen: list[_Chunk] = []
        self._stale = False

    def visit(self, path: str, language: str, lines: Sequence[str], line: int, file: str = "") -> None:
        """The cursor is on `line` (0-based) of `path`; call it at every request, it is cheap as a rule.

        Gathers when the cursor came from another document or from more than 32 lines away; in the latter
        case the place it left, too. `lines` is the whole document, with or without line ends. Documents
        without a path are left out.
        """
        previous = self._place
        if previous is not None and previous[0] == path and abs(previous[1] - line) <= JUMP_LINES:
            return
        if previous is not None and previous[0] == path:
            self._gather(path, language, lines, previous[1], file)
        self._gather(path, language, lines, line, file)
        self._place = (path, line)

    def edited(self, path: str, language: str, lines: Sequence[str], line: int, file: str = "") -> None:
        """Something worth keeping stands at `line`: on save, on leaving the document, after a larger insert.

        Gathers in any case, in place of the older chunk from there.
        """
        self._gather(path, language, lines, line, file)
        self._place = (path, line)

    def forget(self, path: str) -> None:
        """Drop all that came from `path` (it was deleted, or became private)."""
        self._chunks = [chunk for chunk in self._chunks if chunk.path != path]
        self._frozen = [chunk for chunk in self._frozen if chunk.path != path]
        if self._place is not None and self._place[0] == path:
            self._place = None

    def refresh(self, uri: str) -> None:
        """Let the next `choose` for this document choose anew; for idle moments, before a warm-up."""
        if self._frozen_for is not None and self._frozen_for[0] == uri:
            self._stale = True

    def choose(self, context: CursorContext, limit: int) -> list[Snippet]:
        """At most `limit` snippets for this position, the most relevant last (next to the prefix).

        The same list in the same order until `refresh`, or until another document is asked for; only what the
        text around the cursor has come to contain itself is taken out at once, so that nothing stands in
        the prompt twice.
        """
        if self._frozen_for != (context.uri, limit) or self._stale:
            chosen = self._choose(context, limit)
            if {c.snippet for c in chosen} != {c.snippet for c in self._frozen}:
                self._frozen = chosen
            self._frozen_for, self._stale = (context.uri, limit), False
        elif self._frozen:
            window = _Window(context)
            self._frozen = [chunk for chunk in self._frozen if not window.shows(chunk)]
        return [chunk.snippet for chunk in self._frozen]

    def _choose(self, context: CursorContext, limit: int) -> list[_Chunk]:
        window = _Window(context)
        near = frozenset(_IDENTIFIER.findall(_near(context)))
        ranked: list[tuple[float, int]] = []
        for age, chunk in enumerate(self._chunks):
            if not near & chunk.identifiers or self._is_private(chunk.path) or window.shows(chunk):
                continue
            relevance = len(near & chunk.identifiers) / len(near | chunk.identifiers)
            recency = (age + 1) / len(self._chunks)
            same_language = chunk.language == context.language
            score = relevance + _RECENCY_WEIGHT * recency + _LANGUAGE_WEIGHT * same_language
            ranked.append((score, age))
        chosen: list[_Chunk] = []
        for _, age in sorted(ranked, reverse=True):
            if len(chosen) >= limit:
                break
            if not any(self._chunks[age].repeats(other) for other in chosen):
                chosen.append(self._chunks[age])
        chosen.reverse()
        return chosen

    def _gather(self, path: str, language: str, lines: Sequence[str], line: int, file: str) -> None:
        if not path or self._is_private(path):
            return
        start, text = _cut(lines, line)
        if sum(1 for each in text if each.strip()) < _FEWEST_LINES:
            return
        new = _Chunk(path, language, start, text, file)
        self._chunks = [old for old in self._chunks if not _replaces(new, old)][-(CHUNKS - 1) :]
        self._chunks.append(new)


class _Window:
    """The text around the cursor that goes into the prompt as prefix and suffix."""

    def __init__(self, context: CursorContext) -> None:
        self._path = context.path
        self._start = context.prefix_line
        self._end = context.line + context.suffix.count("\n") + 1
        self._lines = (context.prefix + context.suffix).split("\n")

    def shows(self, chunk: _Chunk) -> bool:
        """Whether `chunk` would repeat what stands here."""
        if chunk.path == self._path and (
            chunk.overlaps(self._path, self._start, self._end) or chunk.runs & self._runs
        ):
            return True
        return _share(chunk.signature, self._signature) > _KNOWN

    @cached_property
    def _signature(self) -> frozenset[str]:
        return _signature(self._lines)

    @cached_property
    def _runs(self) -> frozenset[tuple[str, ...]]:
        return _runs(self._lines)


def _near(context: CursorContext) -> str:
    before = context.prefix.rsplit("\n", _NEAR_BEFORE)
    after = context.suffix.split("\n", _NEAR_AFTER)
    return "\n".join(before[-_NEAR_BEFORE:] + after[:_NEAR_AFTER])


def _signature(lines: Sequence[str]) -> frozenset[str]:
    return frozenset(_meaningful(lines))


def _runs(lines: Sequence[str]) -> frozenset[tuple[str, ...]]:
    texts = _meaningful(lines)
    return frozenset(zip(*(texts[skip:] for skip in range(_RUN)), strict=False))


def _meaningful(lines: Sequence[str]) -> list[str]:
    """The lines that say something: no lone brackets, no blank lines."""
    return [text for line in lines if len(text := line.strip()) > 3]


def _share(part: frozenset[str], whole: frozenset[str]) -> float:
    """How much of `part` stands in `whole`, 0 to 1."""
    return len(part & whole) / len(part) if part else 1.0


def _replaces(new: _Chunk, old: _Chunk) -> bool:
    """Whether `old` is an earlier state of the same place, or a near-copy."""
    if new.overlaps(old.path, old.start, old.end) * 2 > min(len(new.lines), len(old.lines)):
        return True
    both = len(new.signature) + len(old.signature)
    return both == 0 or 2 * len(new.signature & old.signature) / both > _SAME


def _cut(lines: Sequence[str], line: int) -> tuple[int, tuple[str, ...]]:
    """The chunk around `line`: start and lines without line ends; stops at data-like, overlong lines."""
    line = min(max(line, 0), len(lines) - 1)
    if line < 0:
        return 0, ()
    first = max(0, min(line - CHUNK_LINES // 2, len(lines) - CHUNK_LINES))
    window = [text.rstrip("\r\n") for text in lines[first : first + CHUNK_LINES]]
    here = line - first
    low = high = here
    room = CHUNK_CHARS
    up = down = True
    while up or down:
        if down:
            down = high < len(window) and len(window[high]) <= min(_LONGEST_LINE, room - 1)
            if down:
                room -= len(window[high]) + 1
                high += 1
        if up:
            up = low > 0 and len(window[low - 1]) <= min(_LONGEST_LINE, room - 1)
            if up:
                low -= 1
                room -= len(window[low]) + 1
    while low < high and not window[low].strip():
        low += 1
    while high > low and not window[high - 1].strip():
        high -= 1
    return first + low, tuple(window[low:high])

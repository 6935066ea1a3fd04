"""Where private keys stand in a text, whole or cut off at either end. Linear in the length of the text."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PUTTY = re.compile(r"Private-Lines: \d+\r?\n((?:[A-Za-z0-9+/=]+\r?\n?)+)")
# In string literals the lines of a key end in \n, quotes, plus signs; their base64 stays recognisable.
_REST = re.compile(r"\r?\n?(?:[\w+/=:.,() \t\"'\\`]|\r?\n(?=[ \t\"'+]{0,40}[\w+/=]{16}))*", re.ASCII)
_BODY_LINE = re.compile(r"[ \t]*[A-Za-z0-9+/=]{1,80}\s*$")
_MIN_BODY_LINE = 32
_LEAD, _TRAIL = r"[ \t]*[\"'`]?", r"(?:\\[nr])*[\"'`]?[ \t]*[,;+\\]*[ \t]*\r?"
_BODY = r"(?=[^\n]*[A-Z])(?=[^\n]*[a-z])(?=[^\n]*\d)[A-Za-z0-9+/]{60,80}"
_LINES = re.compile(
    rf"^{_LEAD}{_BODY}={{0,2}}{_TRAIL}(?:\n{_LEAD}{_BODY}={{0,2}}{_TRAIL}){{2,}}"
    rf"(?:\n{_LEAD}[A-Za-z0-9+/]{{1,80}}={{0,2}}{_TRAIL}$)?$",
    re.M,
)


def private_keys(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each private key, its armour included."""
    ends = list(_END.finditer(text))
    end_starts = [match.start() for match in ends]
    begins = list(_BEGIN.finditer(text))
    used = 0  # number of ends that are behind us
    for number, begin in enumerate(begins):
        limit = begins[number + 1].start() if number + 1 < len(begins) else len(text)
        nearest = bisect_left(end_starts, begin.end())
        yield from _tails(text, ends[used:nearest])
        used = nearest
        if nearest < len(ends) and ends[nearest].start() < limit:
            used = nearest + 1
            yield begin.start(), ends[nearest].end()
        else:
            rest = _REST.match(text, begin.end(), limit)
            yield begin.start(), rest.end() if rest else begin.end()
    yield from _tails(text, ends[used:])
    for match in _PUTTY.finditer(text):
        yield match.span(1)


def key_lines(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each run of three or more lines of base64, as a piece out of a key's middle has them.

    They may be anything else, too: this is for where a doubt speaks against a text.
    """
    for match in _LINES.finditer(text):
        yield match.span()


def _tails(text: str, ends: list[re.Match[str]]) -> Iterator[tuple[int, int]]:
    """Keys of which only the last lines are there."""
    for end in ends:
        start = line_start = text.rfind("\n", 0, end.start()) + 1
        while line_start > 0:
            previous = text.rfind("\n", 0, line_start - 1) + 1
            line = text[previous:line_start]
            if not _BODY_LINE.match(line) or (len(line) < _MIN_BODY_LINE and line_start < start):
                break
            line_start = previous
        # A short line may end a key, but one on its own is no key.
        if start - line_start >= _MIN_BODY_LINE:
            yield line_start, end.end()

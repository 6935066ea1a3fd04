"""What is left of an accepted suggestion after a while."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from .cursor import Offer

# An edit above moves accepted text; this far it is looked for.
_DRIFT_LINES = 60
_SAME = 0.5
# How much is compared: the cost grows with the square of a line's length.
_LINE_CHARS = 200
_LINES = 64
_CANDIDATES = 3


def neighbourhood(offer: Offer, lines: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """A copy of the lines in which `surviving` looks, without line ends, and the number of the first."""
    first = max(0, offer.context.line - _DRIFT_LINES)
    last = offer.context.line + _DRIFT_LINES + offer.suggestion.text.count("\n") + 1
    return first, tuple(line.rstrip("\r\n") for line in lines[first:last])


def surviving(offer: Offer, first: int, lines: Sequence[str]) -> str:
    """What is left of an accepted suggestion in the document now; '' when it is gone.

    The stretch of as many lines that is most like the accepted text, near where it was put.

    Args:
        offer: what was accepted.
        first: number of the first of `lines` in the document.
        lines: the `neighbourhood`.
    """
    accepted = (offer.context.line_prefix + offer.suggestion.text).split("\n")
    size = len(accepted)
    home = offer.context.line - first
    starts = sorted(range(len(lines) - size + 1), key=lambda start: abs(start - home))
    best = next((start for start in starts if list(lines[start : start + size]) == accepted), None)
    if best is None:
        best = _most_alike(accepted, lines, starts)
    if best is None:
        return ""
    found = "\n".join(lines[best : best + size])
    prefix = offer.context.line_prefix
    return found[len(prefix) :] if found.startswith(prefix) else found.lstrip()


def _most_alike(accepted: list[str], lines: Sequence[str], starts: Sequence[int]) -> int | None:
    """Of equally similar ones the first of `starts`."""
    size = len(accepted)
    matcher = SequenceMatcher(autojunk=False, b=_text(accepted))
    rough: list[tuple[float, int]] = []
    for start in starts:
        matcher.set_seq1(_text(lines[start : start + size]))
        rough.append((matcher.quick_ratio(), start))
    rough.sort(key=lambda each: -each[0])
    best, best_share = None, _SAME
    for most, start in rough[:_CANDIDATES]:
        if most > best_share and (share := _share(accepted, lines[start : start + size])) > best_share:
            best, best_share = start, share
    return best


def _share(one: Sequence[str], other: Sequence[str]) -> float:
    """How much two texts have in common, 0 to 1: by lines, and by characters where lines were changed."""
    one, other = _cut(one), _cut(other)
    common = 0.0
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "equal":
            common += sum(map(len, one[i1:i2]))
        elif kind == "replace":
            for a, b in zip(one[i1:i2], other[j1:j2], strict=False):
                common += SequenceMatcher(None, a, b, autojunk=False).ratio() * (len(a) + len(b)) / 2
    both = sum(map(len, one)) + sum(map(len, other))
    return 2 * common / both if both else 1.0


def _text(lines: Sequence[str]) -> str:
    return "\n".join(_cut(lines))


def _cut(lines: Sequence[str]) -> list[str]:
    return [line[:_LINE_CHARS] for line in lines[:_LINES]]

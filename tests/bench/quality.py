"""How good the suggestions are: holes punched in real code, ours against the bare engine.

The bare engine gets what llama.vim would give it: 256 lines before the cursor, 64 after. The starter model
has no fill-in-the-middle tokens, so it can only read the former. Both use the same model, greedily.
"""

from __future__ import annotations

import random
import sys
import sysconfig
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import playwright

from .stack import SAME_ENGINE, Stack, bare_engine, first_line, real_files, stack

LINES_BEFORE = 256
_OPEN, _CLOSE = "([{", ")]}"


@dataclass(frozen=True)
class Hole:
    """A piece cut out of a line."""

    file: Path
    language: str
    kind: str
    """``line``: up to the line's end; ``inside``: between two points of a line; ``next``: a whole line."""
    line: int
    start: int
    end: int

    def text(self) -> str:
        """What is missing."""
        return self._lines()[self.line][self.start : self.end]

    def split(self) -> tuple[str, str]:
        """The document before and after the hole."""
        lines = self._lines()
        here = lines[self.line]
        before = "\n".join([*lines[: self.line], here[: self.start]])
        after = "\n".join([here[self.end :], *lines[self.line + 1 :]])
        return before, after

    def _lines(self) -> list[str]:
        return self.file.read_text(encoding="utf-8").split("\n")


def holes(count: int, seed: int = 7) -> list[Hole]:
    """`count` holes, the same every time, in the standard library and in JavaScript."""
    dice = random.Random(seed)
    standard = Path(sysconfig.get_paths()["stdlib"])
    files = [(f, "python") for f in real_files(standard, ".py", lines=(60, 200), count=max(1, count // 27))]
    script = Path(playwright.__file__).parent / "driver" / "package"
    files += [
        (f, "javascript") for f in real_files(script, ".js", lines=(60, 200), count=max(1, count // 80))
    ]
    found: list[Hole] = []
    each = -(-count // len(files))
    for file, language in files:
        lines = file.read_text(encoding="utf-8").split("\n")
        good = [n for n, text in enumerate(lines) if n > 15 and 12 <= len(text.strip()) <= 90]
        for line in sorted(dice.sample(good, min(each, len(good)))):
            found.append(_punch(file, language, line, lines[line], dice))
    return found[:count]


def _punch(file: Path, language: str, line: int, text: str, dice: random.Random) -> Hole:
    indent = len(text) - len(text.lstrip())
    kind = dice.choice(["line", "line", "inside", "next"])
    if kind == "next":
        return Hole(file, language, kind, line, indent, len(text))
    start = dice.randrange(indent + 2, max(indent + 3, len(text) - 3))
    if kind == "line":
        return Hole(file, language, kind, line, start, len(text))
    return Hole(file, language, kind, line, start, dice.randrange(start + 1, len(text)))


async def measure(count: int) -> dict[str, Any]:
    """Scores of both, as means over all holes."""
    all_holes = holes(count)
    ours: list[dict[str, float]] = []
    bare: list[dict[str, float]] = []
    async with stack(settings=SAME_ENGINE) as product, bare_engine() as engine:
        for number, hole in enumerate(all_holes):
            before, after = hole.split()
            ours.append(score(hole, *await _ask(product, hole, before, after)))
            window = "\n".join(before.split("\n")[-LINES_BEFORE:])
            payload = {
                "prompt": window,
                "n_predict": 64,
                "temperature": 0.0,
                "stop": ["\n"] if hole.kind != "next" else [],
                "stream": True,
                "cache_prompt": True,
            }
            text = (await first_line(engine, "/completion", payload))[2]
            bare.append(score(hole, text.lstrip("\n").split("\n")[0], 0))
            if number % 50 == 49:
                print(f"  {number + 1} holes", file=sys.stderr)
    return {
        "holes": len(all_holes),
        "kinds": dict(Counter(f"{hole.language} {hole.kind}" for hole in all_holes)),
        "ours": _mean(ours),
        "bare": _mean(bare),
        "ours_by_kind": _by_kind(all_holes, ours),
        "bare_by_kind": _by_kind(all_holes, bare),
    }


async def _ask(product: Stack, hole: Hole, before: str, after: str) -> tuple[str, int]:
    """The first line of our suggestion and how much it replaces."""
    uri = hole.file.as_uri()
    if uri in product.versions:
        product.change(uri, before + after)
    else:
        product.open(uri, before + after, hole.language)
    item = await product.ask(uri, hole.line, hole.start)
    if item is None:
        return "", 0
    reach = item["range"]["end"]["character"] - hole.start
    return str(item["insertText"]).split("\n")[0], reach


def score(hole: Hole, predicted: str, replaced: int) -> dict[str, float]:
    """How near a prediction comes.

    ``exact``: the line is as it was. ``chrf``: character n-gram F2 of the inserted text (Popović 2015).
    ``balance``: the line's brackets are as balanced as they were. ``shown``: there was something to show.
    """
    before, after = hole.split()
    head, tail = before.rsplit("\n", 1)[-1], after.split("\n", 1)[0]
    line, truth = head + predicted + tail[replaced:], head + hole.text() + tail
    expected = hole.text() + tail[:replaced]
    return {
        "exact": float(line.rstrip() == truth.rstrip()),
        "chrf": chrf(predicted.strip(), expected.strip()),
        "balance": float(_balance(line) == _balance(truth)),
        "shown": float(bool(predicted.strip())),
    }


def chrf(predicted: str, expected: str, order: int = 6, beta: float = 2.0) -> float:
    """Character n-gram F-score, 0 to 1."""
    scores = []
    for n in range(1, order + 1):
        ours, theirs = _grams(predicted, n), _grams(expected, n)
        if not ours or not theirs:
            continue
        same = sum((ours & theirs).values())
        precision, recall = same / sum(ours.values()), same / sum(theirs.values())
        both = beta**2 * precision + recall
        scores.append((1 + beta**2) * precision * recall / both if both else 0.0)
    return sum(scores) / len(scores) if scores else float(predicted == expected)


def _grams(text: str, n: int) -> Counter[str]:
    packed = "".join(text.split())
    return Counter(packed[i : i + n] for i in range(len(packed) - n + 1))


def _balance(line: str) -> tuple[int, ...]:
    return tuple(line.count(a) - line.count(b) for a, b in zip(_OPEN, _CLOSE, strict=True))


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(sum(row[key] for row in rows) / len(rows), 4) for key in rows[0]} if rows else {}


def _by_kind(all_holes: list[Hole], rows: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    kinds = sorted({hole.kind for hole in all_holes})
    return {
        kind: _mean([row for hole, row in zip(all_holes, rows, strict=True) if hole.kind == kind])
        for kind in kinds
    }

"""Text that goes round in circles."""

from __future__ import annotations

import re

from ide_agent.features.completion.cursor import CursorContext
from ide_agent.features.completion.postprocess.draft import Draft
from ide_agent.features.completion.postprocess.near import is_nontrivial, nearly_equal

_LONGEST_PERIOD = 4
_OFTEN = 3
_OFTEN_LENGTH = 16
_LINE = 40
_PHRASE = re.compile(r"(?=\S*\w)(.{6,60}?)\1{2,}|(?=\S*\w)(.{2,5}?)\2{7,}")


def cut_loop(draft: Draft, context: CursorContext) -> Draft:
    """Cut before a line that repeats the one above it, closes a circle of lines, or circles in itself.

    The document's lines above the cursor count as lines above.
    """
    above = [line.rstrip() for line in context.prefix.split("\n")[-40:-1] if line.strip()]
    seen: list[str] = above[-2 * _LONGEST_PERIOD :]
    own = len(seen)
    start = 0
    for number, line in enumerate(draft.text.split("\n")):
        whole = (context.line_prefix + line if number == 0 else line).rstrip()
        if line.strip():
            if _circles(whole, seen, own) or (len(line) >= _LINE and _PHRASE.search(line)):
                return draft.cut(start)
            seen.append(whole)
        start += len(line) + 1
    return draft


def runs_on(text: str, line_prefix: str, max_columns: int) -> bool:
    """Whether the last, open line of `text` will come to nothing: it circles in itself or never ends.

    Args:
        text: what the model said so far.
        line_prefix: what stands before it on its first line.
        max_columns: the longest line that makes sense here.
    """
    *before, line = text.split("\n")
    room = max_columns if before else max(max_columns - len(line_prefix), _LINE)
    return len(line) > room or (len(line) >= _LINE and _PHRASE.search(line) is not None)


def _circles(line: str, seen: list[str], own: int) -> bool:
    if not seen or not is_nontrivial(line):
        return False
    if nearly_equal(line, seen[-1], 0.05):
        return True
    recent = [*seen, line]
    for period in range(2, _LONGEST_PERIOD + 1):
        if len(recent) >= 2 * period and recent[-period:] == recent[-2 * period : -period]:
            return True
    return len(line.strip()) >= _OFTEN_LENGTH and seen[own:].count(line) >= _OFTEN - 1

"""Suggestions that are too long to be read."""

from __future__ import annotations

from ide_agent.features.completion.postprocess.draft import Draft
from ide_agent.features.completion.shape import Shape

_MAX_COLUMNS = 400


def cut_overlong(draft: Draft, shape: Shape) -> Draft:
    """At most the lines that were asked for, and none that is longer than anybody would read.

    The line end behind the code that opens a block does not count as a line.
    """
    lines = draft.text.split("\n")
    most = shape.max_lines + (not lines[0].strip())
    start = 0
    for number, line in enumerate(lines):
        if number == most or len(line) > _MAX_COLUMNS:
            return draft.cut(start)
        start += len(line) + 1
    return draft

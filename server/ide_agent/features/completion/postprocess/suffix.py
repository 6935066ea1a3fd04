"""Lines that the document already has below the cursor.

A model without fill-in-the-middle tokens runs on and writes them again; one with them sometimes does.
"""

from __future__ import annotations

from ide_agent.features.completion.cursor import CursorContext
from ide_agent.features.completion.postprocess.draft import Draft
from ide_agent.features.completion.postprocess.near import is_nontrivial, nearly_equal

_LOOK_AHEAD = 3
_LONG = 10


def cut_known_lines(draft: Draft, context: CursorContext) -> Draft:
    """Cut before the first line that is one of the next lines of the document."""
    below = [line.rstrip() for line in context.suffix.split("\n")[1:60] if line.strip()][:_LOOK_AHEAD]
    if not below:
        return draft
    start = 0
    for number, line in enumerate(draft.text.split("\n")):
        whole = (context.line_prefix + line if number == 0 else line).rstrip()
        if line.strip() and _is_known(whole, below):
            return draft.cut(start)
        start += len(line) + 1
    return draft


def _is_known(line: str, below: list[str]) -> bool:
    if line == below[0]:
        return any(char.isalnum() for char in line)  # Closing brackets are counted, not compared.
    if not is_nontrivial(line):
        return False
    if len(line.strip()) >= _LONG and nearly_equal(line, below[0], 0.1):
        return True
    return any(
        len(line.strip()) >= _LONG
        and line[: len(line) - len(line.lstrip())] == known[: len(known) - len(known.lstrip())]
        and nearly_equal(line, known, 0.05)
        for known in below[1:]
    )

"""Lines that the document already has below the cursor.

A model without fill-in-the-middle tokens runs on and writes them again; one with them sometimes does.
"""

from __future__ import annotations

import re

from ide_agent.features.completion.cursor import CursorContext
from ide_agent.features.completion.postprocess.draft import Draft
from ide_agent.features.completion.postprocess.near import is_nontrivial, nearly_equal

_LONG = 10
_BEGINS_SOMETHING = re.compile(r"\s*(?:@.*|.*[(\[{]|\w+)")


def cut_known_lines(draft: Draft, context: CursorContext) -> Draft:
    """Cut before the line with which the text meets the next lines of the document.

    Lines that merely begin something, such as decorators, may be those of the document by right: they count
    together with the line below them, and are not shown before that line is known.
    """
    below = [line.rstrip() for line in context.suffix.split("\n")[1:60] if line.strip()]
    start = met = 0
    held: int | None = None
    for number, line in enumerate(draft.text.split("\n")):
        whole = (context.line_prefix + line if number == 0 else line).rstrip()
        if line.strip():
            if met < len(below) and _is_known(whole, below[met]):
                held = start if held is None else held
                if not _BEGINS_SOMETHING.fullmatch(whole):
                    return draft.cut(held)
                met += 1
            else:
                held, met = None, 0
        start += len(line) + 1
    return draft if held is None else draft.with_text(draft.text[:held])


def _is_known(line: str, below: str) -> bool:
    if line == below:
        return any(char.isalnum() for char in line)  # Closing brackets are counted, not compared.
    return len(line.strip()) >= _LONG and is_nontrivial(line) and nearly_equal(line, below, 0.1)

"""The right depth of the first line."""

from __future__ import annotations

from ide_agent.features.completion import layout, lexer
from ide_agent.features.completion.cursor import CursorContext


def first_line(text: str, context: CursorContext) -> str:
    """`text` with its first line indented as its place asks for, when the cursor's line is still blank.

    The user's own indentation stays; what the model wrote twice is dropped, what it forgot below a line that
    opens a block is added.
    """
    here = context.line_prefix
    body = text.lstrip(" \t")
    if here.strip() or not body or body[0] == "\n" or context.language in lexer.PROSE:
        return text
    lines = context.prefix.split("\n")
    above = next((n for n in range(len(lines) - 2, -1, -1) if lines[n].strip()), None)
    unit = layout.unit(context.prefix, context.suffix, context.language) or "    "
    have = layout.width(here)
    lead = text[: len(text) - len(body)]
    total = layout.width(here + lead)
    if above is None:
        return body if have else text
    opener = layout.opener_width(lines, above, context.language)
    deepest = layout.width(lines[above])
    if opener is not None:
        deepest = opener + layout.width(unit)
        forgotten = have <= opener and total <= opener and not layout.closing_length(body, context.language)
        if forgotten and not layout.goes_on(body):
            return _blanks(deepest - have, unit) + body
    if total <= have:
        return body
    levels = {layout.width(line) for line in lines[max(0, above - 60) : above + 1] if line.strip()} | {
        deepest
    }
    target = max((level for level in levels if have <= level <= min(total, deepest)), default=have)
    return _blanks(target - have, unit) + body


def _blanks(columns: int, unit: str) -> str:
    if unit == "\t":
        return "\t" * (columns // layout.TAB_WIDTH) + " " * (columns % layout.TAB_WIDTH)
    return " " * columns

"""How many lines a suggestion has: decided by syntax before it is asked for, and while it comes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Literal

from ide_agent.features.completion import ending, layout, lexer, syntax
from ide_agent.features.completion.cursor import CursorContext

_LINE_TOKENS = 48
_STATEMENT_TOKENS = 96
_TOKENS_PER_LINE = 16
_DOCSTRING_LINES = 40
_LONGEST_LINE = 2000
_COLUMNS, _MOST_COLUMNS = 100, 240
_ONLY_STRING = re.compile(r"\s*[rRuU]?(\"\"\"|'''|\"|')_\1\s*")


@dataclass(frozen=True, slots=True)
class Shape:
    """What to ask the engine for, and when the answer is whole."""

    kind: Literal["line", "statement", "block"]
    """The rest of one line; a statement with its own block; all that the block at the cursor still needs."""
    base: int
    """Columns of indentation of the line that opens the block, or of the statement."""
    max_lines: int
    max_tokens: int
    stop: tuple[str, ...]
    """Stop strings for the engine, at most 4."""
    inside: syntax.Place
    """Where the cursor stands."""
    max_columns: int = _MOST_COLUMNS
    """A line of the document that is longer is not going to end well."""


def decide(context: CursorContext, max_lines: int) -> Shape:
    """The shape of a suggestion at the cursor.

    Args:
        context: the document around the cursor.
        max_lines: the longest suggestion the user wants, in lines.
    """
    inside = syntax.place(context)
    shape = partial(Shape, inside=inside, max_columns=_columns(context, inside))
    here = layout.width(context.line_prefix)
    blank = not context.line_prefix.strip()
    endless = len(context.line_prefix) > _LONGEST_LINE  # data or minified code
    if endless or not _in_statement(context, inside) or context.line_suffix.strip():
        # On a blank line the model's first token may be the line end: stopping there would leave nothing.
        stop = ("\n",) if context.line_suffix.strip() or not blank else ("\n\n\n",)
        return shape("line", here, 1, _LINE_TOKENS, stop)
    opener = _opener(context)
    if opener is not None:
        below = layout.next_width(context.suffix)
        if below is None or below <= opener:
            tokens = max(_STATEMENT_TOKENS, _TOKENS_PER_LINE * max_lines)
            return shape("block", opener, max_lines, tokens, ("\n\n\n",))
        if not blank:
            return shape("line", here, 1, _LINE_TOKENS, ("\n",))
    stop = ("\n\n\n",) if blank else ("\n\n",)
    return shape("statement", here, max_lines, _STATEMENT_TOKENS, stop)


def finished(context: CursorContext, raw: str, shape: Shape) -> int | None:
    """Where the suggestion ends, once `raw`, the raw text so far, holds its end.

    Returns:
        Index of the cut in `raw`; None while more may belong to it. However `raw` goes on, it stays.
    """
    text = layout.as_document(raw, context)
    cut = end(context, text, shape)
    if cut is None or text == raw:
        return cut
    # only what lines begin with is another, so that the end of each is as far from the cut
    number = text.count("\n", 0, cut)
    rest = len(text.split("\n", number + 1)[number]) - (cut - (text.rfind("\n", 0, cut) + 1))
    lines = raw.split("\n", number + 1)
    return max(sum(len(line) + 1 for line in lines[: number + 1]) - 1 - rest, 0)


def end(context: CursorContext, text: str, shape: Shape) -> int | None:
    """As `finished`, of text that is indented as the document is."""
    if shape.kind == "line":
        return ending.line_end(context, text, prose=shape.inside == "text")
    block = shape.kind == "block"
    return ending.block_end(context, text, base=shape.base, max_lines=shape.max_lines, block=block)


def _columns(context: CursorContext, inside: syntax.Place) -> int:
    """As wide as the code around is, or as code usually is. A paragraph may be one long line."""
    if inside == "text":
        return _MOST_COLUMNS
    lines = f"{context.prefix}\n{context.suffix}".split("\n")
    return min(max(_COLUMNS, *map(len, lines)), _MOST_COLUMNS)


def _in_statement(context: CursorContext, inside: syntax.Place) -> bool:
    """The cursor is in code, or in a string that most likely ends on this line."""
    if inside != "string":
        return inside == "code"
    state = syntax.before(context.prefix, context.prefix_line, context.language)
    return not state.in_lines or lexer.scan(context.line_prefix, context.language).state == "`"


def _opener(context: CursorContext) -> int | None:
    """Indentation of the line that opens a block right before the cursor; None when there is none."""
    language = context.language
    lines = context.prefix.split("\n")
    if context.line_prefix.strip():
        return layout.opener_width(lines, len(lines) - 1, language)
    number = _code_above(lines, len(lines) - 1, language)
    if number is None:
        return None
    opener = layout.opener_width(lines, number, language)
    if opener is None:
        docstring = _docstring_start(lines, number, language)
        above = None if docstring is None else _code_above(lines, docstring, language)
        opener = None if above is None else layout.opener_width(lines, above, language)
    if opener is not None and 0 < layout.width(context.line_prefix) <= opener:
        return None  # The user has left the block.
    return opener


def _code_above(lines: list[str], number: int, language: str) -> int | None:
    """Number of the last line above line `number` that is more than a comment."""
    for above in range(number - 1, max(-1, number - _DOCSTRING_LINES), -1):
        line = lines[above]
        if lexer.code_of(line, language).strip() and not line.lstrip().startswith(("*", "/*")):
            return above
    return None


def _docstring_start(lines: list[str], number: int, language: str) -> int | None:
    """Number of the line on which the string starts that, all by itself, ends on line `number`."""
    if not layout.has_docstrings(language):
        return None
    for start in range(number, max(-1, number - _DOCSTRING_LINES), -1):
        if lines[start].lstrip(" \trRuU").startswith(('"', "'")):
            code = lexer.code_of("\n".join(lines[start : number + 1]), language)
            if _ONLY_STRING.fullmatch(code):
                return start
    return None

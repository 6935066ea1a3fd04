"""Where a line, a statement or a block ends in text that is still being generated.

Only what stands before an end decides on it, so an answer stays the same however the text goes on.
"""

from __future__ import annotations

import re

from ide_agent.features.completion import layout, lexer, skeleton, syntax
from ide_agent.features.completion.cursor import CursorContext

_MAX_LEADING_BLANK = 3
_SENTENCE_END = re.compile(r"(?<=\w{3})[.!?…][\"'»”)\]]*(?=\s+[^\W\d_a-z]|\s+[A-ZÇĞİÖŞÜ])|[。！？]")
_WORD_IS_WHOLE = re.compile(r"\s*(?:\w+\W|[^\w\s])")


def line_end(context: CursorContext, text: str, *, prose: bool) -> int | None:
    """Index in `text` at which the cursor's line, or its sentence, ends; None while that is open."""
    lines = text.split("\n")
    first = _first_line(context, lines)
    if first is None or first < 0:
        return first and 0
    start = sum(len(line) + 1 for line in lines[:first])
    line = lines[first]
    if prose:
        sentence = _SENTENCE_END.search(line)
        if sentence:
            return start + sentence.end()
    return start + len(line) if first < len(lines) - 1 else None


def block_end(context: CursorContext, text: str, *, base: int, max_lines: int, block: bool) -> int | None:
    """Index in `text` at which the statement or block at the cursor ends; None while more may belong to it.

    Args:
        context: the document around the cursor.
        text: the raw text so far; its last line may be incomplete.
        base: columns of indentation of the line that opens the block, or of the statement.
        max_lines: the most lines wanted.
        block: a block is open at the cursor; else a statement begins or goes on there.
    """
    language = context.language
    fresh = not context.line_prefix.strip()
    lines = text.split("\n")
    first = _first_line(context, lines, block=block)
    if first is None or first < 0:
        return first and 0
    if first and layout.width(lines[first]) < base + block:
        return 0  # It goes on outside the block that the cursor is in.
    if fresh and not block:
        base = layout.width(lines[first] if first else context.line_prefix + lines[0])
    state = syntax.before(context.prefix, context.prefix_line, language).state
    waiting = 0 if fresh else len(lexer.scan(context.line_prefix, language).opened)
    start = sum(len(line) + 1 for line in lines[:first])
    kept = 0  # end of the last line that surely belongs to it
    own = (
        not block
    )  # the suggestion begins a statement: the `else` and the last line of its block are its own
    indented = block  # a line at `base` or left of it ends what is open
    quiet = True  # no bracket and no string that the suggestion opens is open at `start`
    closed = not waiting  # nor a bracket that the cursor's line opens
    blanks = count = 0
    for number in range(first, len(lines)):
        line = lines[number]
        whole = number < len(lines) - 1
        end = start + len(line)
        if not line.strip():
            blanks += number > first
            if whole and kept and (blanks > 1 or (quiet and closed and not indented)):
                return kept
            count += 1
        else:
            blanks = 0
            if quiet and number > first and layout.width(line) <= base:
                verdict = _at_base(context, line, base, whole=whole, indented=indented, own=own)
                if verdict is None:
                    return None
                if verdict >= 0:
                    return start + verdict if verdict else kept
            if not whole:
                return None
            count += 1
            seen = lexer.scan(text[: end + 1], language, state)
            if len(seen.closed) > waiting or count >= max_lines:
                return end
            quiet = not seen.opened and not seen.in_lines
            closed = len(seen.closed) == waiting
            kept = end
            if quiet and closed and (waiting if block and not own else not indented):
                own, indented = True, _indents(context, text[:end])
                if not indented and _is_complete(context, text[:end], fresh=fresh and first > 0):
                    return end
        start = end + 1
    return None


def _first_line(context: CursorContext, lines: list[str], *, block: bool = False) -> int | None:
    """Number of the line on which the suggestion begins; None: not there yet; -1: there is none."""
    number = 0
    while number < len(lines) and not lines[number].strip():
        number += 1
    whole_blank = min(number, len(lines) - 1)
    if whole_blank > _MAX_LEADING_BLANK or (whole_blank and not block and context.line_prefix.strip()):
        return -1
    return None if number == len(lines) else number


def _at_base(
    context: CursorContext, line: str, base: int, *, whole: bool, indented: bool, own: bool
) -> int | None:
    """What `line`, indented by at most `base`, does to the suggestion.

    Returns:
        -1: it belongs to it; 0: it does not; n > 0: its first n characters end it; None: its rest must tell.
    """
    if layout.width(line) < base:
        return 0
    if not indented:
        return -1
    if not whole and not _WORD_IS_WHOLE.match(line):
        return None
    closer = layout.closing_length(line, context.language)
    if closer:
        if not own and layout.closed_below(context.suffix, base, context.language):
            return 0
        return closer if whole else None
    return -1 if own and layout.goes_on(line) else 0


def _indents(context: CursorContext, text: str) -> bool:
    """The last line of `text` begins an indented block."""
    lines = (context.prefix + text).split("\n")
    columns = layout.opener_width(lines, len(lines) - 1, context.language)
    return columns is not None and lexer.code_of(lines[-1], context.language).rstrip()[-1:] not in (
        "(",
        "[",
        "{",
    )


def _is_complete(context: CursorContext, text: str, *, fresh: bool) -> bool:
    """The statement that ends with `text`, whose brackets are closed, is whole and not just a comment.

    Args:
        context: the document around the cursor.
        text: the suggestion so far, whole lines.
        fresh: the statement begins in `text`, below the cursor's line.
    """
    language = context.language
    above = context.prefix.split("\n")
    if fresh:
        body = text.lstrip("\n")
        above[-1] = layout.leading(body)
        return _says_something(body, language) and skeleton.is_complete("\n".join(above), body, language)
    number = layout.statement_start(above, len(above) - 1, language)
    statement = "\n".join(above[number:]) + text
    before = "\n".join([*above[:number], layout.leading(above[number])])
    return _says_something(statement, language) and skeleton.is_complete(before, statement, language)


def _says_something(statement: str, language: str) -> bool:
    return bool(lexer.code_of(statement, language).strip())

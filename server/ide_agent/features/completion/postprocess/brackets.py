"""Closing brackets that the document already has."""

from __future__ import annotations

from functools import lru_cache

from ide_agent.features.completion import layout, lexer, syntax
from ide_agent.features.completion.cursor import CursorContext
from ide_agent.features.completion.postprocess.draft import Draft

_MAX_SUFFIX = 12_000


def cut_redundant_closer(draft: Draft, context: CursorContext) -> Draft:
    """Cut before the first closing bracket that closes nothing, or what the text below the cursor closes."""
    before = syntax.before(context.prefix, context.prefix_line, context.language)
    found = lexer.scan(draft.text, context.language, before.state).closed
    if not found:
        return draft
    waiting = open_brackets(context)
    for depth, closer in enumerate(found):
        if depth == len(waiting) and not syntax.is_all(context.prefix, context.prefix_line):
            return draft  # Opened above what is read of the document.
        if depth >= len(waiting) or waiting[depth] != (lexer.PAIRS[closer.char], False):
            return draft.cut(closer.at)
    return draft


def open_brackets(context: CursorContext, *, below: bool = False) -> tuple[tuple[str, bool], ...]:
    """The brackets open at the cursor, innermost first, each with whether the text behind it closes it.

    Args:
        context: the document around the cursor.
        below: only the lines below the cursor's count as closing.
    """
    start = len(context.line_suffix) if below else 0
    suffix = context.suffix[start : start + _MAX_SUFFIX]
    return _open_brackets(context.prefix, context.prefix_line, suffix, context.language)


@lru_cache(maxsize=8)
def _open_brackets(prefix: str, prefix_line: int, suffix: str, language: str) -> tuple[tuple[str, bool], ...]:
    before = syntax.before(prefix, prefix_line, language)
    head = syntax.scope(prefix, prefix_line)
    closers = list(lexer.scan(suffix, language, _state_behind(before, suffix)).closed)
    result: list[tuple[str, bool]] = []
    for opener in reversed(before.opened):
        start = head.rfind("\n", 0, opener.at) + 1
        columns = layout.width(head[start:])
        closer = closers[0] if closers else None
        closes = closer is not None and lexer.PAIRS[closer.char] == opener.char
        if closer is not None and closes and closer.at > suffix.find("\n") >= 0:
            # A closer that begins a line left of the opener's line belongs to a block further out.
            line = suffix[suffix.rfind("\n", 0, closer.at) + 1 :]
            begins = not line[: closer.at - (len(suffix) - len(line))].strip()
            closes = not (begins and layout.width(line) < columns)
        if closes:
            closers.pop(0)
        result.append((opener.char, closes))
    return tuple(result)


def _state_behind(before: lexer.Scan, suffix: str) -> str:
    """The state in which `suffix` starts: a string or comment that it does not close ends at the cursor."""
    if not before.in_lines:
        return "" if suffix.startswith("\n") else before.state
    closing = {"/*": "*/", "<!--": "-->"}.get(before.state)
    if closing is None:
        return before.state if suffix.count(before.state) % 2 else ""
    return before.state if closing in suffix.split(before.state)[0] else ""

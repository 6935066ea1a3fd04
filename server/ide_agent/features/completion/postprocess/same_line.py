"""A suggestion in the middle of a line: it has to fit between what stands left and right of the cursor."""

from __future__ import annotations

import re
from dataclasses import replace

from ide_agent.features.completion import lexer, syntax
from ide_agent.features.completion.cursor import CursorContext
from ide_agent.features.completion.postprocess.brackets import open_brackets
from ide_agent.features.completion.postprocess.draft import Draft

_INSERTED_BY_EDITOR = re.compile(r"[)\]}\"'`;,>]+")
_LEAST_OVERLAP = 3


def fit_line(draft: Draft, context: CursorContext) -> Draft:
    """The first line of the text, without what repeats the rest of the line.

    Among the ways to join text and rest the first one that leaves the fewest brackets and quotes without
    partner is taken: the overlap dropped, the text as it is, closing characters that the editor inserted
    replaced by the text's own, and the text cut before a closing bracket too many.
    """
    line, end, _ = draft.text.partition("\n")
    draft = replace(draft, text=line, ended=draft.ended or bool(end))
    rest = context.line_suffix.rstrip()
    if rest.lstrip().startswith(line.strip()):
        return draft.with_text("")
    text, replaced = min(_fits(line, rest, context), key=lambda fit: _defects(fit[0], fit[1], rest, context))
    if text != line:
        draft = draft.cut(len(text))
    return replace(draft, replace_after=replaced)


def _fits(line: str, rest: str, context: CursorContext) -> list[tuple[str, int]]:
    """Ways to join `line` and `rest`, the preferred first: the text, and how much of `rest` it replaces."""
    fits = [
        (line[:-size], 0) for size in range(min(len(line), len(rest)), 0, -1) if _overlaps(line, rest, size)
    ]
    fits.append((line, 0))
    if _INSERTED_BY_EDITOR.fullmatch(rest):
        fits += [(line, size) for size in range(1, len(rest) + 1) if _is_within(rest[:size], line)]
    state = syntax.before(context.prefix, context.prefix_line, context.language).state
    fits += [(line[: closer.at].rstrip(), 0) for closer in lexer.scan(line, context.language, state).closed]
    return fits


def _overlaps(line: str, rest: str, size: int) -> bool:
    """The last `size` characters of `line` are the first of `rest`, and not by chance."""
    if not line.endswith(rest[:size]):
        return False
    if _INSERTED_BY_EDITOR.fullmatch(rest[:size]):
        return True
    if size == len(rest) >= _LEAST_OVERLAP:
        return True
    inside_word = line[-size - 1 : -size].isalnum() and rest[0].isalnum()
    return not inside_word and (size == len(rest) or size >= _LEAST_OVERLAP)


def _is_within(closers: str, line: str) -> bool:
    """The characters of `closers` occur in `line` in their order, so that replacing them loses none."""
    at = 0
    for char in closers:
        at = line.find(char, at) + 1
        if at == 0:
            return False
    return True


def _defects(text: str, replaced: int, rest: str, context: CursorContext) -> int:
    """Brackets and quotes without a partner in the line that the text and what it leaves of `rest` make."""
    before = syntax.before(context.prefix, context.prefix_line, context.language)
    seen = lexer.scan(text + rest[replaced:], context.language, before.state)
    waiting = open_brackets(context, below=True)
    opened = len(seen.opened)
    if opened and replaced == len(rest) and seen.opened[-1].at == len(text.rstrip()) - 1:
        opened -= 1  # The line goes on to open a block.
    wrong = opened + seen.crossed + bool(seen.state and seen.state[0] in "\"'`")
    for depth, closer in enumerate(seen.closed):
        if depth >= len(waiting) or waiting[depth] != (lexer.PAIRS[closer.char], False):
            wrong += 1
    return wrong + sum(not closed for _, closed in waiting[len(seen.closed) :])

"""A line that the model did not come to the end of."""

from __future__ import annotations

import re

from ide_agent.features.completion import lexer, syntax
from ide_agent.features.completion.cursor import CursorContext
from ide_agent.features.completion.postprocess.draft import Draft

_LAST_WORD = re.compile(r"(?<=\s)\S*\Z")
_LAST_PIECE = re.compile(r"\S*\Z")
_TRAILING = re.compile(r"[^\w)\]}\"'`.;]+\Z")
_CALLED = re.compile(r"[\w.]*\Z")
_JOINED = re.compile(r"\s*(?:[-+*/%|&^]|\band|\bor)\s*\Z")


def cut_unfinished(draft: Draft, context: CursorContext) -> Draft:
    """Of an only line that breaks off, what can stand by itself: whole words, no bracket or string left open.

    Where whole lines stand above it, `whole_lines` has left it out.
    """
    lead = len(draft.text) - len(draft.text.lstrip("\n"))
    if "\n" in draft.text[lead:]:
        return draft
    if context.language in lexer.PROSE:
        return draft.with_text(_LAST_WORD.sub("", draft.text))
    state = syntax.before(context.prefix, context.prefix_line, context.language).state
    found = lexer.scan(draft.text, context.language, state)
    same_string = bool(state) and found.state == state and not found.opened
    if same_string or lexer.is_comment_state(found.state):
        return draft.with_text(_LAST_WORD.sub("", draft.text))
    if found.state:
        return draft.with_text("")
    if not found.opened:
        return draft.with_text(_TRAILING.sub("", _LAST_PIECE.sub("", draft.text)))
    whole = _CALLED.sub("", draft.text[: found.opened[0].at])
    operator = _JOINED.search(whole)
    return draft.with_text(whole[: operator.start()] if operator else "")

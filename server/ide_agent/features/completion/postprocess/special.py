"""Special tokens that a model wrote as text."""

from __future__ import annotations

import re

from ide_agent.features.completion import lexer
from ide_agent.features.completion.cursor import CursorContext
from ide_agent.features.completion.postprocess.draft import Draft
from ide_agent.features.completion.shape import Shape

_NAMES = lexer.words(
    "fim_prefix fim_middle fim_suffix fim_pad fim_eot fim_begin fim_hole fim_end"
    " fim-prefix fim-middle fim-suffix file_sep filename reponame repo_name gh_stars"
    " issue_start issue_comment issue_closed jupyter_start jupyter_text jupyter_code jupyter_output"
    " empty_output commit_before commit_msg commit_after start_of_turn end_of_turn"
    " endoftext end_of_text PRE SUF MID EOT EOS"
)
_BEGINS = re.compile(
    r"<\|?(?:fim[_-]middle|MID|bos|s)\|?>|<｜(?:fim▁hole|begin▁of▁sentence)｜>|▁?<MID>|\[MIDDLE\]"
)
_SPECIAL = re.compile(
    r"<\|[a-zA-Z][\w▁./-]{1,40}\|>"  # <|endoftext|>, <|im_end|>, <|fim_prefix|>, <|file_separator|>
    r"|<｜[^\s｜<>]{1,40}｜>"
    rf"|[▁ ]?<(?:{'|'.join(sorted(_NAMES))})>"
    r"|<</?SYS>>|\[/?INST\]|\[(?:PREFIX|SUFFIX|MIDDLE)\]"
)
_TAG_LIKE = re.compile(r"</?s>|<(?:bos|eos|pad|unk|mask)>")
"""Also words of other languages: not looked for where tags are code."""
_TAGS = lexer.words("html xml xsl svg vue svelte astro handlebars razor php mdx erb")
_UNFINISHED = re.compile(r"<[|｜][a-zA-Z][\w▁./-]*[|｜]?$")
_FENCE = re.compile(r"[ \t]*```[\w+-]*[ \t]*(?:\n|$)")


def cut_special(draft: Draft, context: CursorContext, shape: Shape, *, final: bool) -> Draft:
    """Cut at the first special token; those that merely begin an answer are taken away.

    What looks like one but stands in the user's own document is text like any other.
    """
    text = draft.text
    while begin := _BEGINS.match(text):
        if _is_own(begin[0], context) or (context.language in _TAGS and _TAG_LIKE.match(begin[0])):
            break
        text = text[begin.end() :]
    draft = draft.with_text(text)
    at = _first(_SPECIAL, draft.text, context)
    if context.language not in _TAGS:
        at = min(at, _first(_TAG_LIKE, draft.text, context))
    if at < len(draft.text):
        draft = draft.cut(at)
    if final and (tail := _UNFINISHED.search(draft.text)) and not _is_own(tail[0], context):
        draft = draft.cut(tail.start())
    return _without_fence(draft, context) if shape.inside == "code" else draft


def _first(pattern: re.Pattern[str], text: str, context: CursorContext) -> int:
    for match in pattern.finditer(text):
        if not _is_own(match[0], context):
            return match.start()
    return len(text)


def _is_own(token: str, context: CursorContext) -> bool:
    token = token.strip(" ▁")
    return token in context.prefix or token in context.suffix


def _without_fence(draft: Draft, context: CursorContext) -> Draft:
    """Without the Markdown fence that chat models put around code."""
    if "```" not in draft.text:
        return draft
    opening = _FENCE.match(draft.text.lstrip("\n"))
    if opening:
        draft = draft.with_text(draft.text.lstrip("\n")[opening.end() :])
    for fence in _FENCE.finditer(draft.text):
        at = fence.start()
        if at == 0 or draft.text[at - 1] == "\n":
            return draft.cut(at)
    return draft

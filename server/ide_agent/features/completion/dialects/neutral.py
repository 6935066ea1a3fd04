"""A request without anything that a server would read as a special token.

Engines of ours get token ids instead. An API makes tokens of a text itself, special ones included, so the
pieces that spell one are left out: whole snippets, and of the document what lies behind the spelling, as seen
from the cursor.
"""

from __future__ import annotations

import re
from functools import cache

from ide_agent.features.completion.templates import GRANITE, STARCODER, FimTemplate, sentinels
from ide_agent.features.completion.wire import CompletionRequest, SnippetBody

_OF_ALL = (
    *("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CALLS]"),
    *("[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CONTENT]"),
    *("[IMG]", "<bos>", "<eos>", "<pad>", "<unk>", "<mask>", "<start_of_turn>", "<start_of_image>"),
    *("<think>", "</think>"),
)
_OF_STARCODER = (
    *("<filename>", "<reponame>", "<gh_stars>", "<issue_start>", "<issue_comment>", "<issue_closed>"),
    *("<jupyter_start>", "<jupyter_text>", "<jupyter_code>", "<jupyter_output>", "<empty_output>"),
    *("<commit_before>", "<commit_msg>", "<commit_after>"),
)


def neutral(request: CompletionRequest, template: FimTemplate | None) -> CompletionRequest:
    """`request` without special tokens.

    Args:
        request: what to complete.
        template: that of the model's family, where it is known.
    """
    pattern = _pattern(template in (STARCODER, GRANITE))

    def clean(pieces: list[SnippetBody]) -> list[SnippetBody]:
        return [each for each in pieces if not pattern.search(f"{each.path}\n{each.text}")]

    prefix, suffix = request.prefix, request.suffix
    start = max((match.end() for match in pattern.finditer(prefix)), default=0)
    first = pattern.search(suffix)
    return request.model_copy(
        update={
            "path": "" if pattern.search(request.path) else request.path,
            "language": "plaintext" if pattern.search(request.language) else request.language,
            "prefix": prefix[start:],
            "prefix_line": request.prefix_line + prefix.count("\n", 0, start),
            "suffix": suffix if first is None else suffix[: first.start()],
            "snippets": clean(request.snippets),
            "declarations": clean(request.declarations),
        }
    )


@cache
def _pattern(starcoder: bool) -> re.Pattern[str]:
    return sentinels([*_OF_ALL, *_OF_STARCODER] if starcoder else _OF_ALL)

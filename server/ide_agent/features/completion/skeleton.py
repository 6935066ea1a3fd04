"""Is a statement complete? Parsed: the first lines of the enclosing blocks, the statement, the closers.

Any statement of the cursor's block parses there as it does in the document, at a fraction of the cost, and no
error elsewhere in a half-written document gets in the way.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ide_agent.features.completion import layout, lexer, syntax

_MAX_LINES = 400
_MAX_HEADER = 24
_CLOSERS = {opener: closer for closer, opener in lexer.PAIRS.items()}
_DANGLING = re.compile(
    r"(?:[,\\=+*/%&|^<>.(\[{?]|(?<![+-])[+-]|&&|\|\||\b(?:and|or|not|in|is|instanceof|new))\s*$"
)
_HEADER = re.compile(r"(?:\}?\s*else\s+)?(?:if|for|while)\b[^;{]*\)$|(?:else|do)$")
_DATA = lexer.words("json jsonc json5 jsonl")
_BY_BRACKETS = lexer.words("json yaml toml ini css html xml csv make markdown dockerfile properties scss")
"""Grammars whose pieces do not stand alone."""


def is_complete(prefix: str, statement: str, language: str) -> bool:
    """`statement`, whole lines in which no bracket is left open, is one or several whole statements.

    Args:
        prefix: the document up to the cursor.
        statement: the cursor's line up to the cursor, and what is suggested.
        language: LSP language id.
    """
    code = lexer.code_of(statement, language).rstrip()
    head, tail = _around(prefix, language)
    if code.endswith(",") and tail[:1] in tuple(")]}") and (tail[0] != "}" or language in _DATA):
        return True  # an element of a list
    name = syntax.grammar(language)
    if (
        name is not None
        and name not in _BY_BRACKETS
        and syntax.has_error(f"{head}{tail}\n", language) is False
    ):
        if code.endswith("\\"):
            return False
        return syntax.has_error(f"{head}{statement}\n{tail}\n", language) is False
    return not _DANGLING.search(code) and not _HEADER.match(code.rpartition("\n")[2].strip())


@lru_cache(maxsize=8)
def _around(prefix: str, language: str) -> tuple[str, str]:
    """What encloses the cursor's line: the first lines of the blocks, and what closes them."""
    lines = prefix.split("\n")
    level = layout.width(lines.pop())
    stop = max(0, len(lines) - _MAX_LINES)
    headers: list[str] = []
    number = len(lines)
    while number > stop and level > 0:
        number -= 1
        line = lines[number]
        columns = layout.width(line)
        if columns >= level or not lexer.code_of(line, language).strip():
            continue
        level = columns
        if layout.goes_on(line) or line.lstrip().startswith("try"):
            # Not valid without what stands beside it. Where blocks have brackets a bare block does as well.
            if line.rstrip().endswith("{"):
                headers.append(layout.leading(line) + "{")
            continue
        chunk = [line]
        if line.lstrip()[:1] in (")", "]", "}"):
            while (
                number > stop and len(chunk) < _MAX_HEADER and lexer.scan("\n".join(chunk), language).closed
            ):
                number -= 1
                chunk.insert(0, lines[number])
        headers.extend(reversed(chunk))
    headers.reverse()
    head = "".join(f"{line}\n" for line in headers)
    tail = "".join(_CLOSERS[bracket.char] for bracket in reversed(lexer.scan(head, language).opened))
    words = [layout.end_word(line, language) for line in reversed(headers)]
    if syntax.grammar(language) == "php":
        head = f"<?php\n{head}"
    return head, "\n".join(filter(None, [*words, tail]))

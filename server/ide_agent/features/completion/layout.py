"""How code is laid out in lines: indentation, lines that open a block, lines that close one."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

from ide_agent.features.completion import lexer
from ide_agent.features.completion.cursor import CursorContext

TAB_WIDTH = 4
_MAX_STATEMENT = 24
_MIXED = 4
_TAB_LANGUAGES = lexer.words("go makefile make")
_COLON_WORDS = re.compile(
    r"(?:async\s+)?(?:def|class|if|elif|else|for|while|with|try|except|finally|match|case|func|proc|when|of|enum)\b"
)
_COLON = lexer.words("python starlark cython gdscript nim mojo")
_ANY_COLON = lexer.words("yaml dockercompose coffeescript")
_END = lexer.words(
    "ruby crystal lua luau elixir julia matlab octave shellscript sh bash zsh fish viml vim pascal ada vhdl"
)
_SHELL = lexer.words("shellscript sh bash zsh ksh")
_END_OPENER = re.compile(
    r"^(?:local\s+)?(?:def|defp|defmodule|class|module|function|if|elseif|elsif|elif|unless|while|until|for|case|when"
    r"|begin|struct|macro|let|try|switch|repeat|rescue|ensure|else)\b"
    r"|\b(?:do|then|begin|repeat|else)(?:\s*\|[^|]*\|)?$|\bfunction\s*\([^()]*\)$|\bfn\b[^()]*->$"
)
_ONE_LINER = re.compile(r"\b(?:end|fi|done|esac)\W*$")
_END_WORD = re.compile(r"(?:end(?:if|for|while|function|func|try|def|class)?|fi|done|esac|until\b.*)\b")
_CLOSER = re.compile(r"\s*[)\]}][)\]};,]*")
_GOES_ON = re.compile(
    r"\s*[)\]}]?\s*(?:else|elif|elsif|elseif|except|finally|catch|rescue|ensure)\b|\s*(?:then|do)\s*$"
)


def width(line: str) -> int:
    """Columns of leading whitespace."""
    columns = 0
    for char in line:
        if char == "\t":
            columns += TAB_WIDTH
        elif char == " ":
            columns += 1
        else:
            break
    return columns


def leading(line: str) -> str:
    """The leading blanks and tabs of `line`."""
    return line[: len(line) - len(line.lstrip(" \t"))]


@lru_cache(maxsize=8)
@lru_cache(maxsize=4)
def unit(prefix: str, suffix: str, language: str) -> str | None:
    """One step of indentation as this document writes it; None when it does not tell."""
    above, _, here = prefix.rpartition("\n")
    own = [f"{here}|"] if here[:1] in ("\t", " ") else []
    lines = [line for line in [*above.split("\n")[-200:], *own, *suffix.split("\n")[1:60]] if line.strip()]
    tabs = sum(line[0] == "\t" for line in lines)
    blanks = sum(line.startswith("  ") for line in lines)
    steps: Counter[int] = Counter()
    last = 0
    for line in lines:
        columns = len(line) - len(line.lstrip(" "))
        if 2 <= columns - last <= 8:
            steps[columns - last] += 1
        last = columns
    if tabs > blanks * _MIXED:
        return "\t"
    if tabs * _MIXED >= blanks > 0:
        return None
    if steps:
        return " " * max(steps, key=lambda step: (steps[step], -step))
    return "\t" if language in _TAB_LANGUAGES else None


def as_document(text: str, context: CursorContext) -> str:
    """`text` indented with tabs or blanks as the document is. What the document does not tell stays."""
    one = unit(context.prefix, context.suffix, context.language)
    if one is None or (one != "\t" and "\t" not in text):
        return text
    lines = text.split("\n")
    fresh = not context.line_prefix.strip()
    step = 0
    for number, line in enumerate(lines):
        lead = leading(line)
        if not lead or len(lead) == len(line) or (number == 0 and not fresh):
            continue
        if one != "\t":
            lines[number] = lead.replace("\t", one) + line[len(lead) :]
        elif " " in lead:
            blanks = len(lead) - len(lead.lstrip(" "))
            step = step or (4 if blanks % 4 == 0 else 2 if blanks % 2 == 0 else 4)
            tabs, rest = divmod(blanks, step)
            lines[number] = "\t" * tabs + " " * rest + lead[blanks:] + line[len(lead) :]
    return "\n".join(lines)


def opens_block(line: str, language: str, state: str = "") -> bool:
    """The code of `line` ends with what a block follows: a bracket, a colon, a word such as ``then``."""
    code = lexer.code_of(line, language, state).strip()
    if not code or language in lexer.PROSE:
        return False
    if code[-1] in "([{":
        return True
    if code[-1] == ":":
        return language in _ANY_COLON or (language in _COLON and bool(_COLON_WORDS.match(code)))
    return language in _END and bool(_END_OPENER.search(code)) and not _ONE_LINER.search(code)


def indents_block(line: str, language: str) -> bool:
    """`opens_block` by a colon or a word: a block that no bracket closes."""
    return opens_block(line, language) and lexer.code_of(line, language).rstrip()[-1] not in "([{"


def statement_start(lines: list[str], number: int, language: str) -> int:
    """Number of the line on which the brackets are opened that line `number` closes; else `number`."""
    for start in range(number, max(-1, number - _MAX_STATEMENT), -1):
        if not _closes(lines[start : number + 1], language):
            return start
    return number


def _closes(lines: list[str], language: str) -> bool:
    return bool(lexer.scan("\n".join(lines), language).closed)


def opener_width(lines: list[str], number: int, language: str) -> int | None:
    """Indentation of the statement whose end, on line `number`, opens a block; None when it opens none."""
    start = statement_start(lines, number, language)
    line = lines[number]
    if start < number and line.rstrip().endswith(":") and language in _COLON:
        line = lexer.code_of(lines[start], language).lstrip() + ":"
    if not opens_block(line, language):
        return None
    # A closing bracket at the start of a line stands below the start of its statement, however far that is.
    return width(lines[number if lines[number].lstrip()[:1] in (")", "]", "}") else start])


def has_docstrings(language: str) -> bool:
    """A string right below the header of a block is its documentation."""
    return language in _COLON


def closing_length(line: str, language: str) -> int:
    """Length of what closes a block at the start of `line`, blanks included; 0 when nothing does."""
    match = _CLOSER.match(line)
    if match:
        return match.end()
    if language in _END and _END_WORD.match(line.strip()):
        return len(line.rstrip())
    return 0


def end_word(header: str, language: str) -> str:
    """The word that closes the block opened by `header`, where words do."""
    if language not in _END or not indents_block(header, language):
        return ""
    first = header.split(maxsplit=1)[0]
    if language in _SHELL:
        return {"if": "fi", "elif": "fi", "else": "fi", "case": "esac"}.get(first, "done")
    return "end"


def goes_on(line: str) -> bool:
    """`line` continues the compound statement above it, as ``else`` and ``except`` do."""
    return bool(_GOES_ON.match(line))


def closed_below(suffix: str, base: int, language: str) -> bool:
    """The first line below the cursor that is indented by at most `base` closes a block at `base`."""
    for line in suffix.split("\n")[1:]:
        if line and not line.isspace() and width(line) <= base:
            return width(line) == base and closing_length(line, language) > 0
    return False


def next_width(suffix: str) -> int | None:
    """Indentation of the first non-blank line below the cursor's line."""
    for line in suffix.split("\n")[1:]:
        if line and not line.isspace():
            return width(line)
    return None

"""A thin layer over tree-sitter: which grammar, a parsed window of text, and what stands at the cursor.

tree-sitter is imported when the first text is parsed. Not for use from several threads.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Literal, cast

from ide_agent.features.completion import lexer

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree
    from tree_sitter_language_pack import SupportedLanguage

    from ide_agent.features.completion.cursor import CursorContext

Place = Literal["code", "comment", "string", "text"]

_MAX_BYTES = 24_000
_LINES_BEFORE = 120
_LINES_AFTER = 40
_LINES_NEAR = 4

_ALIASES = {
    "typescriptreact": "tsx",
    "typescript.tsx": "tsx",
    "javascriptreact": "javascript",
    "javascript.jsx": "javascript",
    "shellscript": "bash",
    "sh": "bash",
    "zsh": "bash",
    "ksh": "bash",
    "c#": "csharp",
    "cs": "csharp",
    "c++": "cpp",
    "objective-c": "objc",
    "objective-cpp": "objc",
    "objcpp": "objc",
    "cuda-cpp": "cuda",
    "jsonc": "json",
    "json5": "json",
    "jsonl": "json",
    "makefile": "make",
    "docker": "dockerfile",
    "viml": "vim",
    "emacs-lisp": "elisp",
    "lisp": "commonlisp",
    "tex": "latex",
    "git-commit": "gitcommit",
    "restructuredtext": "rst",
    "mdx": "markdown",
    "protobuf": "proto",
    "proto3": "proto",
    "systemverilog": "verilog",
    "erb": "embeddedtemplate",
    "xsl": "xml",
    "svg": "xml",
    "dockercompose": "yaml",
    "github-actions-workflow": "yaml",
    "helm": "yaml",
    "ansible": "yaml",
    "tfvars": "terraform",
    "bazel": "starlark",
    "cython": "python",
    "mysql": "sql",
    "plsql": "sql",
    "pgsql": "sql",
    "ps1": "powershell",
    "golang": "go",
}
_DEFINITION = re.compile(r"\s*(?:async\s+)?(?:def|class)\s+\w+\s*[(:\[]|.*\)[^()=]*\{$")
_MARGIN = re.compile(r"[\w@#/]")
_INSIDE_OUT = ("interpolation", "substitution", "embedded", "expansion")


@cache
def grammar(language: str) -> str | None:
    """Name of the grammar for an LSP language id; None when there is none."""
    from typing import get_args

    from tree_sitter_language_pack import SupportedLanguage

    name = _ALIASES.get(language.lower(), language.lower())
    return name if name in get_args(SupportedLanguage) else None


@cache
def _parser(name: str) -> Parser | None:
    from tree_sitter import Language
    from tree_sitter import Parser as NewParser
    from tree_sitter_language_pack import get_binding

    try:
        return NewParser(Language(get_binding(cast("SupportedLanguage", name))))
    except (LookupError, OSError, ValueError, ImportError):
        return None


def parse(text: str, language: str) -> Tree | None:
    """The syntax tree of `text`; None without a grammar, and for too long a text."""
    name = grammar(language)
    parser = _parser(name) if name else None
    source = text.encode("utf-8", "replace")
    if parser is None or len(source) > _MAX_BYTES:
        return None
    return parser.parse(source)


@lru_cache(maxsize=64)
def has_error(text: str, language: str) -> bool | None:
    """`text` does not parse; None when nobody can tell."""
    tree = parse(text, language)
    return None if tree is None else tree.root_node.has_error


@lru_cache(maxsize=8)
def scope(prefix: str, prefix_line: int) -> str:
    """The end of `prefix` from a line on at which, most likely, neither a string nor a comment is open.

    A prefix that was cut may start in the middle of a docstring. The first definition is a better place to
    start reading, else the first line at the left margin below a blank line.
    """
    if len(prefix) > _MAX_BYTES:
        return scope(prefix[-_MAX_BYTES:], prefix_line + 1)
    lines = prefix.split("\n")
    start = max(0, len(lines) - _LINES_BEFORE)
    if start == 0 and prefix_line == 0:
        return prefix
    numbers = range(start, len(lines) - 1)
    definition = next((number for number in numbers if _DEFINITION.match(lines[number])), None)
    if definition is None:
        definition = next(
            (n for n in numbers[1:] if _MARGIN.match(lines[n]) and not lines[n - 1].strip()), start
        )
    return "\n".join(lines[definition:])


def is_all(prefix: str, prefix_line: int) -> bool:
    """`scope` is the document from its start on."""
    return prefix_line == 0 and len(scope(prefix, prefix_line)) == len(prefix)


@lru_cache(maxsize=8)
def before(prefix: str, prefix_line: int, language: str) -> lexer.Scan:
    """What is open at the cursor. Indices count from the start of `scope`."""
    return lexer.scan(scope(prefix, prefix_line), language)


def place(context: CursorContext) -> Place:
    """Where the cursor stands: in a comment, in a string, in code, or in plain text."""
    language = context.language
    if language in lexer.PROSE:
        return "text"
    head = scope(context.prefix, context.prefix_line)
    tail = "\n".join(context.suffix.split("\n")[:_LINES_AFTER])
    found, sure = _place_in_tree(head, tail, language)
    state = before(context.prefix, context.prefix_line, language).state
    if sure or (found != "code" and not state):
        return found
    if not state:
        return "code"
    return "comment" if lexer.is_comment_state(state) else "string"


@lru_cache(maxsize=8)
def _place_in_tree(head: str, tail: str, language: str) -> tuple[Place, bool]:
    """What the syntax tree says, and whether there is no error near that makes it doubtful."""
    tree = parse(head + tail, language)
    if tree is None or not head.strip():
        return "code", False
    at = len(head.encode("utf-8", "replace"))
    near = len("\n".join(head.split("\n")[:-_LINES_NEAR]).encode("utf-8", "replace"))
    sure = not _has_error_between(tree.root_node, near, at)
    node: Node | None = tree.root_node.descendant_for_byte_range(at - 1, at)
    while node is not None and not node.is_error:
        kind = node.type
        if any(word in kind for word in _INSIDE_OUT) and not (node.end_byte == at and head.endswith("}")):
            return "code", True
        if node.start_byte < at and (node.end_byte > at or not _is_closed(head, node)):
            if "comment" in kind:
                return "comment", sure
            if "string" in kind or "heredoc" in kind or kind in ("char_literal", "raw_text"):
                return "string", sure
        node = node.parent
    return "code", sure


def _has_error_between(node: Node, start: int, end: int) -> bool:
    """`node` has an error that touches the bytes from `start` to `end`."""
    if not node.has_error or node.start_byte > end or node.end_byte < start:
        return False
    return node.is_error or node.is_missing or any(_has_error_between(n, start, end) for n in node.children)


def _is_closed(head: str, node: Node) -> bool:
    """The string or comment `node`, which ends at the end of `head`, ends there by itself."""
    if "comment" in node.type:
        return head.endswith(("*/", "-->", "-}", "*)", "=#", "]]", "#>"))
    return head[-1:] in ("\"'`")

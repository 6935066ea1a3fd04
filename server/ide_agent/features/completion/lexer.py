"""Brackets, strings and comments of a piece of text, without a parser.

One regular expression a family of languages. It works on any fragment, in the middle of a statement or of a
string, which a grammar cannot do, and it is the only syntax there is for languages without a grammar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

PAIRS = {")": "(", "]": "[", "}": "{"}


def words(text: str) -> frozenset[str]:
    """The words of `text`."""
    return frozenset(text.split())


_HASH = words(
    "python ruby shellscript sh bash zsh fish perl r yaml toml makefile make dockerfile elixir julia"
    " powershell coffeescript cmake gdscript nim starlark graphql nix terraform hcl properties ini tcl"
    " crystal awk dockercompose meson ignore"
)
_DASH = words("sql mysql plsql pgsql lua luau haskell ada elm vhdl purescript applescript")
_SEMICOLON = words("lisp commonlisp clojure scheme racket elisp emacs-lisp asm fennel")
_PERCENT = words("erlang matlab prolog octave")
_MARKUP = words("html xml xsl svg vue svelte astro handlebars razor")
_CHARACTER_QUOTE = words(
    "c cpp cuda cuda-cpp objective-c objective-cpp csharp java kotlin scala rust go swift zig d haskell"
    " elm ocaml fsharp lisp commonlisp clojure scheme racket elisp emacs-lisp verilog systemverilog vhdl"
    " ada matlab"
)
_TRIPLE_QUOTE = words("python starlark kotlin scala java swift elixir julia toml gdscript nim csharp")
_BACKTICK = words("javascript javascriptreact typescript typescriptreact go vue svelte astro coffeescript")
PROSE = words(
    "plaintext text markdown mdx rmd quarto rst restructuredtext latex tex asciidoc org typst bibtex"
    " git-commit gitcommit scminput csv tsv log"
)
"""Languages whose text is sentences: no strings, no comments, no brackets to balance."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """A bracket at index `at` of the scanned text."""

    char: str
    at: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What `scan` found."""

    opened: tuple[Bracket, ...]
    """Openers that nothing in the text closes, outermost first."""
    closed: tuple[Bracket, ...]
    """Closers that nothing in the text opened, in their order."""
    crossed: int
    """Openers that a closer of another kind jumped over: ``([)`` has one."""
    state: str
    """Token of the string or comment in which the text ends; '' in code. Pass it on to scan what follows."""

    @property
    def in_lines(self) -> bool:
        """The text ends inside a string or comment that may go on over line ends."""
        return self.state in ('"""', "'''", "`", "/*", "<!--")


def scan(text: str, language: str, state: str = "") -> Scan:
    """Find what `text`, which starts in `state`, opens and closes."""
    if language in PROSE:
        return Scan((), (), 0, "")
    shift = len(state)
    whole = state + text
    stack: list[Bracket] = []
    closed: list[Bracket] = []
    crossed = 0
    end_state = ""
    for match in _pattern(language).finditer(whole):
        group = match.lastgroup or ""
        if group == "bracket":
            char = match[0]
            opener = PAIRS.get(char)
            if opener is None:
                stack.append(Bracket(char, match.start() - shift))
                continue
            depth = next((i for i in range(len(stack) - 1, -1, -1) if stack[i].char == opener), None)
            if depth is None:
                closed.append(Bracket(char, match.start() - shift))
            else:
                crossed += len(stack) - depth - 1
                del stack[depth:]
        elif group[0] == "k" and match.end() == len(whole):
            end_state = match[group]
    return Scan(tuple(stack), tuple(closed), crossed, end_state)


def code_of(line: str, language: str, state: str = "") -> str:
    """`line` without its comments, and with the inside of its strings replaced by ``_``."""
    if language in PROSE:
        return line

    def blank(match: re.Match[str]) -> str:
        group = match.lastgroup or ""
        if group == "bracket":
            return match[0]
        opener = match[f"k{group[1:]}"]
        if opener[0] not in "\"'`":
            return ""
        return f"{opener}_{opener if group[0] == 'e' else ''}"

    return _pattern(language).sub(blank, state + line)


def is_comment_state(state: str) -> bool:
    """A scan that ended with `state` ended in a comment."""
    return bool(state) and state[0] not in "\"'`"


@cache
def _pattern(language: str) -> re.Pattern[str]:
    lines, blocks = _comments(language)
    parts: list[str] = []

    def token(opening: str, body: str, closing: str, *, lines: bool = False) -> None:
        number = len(parts)
        end = r"|\Z" if lines else r"|(?=\n)|\Z"
        parts.append(rf"(?P<k{number}>{opening}){body}(?:(?P<e{number}>{closing}){end})")

    if language in _TRIPLE_QUOTE:
        token('"""', r"(?:\\[\s\S]?|[^\\])*?", '(?:""")', lines=True)
        token("'''", r"(?:\\[\s\S]?|[^\\])*?", "(?:''')", lines=True)
    for opening, closing in blocks:
        token(re.escape(opening), r"[\s\S]*?", re.escape(closing), lines=True)
    if lines:
        # `$#`, `${#x}`, `&#160;` and `\#` are no comments.
        guard = r"(?<![$\w{&\\])" if language in _HASH else ""
        parts.append(rf"{guard}(?P<k{len(parts)}>{'|'.join(map(re.escape, lines))})[^\n]*")
    if language in _BACKTICK:
        inner = r"\$\{(?:[^{}`]|`[^`]*`|\{[^{}`]*\})*\}|"  # a template may have templates in it
        token("`", rf"(?:\\[\s\S]?|{inner}[^`\\])*", "`", lines=True)
        parts.append(
            rf"(?<=[(,=:\[!&|?{{}};\n])\s*(?P<k{len(parts)}>/)(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+(?P<e{len(parts)}>/)"
        )
    if language not in _MARKUP and language not in ("viml", "vim"):
        token('"', r'(?:\\[\s\S]?|[^"\\\n])*', '"')
        if language in _CHARACTER_QUOTE:
            number = len(parts)
            parts.append(rf"(?P<k{number}>')(?:\\[^\n][^'\n]*|[^'\\\n])(?P<e{number}>')")
        else:
            token("'", r"(?:\\[\s\S]?|[^'\\\n])*", "'")
    parts.append(r"(?P<bracket>[()\[\]{}])")
    return re.compile("|".join(parts))


def _comments(language: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Line comment tokens, and pairs of block comment tokens."""
    if language in _HASH:
        return ("#",), ()
    if language in _DASH:
        return ("--",), (("/*", "*/"),) if "sql" in language else ()
    if language in _SEMICOLON:
        return (";",), ()
    if language in _PERCENT:
        return ("%",), ()
    if language in _MARKUP:
        return (), (("<!--", "-->"),)
    if language == "php":
        return ("//", "#"), (("/*", "*/"),)
    if language in ("css", "json"):
        return (), (("/*", "*/"),)
    return ("//",), (("/*", "*/"),)

"""What of the context goes into a prompt, within a budget of tokens, and how it is written as text.

The order is stable, from what changes least to what changes most — snippets, imported declarations, file
header, prefix — and the start of the prefix stays where it is while the user types, so that the engine's KV
cache, or an API's, covers all but the newest tokens.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from .tokens import TokenCounter, Tokenize
from .wire import CompletionRequest, SnippetBody

_SUFFIX_SHARE = 0.20
_SNIPPET_SHARE = 0.25
_DECLARATION_SHARE = 0.12
_FILL = 0.7  # a fresh prefix window leaves room to grow before the next one
_SPARSE = 0.3
_DOCUMENTS = 64
_LINE_STEP = 512

_LINE_COMMENTS = {
    "# ": "python shellscript bash sh ruby perl r yaml toml dockerfile makefile elixir julia nim gdscript"
    " graphql powershell coffeescript cmake tcl crystal fish nix",
    "-- ": "lua sql haskell elm ada vhdl",
    ";; ": "lisp clojure scheme racket commonlisp emacs-lisp",
    "% ": "latex tex bibtex erlang prolog matlab",
    '" ': "vim",
    "": "plaintext markdown restructuredtext html xml css json jsonc csv log",
}
_COMMENT = {language: mark for mark, languages in _LINE_COMMENTS.items() for language in languages.split()}


@dataclass(frozen=True, slots=True)
class Fitted:
    """The pieces of a prompt."""

    before: str
    """What stands before the prefix: other places first, then the name of this file."""
    prefix: str
    suffix: str
    tokens: int
    """Estimated length of all of it."""


class Budget:
    """Chooses for one model; remembers where each document's prefix window starts."""

    def __init__(self, tokenize: Tokenize) -> None:
        """`tokenize` turns text into token ids, or into as many items as there may be tokens."""
        self._counter = TokenCounter(tokenize)
        self._starts: OrderedDict[str, int] = OrderedDict()

    async def fit(self, request: CompletionRequest, *, suffix: bool) -> Fitted:
        """The pieces for `request`, at most ``request.prompt_tokens`` tokens together (estimated per line).

        Args:
            request: what to complete.
            suffix: whether the model gets to see what stands behind the cursor.
        """
        budget = request.prompt_tokens
        after, after_tokens = "", 0
        if suffix:
            after, after_tokens = await self._head(request.suffix, int(budget * _SUFFIX_SHARE))
        snippets, snippet_tokens = await self._fit(request.snippets, int(budget * _SNIPPET_SHARE))
        declarations, declaration_tokens = await self._fit(
            request.declarations, int(budget * _DECLARATION_SHARE)
        )
        used = after_tokens + snippet_tokens + declaration_tokens
        prefix, prefix_tokens = await self._prefix(request, budget - used)
        before = self._before(request, [*snippets, *declarations])
        return Fitted(before, prefix, after, used + prefix_tokens)

    def _before(self, request: CompletionRequest, pieces: list[SnippetBody]) -> str:
        """What stands before the prefix: other places first, then the name of this file."""
        mark = _COMMENT.get(request.language, "// ")
        if not mark:
            return ""
        blocks = [f"{mark}{piece.path}\n{piece.text.rstrip()}\n\n" for piece in pieces]
        header = f"{mark}{request.path}\n" if request.path else ""
        return "".join(blocks) + header

    async def _fit(self, pieces: list[SnippetBody], budget: int) -> tuple[list[SnippetBody], int]:
        """The last pieces that fit (the most relevant come last), in their order."""
        kept: list[SnippetBody] = []
        used = 0
        for piece in reversed(pieces):
            cost = await self._counter.text(f"{piece.path}\n{piece.text}")
            if used + cost > budget:
                continue
            kept.append(piece)
            used += cost
        kept.reverse()
        return kept, used

    async def _head(self, text: str, budget: int) -> tuple[str, int]:
        """The first whole lines of `text` that fit."""
        lines = text.split("\n")
        kept: list[str] = []
        used = 0
        for line, cost in zip(lines, await self._counter.lines(lines), strict=True):
            if used + cost > budget and kept:
                break
            kept.append(line[: budget * 3])
            used += min(cost, budget)
        return "\n".join(kept), used

    async def _prefix(self, request: CompletionRequest, budget: int) -> tuple[str, int]:
        """The end of the prefix, from the line where this document's window starts."""
        lines = request.prefix.split("\n")
        costs = await self._counter.lines(lines)
        start = self._start(request, costs, budget)
        lines, costs = lines[start:], costs[start:]
        if len(lines) == 1 and costs[0] > budget:
            # one endless line: cut it in steps, so that the cut does not move with every keystroke
            cut = max(0, len(lines[0]) - budget * 2)
            lines[0] = lines[0][cut + _LINE_STEP - cut % _LINE_STEP if cut else 0 :]
            costs = [min(costs[0], budget)]
        return "\n".join(lines), sum(costs)

    def _start(self, request: CompletionRequest, costs: list[int], budget: int) -> int:
        """Index of the first line to keep: the remembered one while it serves, else a fresh one."""
        total = sum(costs)
        remembered = self._starts.get(request.document)
        if remembered is not None:
            index = remembered - request.prefix_line
            if 0 <= index < len(costs):
                used = sum(costs[index:])
                if used <= budget and (index == 0 or used >= budget * _SPARSE):
                    self._starts.move_to_end(request.document)
                    return index
        index, used = 0, total
        if total > budget:
            while index < len(costs) - 1 and used > budget * _FILL:
                used -= costs[index]
                index += 1
        self._starts[request.document] = request.prefix_line + index
        while len(self._starts) > _DOCUMENTS:
            self._starts.popitem(last=False)
        return index

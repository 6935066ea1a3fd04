"""Token counts without a round trip per keystroke."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

_REMEMBERED = 20_000
_FEW = 2
_CHARACTERS_PER_TOKEN = 2.5  # pessimistic for source code, so that an estimate never overruns a budget

Tokenize = Callable[[str], Awaitable[Sequence[int]]]


class TokenCounter:
    """Counts tokens line by line for one model and remembers each line.

    While the user types, only his own line is new: it is estimated, all others are known. A request to the
    engine is made only when many lines are new, as on the first request in a file.
    """

    def __init__(self, tokenize: Tokenize) -> None:
        """`tokenize` turns text into token ids, without BOS."""
        self._tokenize = tokenize
        self._known: OrderedDict[str, int] = OrderedDict()

    async def lines(self, lines: Sequence[str]) -> list[int]:
        """Tokens of each line, its line end included."""
        unknown = [line for line in dict.fromkeys(lines) if line not in self._known]
        if len(unknown) > _FEW:
            await self._learn(unknown)
        return [self._count(line) for line in lines]

    async def text(self, text: str) -> int:
        """Tokens of `text`."""
        return sum(await self.lines(text.split("\n")))

    def _count(self, line: str) -> int:
        known = self._known.get(line)
        if known is None:
            return int(len(line) / _CHARACTERS_PER_TOKEN) + 1
        self._known.move_to_end(line)
        return known

    async def _learn(self, lines: list[str]) -> None:
        """Count new lines in blocks; a block's total is shared out by length, which keeps every sum right."""
        for start in range(0, len(lines), 16):
            block = lines[start : start + 16]
            total = len(await self._tokenize("\n".join(block) + "\n"))
            length = sum(len(line) + 1 for line in block)
            for line in block:
                self._known[line] = max(1, round(total * (len(line) + 1) / length))
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

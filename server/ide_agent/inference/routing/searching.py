"""Expressions that texts are searched for, many of them in one pass.

All run on RE2, whose time grows with the text and with the size of expressions, which is limited.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any, TypeAlias

LARGEST = 1000  # instructions; the time of a search grows with them, and each request waits for it
_MOST_MEMORY = 1 << 20  # of a search; RE2 gets slower where it would need more, still in linear time
_REMEMBERED = 1024  # expressions; most of them are the same ones when a file is read again
Found: TypeAlias = dict["Bundle", frozenset[int]]


@cache
def _options() -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MOST_MEMORY
    return options


@lru_cache(_REMEMBERED)
def program(pattern: str) -> Any:
    """An expression, compiled.

    Raises:
        re2.error: it is none.
    """
    import re2

    return re2.compile(pattern, _options())


class Bundle:
    """Expressions that are looked for in one pass.

    Args:
        patterns: valid ones, together no larger than `LARGEST`.

    Raises:
        re2.error: they need more memory than a search may have.
    """

    def __init__(self, patterns: tuple[str, ...]) -> None:
        import re2

        self._programs = [program(pattern) for pattern in patterns]
        self._set = re2.Set.SearchSet(_options())
        for pattern in patterns:
            self._set.Add(pattern)
        self._end = self._set.Add(r"\z")
        self._set.Compile()

    def search(self, text: bytes) -> frozenset[int]:
        """Numbers of those that occur in `text`."""
        found = frozenset(self._set.Match(text) or ())
        if self._end in found:  # else RE2 had not enough memory, of which it says no more than this
            return found
        return frozenset(number for number, each in enumerate(self._programs) if each.search(text))


_bundle = lru_cache(_REMEMBERED)(Bundle)


class Wanted:
    """Expressions one of which a rule wants in a text.

    Args:
        patterns: valid ones.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self.patterns = tuple(patterns)
        self.size: int = sum(program(pattern).programsize for pattern in patterns)
        self._searches = [program(pattern).search for pattern in patterns]
        self._bundle: Bundle | None = None
        self._numbers: frozenset[int] = frozenset()

    def occurs(self, text: bytes, found: Found) -> bool:
        """Whether one of them does in `text`; `found` is what was found in it before."""
        bundle = self._bundle
        if bundle is None:
            return any(search(text) is not None for search in self._searches)
        if bundle not in found:
            found[bundle] = bundle.search(text)
        return not self._numbers.isdisjoint(found[bundle])

    def join(self, bundle: Bundle, first: int) -> None:
        """Be looked for with others, whose numbers end before `first`."""
        self._bundle, self._numbers = bundle, frozenset(range(first, first + len(self.patterns)))


def bundle(wanted: Iterable[Wanted]) -> None:
    """Let neighbours be looked for together, as far as none waits longer than for the largest expression."""
    together: list[Wanted] = []
    for each in wanted:
        if sum(one.size for one in together) + each.size > LARGEST:
            _join(together)
            together = []
        together.append(each)
    _join(together)


def _join(together: Sequence[Wanted]) -> None:
    import re2

    patterns = tuple(pattern for each in together for pattern in each.patterns)
    if len(patterns) < 2 or sum(each.size for each in together) > LARGEST:
        return
    try:
        made, first = _bundle(patterns), 0
    except re2.error:
        return
    for each in together:
        each.join(made, first)
        first += len(each.patterns)

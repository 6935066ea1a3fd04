"""Expressions that texts are searched for, many of them in one pass.

All run on RE2, whose time grows with the text and with the size of expressions, which is limited.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

LARGEST = 1000  # instructions; the time of a search grows with them, and each request waits for it
_MOST_MEMORY = 1 << 20  # of a search; RE2 gets slower where it would need more, still in linear time


@cache
def _options() -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MOST_MEMORY
    return options


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
        programs: those, together no larger than `LARGEST`.

    Raises:
        re2.error: they need more memory than a search may have.
    """

    def __init__(self, programs: Sequence[Any]) -> None:
        import re2

        self._programs = programs
        self._set = re2.Set.SearchSet(_options())
        for each in programs:
            self._set.Add(each.pattern)
        self._end = self._set.Add(r"\z")
        self._set.Compile()

    def search(self, text: bytes) -> frozenset[int]:
        """Numbers of those that occur in `text`."""
        found = frozenset(self._set.Match(text) or ())
        if self._end in found:  # else RE2 had not enough memory, of which it says no more than this
            return found
        return frozenset(number for number, each in enumerate(self._programs) if each.search(text))


class Text:
    """What is searched, once for each bundle however many rules ask."""

    __slots__ = ("_found", "data")

    def __init__(self, text: str) -> None:
        self.data = text.encode("utf-8", "replace")
        self._found: dict[Bundle, frozenset[int]] = {}

    def found(self, bundle: Bundle) -> frozenset[int]:
        """Numbers of the bundle's expressions that occur."""
        if bundle not in self._found:
            self._found[bundle] = bundle.search(self.data)
        return self._found[bundle]


class Wanted:
    """Expressions one of which a rule wants in a text.

    Args:
        patterns: valid ones.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self.programs = [program(pattern) for pattern in patterns]
        self.size: int = sum(each.programsize for each in self.programs)
        self._bundle: Bundle | None = None
        self._numbers: frozenset[int] = frozenset()

    def occurs(self, text: Text) -> bool:
        """Whether one of them does in `text`."""
        if self._bundle is None:
            return any(each.search(text.data) is not None for each in self.programs)
        return not self._numbers.isdisjoint(text.found(self._bundle))

    def join(self, bundle: Bundle, first: int) -> None:
        """Be looked for with others, whose numbers end before `first`."""
        self._bundle, self._numbers = bundle, frozenset(range(first, first + len(self.programs)))


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

    programs = [one for each in together for one in each.programs]
    if len(programs) < 2 or sum(each.size for each in together) > LARGEST:
        return
    try:
        made, first = Bundle(programs), 0
    except re2.error:
        return
    for each in together:
        each.join(made, first)
        first += len(each.programs)

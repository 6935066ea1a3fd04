"""A rule's conditions, compiled once: whether a request fits, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import inf
from typing import Any, NamedTuple

from ide_agent.inference.routing.rules import Rule, Tokens, When
from ide_agent.inference.routing.searching import LARGEST, Text, Wanted, bundle, program
from ide_agent.locale import translate
from ide_agent.reasons import reason_in

LOOKED_AT = 4000
"""How many characters of a message `message` is searched in."""
_BYTES_A_TOKEN = 4
_REMEMBERED = 1024  # globs; most of them are the same ones when a file is read again
_AROUND = ("(?=", "(?!", "(?<=", "(?<!")
Test = Callable[["Seen"], bool]


@dataclass(frozen=True)
class Ask:
    """A request, as far as rules look at it.

    Attributes:
        task: what it is for.
        language: LSP language id of the document; empty where there is none.
        path: of the document, below the workspace's folder where that is known.
        message: what the user said last.
        prompt_tokens: size of the prompt; an estimate, for each model counts otherwise.
        private: whether only models on this machine may answer.
        place: absolute path of the workspace's folder or of the document; rules of that workspace count first
            where the user allows it.
    """

    task: str = "chat"
    language: str = ""
    path: str = ""
    message: str = ""
    prompt_tokens: int = 0
    private: bool = False
    place: str = ""


def estimated_tokens(*texts: str) -> int:
    """About how many tokens; each model counts otherwise, and which one it will be is not known yet."""
    return sum(len(text.encode("utf-8", "replace")) for text in texts) // _BYTES_A_TOKEN


class Seen:
    """A request as the conditions look at it; texts are encoded once for all rules."""

    __slots__ = ("ask", "message", "path")

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.path = Text(ask.path)
        self.message = Text(ask.message[:LOOKED_AT])


@dataclass(frozen=True)
class Said:
    """A message in whatever language it is read."""

    key: str
    params: dict[str, Any] = field(default_factory=dict)

    def text(self, language: str) -> str:
        """In that language."""
        return translate(self.key, language, **self.params)

    def as_wire(self) -> dict[str, Any]:
        """As JSON."""
        return {"key": self.key, "params": self.params}


class Refused(Exception):
    """A condition that cannot be compiled.

    Attributes:
        field: which, below `when`.
        where: which of several.
    """

    def __init__(self, field: str, where: tuple[int, ...], key: str, **params: Any) -> None:
        super().__init__(key)
        self.field, self.where, self.key, self.params = field, where, key, params


class Scope(NamedTuple):
    """What requests a rule is for; None: any."""

    message: str | None
    paths: frozenset[str] | None
    languages: frozenset[str] | None
    tasks: frozenset[str] | None
    private: bool
    least: int
    most: float

    @classmethod
    def of(cls, when: When) -> Scope:
        """Of its conditions."""
        tokens = when.prompt_tokens or Tokens()
        return cls(
            when.message,
            None if when.path is None else frozenset(when.path),
            None if when.language is None else frozenset(when.language),
            None if when.task is None else frozenset(when.task),
            when.privacy is not None,
            tokens.min,
            inf if tokens.max is None else tokens.max,
        )

    def covers(self, other: Scope) -> bool:
        """Whether each request that is in `other` is surely in this one."""
        return (
            self.message in (None, other.message)
            and _holds(self.paths, other.paths)
            and _holds(self.languages, other.languages)
            and _holds(self.tasks, other.tasks)
            and self.private <= other.private
            and self.least <= other.least
            and self.most >= other.most
        )


def _holds(wider: frozenset[str] | None, narrower: frozenset[str] | None) -> bool:
    return wider is None or (narrower is not None and narrower <= wider)


@dataclass(frozen=True)
class Compiled:
    """A rule that can be asked.

    Attributes:
        index: its number in the file.
        line: where it begins there, from 1.
        scope: its conditions as sets.
        tests: its conditions as functions, the cheap ones first.
        paths: the globs among them.
        messages: the expression among them.
    """

    rule: Rule
    index: int
    line: int
    scope: Scope
    tests: tuple[Test, ...]
    paths: Wanted | None
    messages: Wanted | None

    def fits(self, seen: Seen) -> bool:
        """Whether all conditions hold."""
        return all(test(seen) for test in self.tests)


def compiled(rule: Rule, index: int, line: int) -> Compiled:
    """The rule, ready to be asked.

    Raises:
        Refused: an expression or a glob is not valid.
    """
    scope, tests = Scope.of(rule.when), list[Test]()
    tasks, languages = scope.tasks, scope.languages
    if tasks is not None:
        tests.append(lambda seen: seen.ask.task in tasks)
    if scope.private:
        tests.append(lambda seen: seen.ask.private)
    if languages is not None:
        tests.append(lambda seen: seen.ask.language in languages)
    if rule.when.prompt_tokens is not None:
        tests.append(lambda seen: scope.least <= seen.ask.prompt_tokens <= scope.most)
    paths = messages = None
    if rule.when.path is not None:
        paths = Wanted([_glob(glob, number) for number, glob in enumerate(rule.when.path)])
        tests.append(lambda seen: bool(seen.ask.path) and paths.occurs(seen.path))
    if scope.message is not None:
        messages = Wanted([_expression(scope.message, "message")])
        tests.append(lambda seen: messages.occurs(seen.message))
    return Compiled(rule, index, line, scope, tuple(tests), paths, messages)


def together(rules: Sequence[Compiled]) -> tuple[Compiled, ...]:
    """The same rules, which look at a request's texts together from now on."""
    bundle(rule.paths for rule in rules if rule.paths)
    bundle(rule.messages for rule in rules if rule.messages)
    return tuple(rules)


def _expression(pattern: str, field: str, where: tuple[int, ...] = ()) -> str:
    import re2

    try:
        found = program(pattern)
    except re2.error as failure:
        reason = failure.args[0]
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        if reason.endswith(_AROUND):
            raise Refused(field, where, "error.routes.around") from None
        if reason.startswith("invalid escape sequence: \\") and reason[-1].isdigit():
            raise Refused(field, where, "error.routes.backreference") from None
        raise Refused(field, where, "error.routes.regex", reason=reason_in(reason)) from None
    if found.programsize > LARGEST:
        raise Refused(field, where, "error.routes.heavy")
    return pattern


def _glob(glob: str, number: int) -> str:
    pattern = _pattern(glob)
    if pattern is None:
        raise Refused("path", (number,), "error.routes.glob", glob=glob)
    return _expression(pattern, "path", (number,))


@lru_cache(_REMEMBERED)
def _pattern(glob: str) -> str | None:
    """The expression of a glob; None: it is none, or an exception from nothing, or a comment."""
    from pathspec import GitIgnoreSpec

    try:
        (pattern,) = GitIgnoreSpec.from_lines([glob]).patterns
    except ValueError:
        return None
    if not pattern.include or pattern.regex is None:
        return None
    return f"^{pattern.regex.pattern.removeprefix('^')}"  # that of ** has none


def reasons(ask: Ask, when: When) -> list[Said]:
    """The conditions of a rule that fits, as they hold for `ask`."""
    found: list[Said] = []
    if when.task is not None:
        found.append(Said("routes.because.task", {"task": ask.task}))
    if when.privacy is not None:
        found.append(Said("routes.because.private"))
    if when.language is not None:
        found.append(Said("routes.because.language", {"language": ask.language}))
    if when.prompt_tokens is not None:
        found.append(Said("routes.because.tokens", {"tokens": ask.prompt_tokens}))
    if when.path is not None:
        globs = ", ".join(when.path)
        found.append(Said("routes.because.path", {"path": ask.path, "globs": globs}))
    if when.message is not None:
        found.append(Said("routes.because.message", {"expression": when.message}))
    return found

"""YAML text as a tree that knows where everything stands, made within bounds whatever the text holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ide_agent.inference.routing.problems import Problem, Range
from ide_agent.reasons import reason_in

MOST_CHARACTERS = 128 * 1024
MOST_NODES = 20_000
DEEPEST = 12
_LONGEST_NUMBER = 32
_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_WHOLE = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_ENDS = "\0 \t\r\n\x85\u2028\u2029,[]{}"
# What libyaml, which knows YAML 1.1, and ruamel.yaml, which knows 1.2, do not read alike: line ends of other
# writings, tabs, texts in blocks, what begins with a question mark, keys in quotes with no space behind them
# (their last piece between quotes is looked for), ends of documents, a last line without an end.
_OTHERWISE = re.compile(
    r"[\t\x85\u2028\u2029\ufeff]|[|>][-+0-9]* *(?:[#\r\n]|\Z)|\?(?:\s|\Z)|(?:^|[\s\[{,])\?|^\.\.\.|[^\n]\Z"
    r"|(?:^|[\s\[{,:?'\\-])(?:\"[^\"]*\"|'[^']*')\s*:\S",
    re.MULTILINE,
)
# What ruamel.yaml says most often.
_SYNTAX = {
    "mapping values are not allowed": "error.routes.colon",
    "could not find expected ':'": "error.routes.no_colon",
    "found character '\\t'": "error.routes.tab",
    "that cannot start any token": "error.routes.character",
    "found unexpected end of stream": "error.routes.unclosed",
    "expected <block end>": "error.routes.indentation",
    "expected ',' or": "error.routes.unclosed",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands.

    Attributes:
        value: a scalar, a list of nodes, or nodes by key.
        at: where.
        keys: of a mapping, where its keys stand.
    """

    value: Any
    at: Range
    keys: dict[str, Range] = field(default_factory=dict)

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def find(self, path: tuple[int | str, ...], *, key: bool = False) -> Range:
        """Where the value at `path` stands, or the nearest one around it; with `key` the key's place."""
        node = self
        place = self.at
        for step in path:
            if isinstance(node.value, dict) and step in node.value:
                place = node.keys[str(step)] if key else node.value[step].at
                node = node.value[step]
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                place = node.at
            else:
                break
        return place


class Unreadable(Exception):
    """The text is no tree of ours."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


def tree(text: str) -> Node:
    """The tree of a text; an empty mapping for an empty text.

    Raises:
        Unreadable: too large, too deep, no YAML, or with what has no place in a file of rules.
    """
    if len(text) > MOST_CHARACTERS:
        raise Unreadable(Problem("error.routes.large", Range(), params={"limit": MOST_CHARACTERS // 1024}))
    quick = _quick(text)
    return _thorough(text) if quick is None else quick


def _quick(text: str) -> Node | None:
    """The tree of a text as libyaml reads it, twenty times as fast; None: ruamel.yaml is to look at it.

    That is what is wrong, for ruamel.yaml has the better words for it, and what the two read otherwise.
    """
    if _OTHERWISE.search(text) is not None:
        return None
    try:
        from yaml import YAMLError
        from yaml.cyaml import CParser
    except ImportError:  # PyYAML was built without libyaml
        return None
    try:
        return _document(_parsed(CParser(text)))
    except (YAMLError, Unreadable, ValueError):
        return None


def _parsed(parser: Any) -> Iterator[Any]:
    while parser.check_event():
        event = parser.get_event()
        if type(event).__name__ == "ScalarEvent" and not event.value and event.implicit[0]:
            raise ValueError  # nothing stands somewhere else to ruamel.yaml
        yield event


def _thorough(text: str) -> Node:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner = _scanner()
    try:
        return _document(yaml.parse(text))
    except MarkedYAMLError as failure:
        mark = failure.problem_mark or failure.context_mark
        place = Range.of(mark, mark) if mark is not None else Range()
        raise Unreadable(_syntax(str(failure.problem or failure.context), place)) from None
    except YAMLError as failure:  # of a character
        position = getattr(failure, "position", 0)
        before = text[:position] if isinstance(position, int) else ""
        line = before.count("\n")
        at = len(before) - (before.rfind("\n") + 1)
        place = Range(line, at, line, at + 1)
        raise Unreadable(Problem("error.routes.character", place)) from None
    except (ValueError, IndexError, AttributeError, KeyError, TypeError, AssertionError) as failure:
        # defects of ruamel.yaml that a broken text brings to light
        reason = type(failure).__name__
        raise Unreadable(Problem("error.routes.syntax", Range(), params={"reason": reason})) from None


def _syntax(reason: str, place: Range) -> Problem:
    for words, key in _SYNTAX.items():
        if words in reason:
            return Problem(key, place)
    return Problem("error.routes.syntax", place, params={"reason": reason_in(reason)})


@cache
def _scanner() -> Any:
    from ruamel.yaml.scanner import Scanner

    class PlainQuestions(Scanner):
        """Takes ``[?.py]`` for a text, as YAML 1.2 does; to ruamel.yaml each ``?`` in brackets is a key."""

        def check_key(self) -> bool:
            return not self._plain_question() and bool(super().check_key())

        def check_plain(self) -> bool:
            return self._plain_question() or bool(super().check_plain())

        def _plain_question(self) -> bool:
            peek = self.reader.peek
            return bool(self.flow_level) and peek() == "?" and peek(1) not in _ENDS

    return PlainQuestions


def _document(events: Iterator[Any]) -> Node:
    events = _counted(events)
    root: Node | None = None
    for event in events:
        kind = type(event).__name__
        if kind == "DocumentStartEvent":
            if root is not None or event.version or event.tags:
                raise _foreign("document" if root is not None else "directive", event)
        elif kind not in ("StreamStartEvent", "StreamEndEvent", "DocumentEndEvent"):
            root = _node(event, events, 0)
    if root is None or root.value is None:
        return Node({}, Range())
    return root


def _counted(events: Iterator[Any]) -> Iterator[Any]:
    for number, event in enumerate(events):
        if number > MOST_NODES:
            place = Range.of(event.start_mark, event.end_mark)
            raise Unreadable(Problem("error.routes.crowded", place, params={"limit": MOST_NODES}))
        yield event


def _node(event: Any, events: Iterator[Any], depth: int) -> Node:
    kind = type(event).__name__
    if kind == "AliasEvent" or event.anchor is not None:
        raise _foreign("alias", event)
    if event.tag is not None:
        raise _foreign("tag", event)
    if depth > DEEPEST:
        place = Range.of(event.start_mark, event.end_mark)
        raise Unreadable(Problem("error.routes.deep", place, params={"limit": DEEPEST}))
    if kind == "ScalarEvent":
        value = _scalar(event.value) if event.implicit[0] and event.style in (None, "") else event.value
        return Node(value, Range.of(event.start_mark, event.end_mark))
    if kind == "SequenceStartEvent":
        return _sequence(event, events, depth)
    return _mapping(event, events, depth)


def _sequence(start: Any, events: Iterator[Any], depth: int) -> Node:
    items: list[Node] = []
    for event in events:
        if type(event).__name__ == "SequenceEndEvent":
            return Node(items, _around(start, event))
        items.append(_node(event, events, depth + 1))
    raise AssertionError("a sequence without an end")


def _mapping(start: Any, events: Iterator[Any], depth: int) -> Node:
    values: dict[str, Node] = {}
    keys: dict[str, Range] = {}
    for event in events:
        if type(event).__name__ == "MappingEndEvent":
            return Node(values, _around(start, event), keys)
        name = _node(event, events, depth + 1)
        if isinstance(name.value, list | dict):
            raise Unreadable(Problem("error.routes.key", name.at))
        key = str(name.value if isinstance(name.value, str) else event.value)
        if key in values:
            raise Unreadable(Problem("error.routes.twice", name.at, params={"key": key[:80]}))
        keys[key] = name.at
        values[key] = _node(next(events), events, depth + 1)
    raise AssertionError("a mapping without an end")


def _around(start: Any, end: Any) -> Range:
    """From its beginning to its end; a block ends where the line does before what comes next."""
    if end.start_mark.index == end.end_mark.index and end.start_mark.line > start.start_mark.line:
        return Range(start.start_mark.line, start.start_mark.column, end.start_mark.line, 0)
    return Range.of(start.start_mark, end.end_mark)


def _scalar(text: str) -> Any:
    """A plain scalar by YAML 1.2's core schema."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if len(text) <= _LONGEST_NUMBER:
        if _WHOLE.fullmatch(text):
            return int(text)
        if _NUMBER.fullmatch(text):
            return float(text)
    return text


def _foreign(what: str, event: Any) -> Unreadable:
    place = Range.of(event.start_mark, event.end_mark)
    return Unreadable(Problem(f"error.routes.{what}", place))

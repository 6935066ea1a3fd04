"""A text of rules as lines that can be moved, so that whatever stands in them stays as it is."""

from __future__ import annotations

from io import StringIO
from typing import Any

from ide_agent.inference.routing.nodes import Node, tree

INDENT = {"mapping": 2, "sequence": 4, "offset": 2}


def dumped(data: Any) -> str:
    """`data` as YAML."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.width = 1 << 16
    yaml.indent(**INDENT)
    out = StringIO()
    yaml.dump(data, out)
    return out.getvalue()


class Unusual(Exception):
    """The text is not written in lines that can be moved."""


class Lines:
    """A text in which each rule begins a line of its own with a dash."""

    def __init__(self, text: str) -> None:
        ending = "\r\n" if "\r\n" in text else "\n"
        self._end = ending
        self.text = text if not text or text.endswith(("\n", "\r")) else text + ending
        self._lines = self.text.splitlines(keepends=True)
        if any(not line.endswith(ending) for line in self._lines):
            raise Unusual  # YAML counts lines otherwise
        root = tree(text)
        self._root = root
        rules = root.value.get("rules") if isinstance(root.value, dict) else None
        self._items: list[Node] = rules.value if rules and isinstance(rules.value, list) else []
        self._dashes = [self._dash(item) for item in self._items]

    def _dash(self, item: Node) -> tuple[int, int]:
        """Line and column of the dash that a rule begins with."""
        line, before = item.at.line, self._lines[item.at.line][: item.at.column]
        while line > 0 and (not before.strip() or before.lstrip().startswith("#")):
            line -= 1
            before = self._lines[line]
        if before.partition("#")[0].strip() != "-":
            raise Unusual
        return line, before.index("-")

    def _blocks(self) -> list[tuple[int, int]]:
        """First line and the one past the last of each rule, the comment right above it among them."""
        if not self._items:
            return []
        starts: list[int] = []
        for start, dash in self._dashes:
            while start > 0 and self._is_comment(start - 1, dash):
                start -= 1
            starts.append(start)
        ends = [
            self._last(item.at.line, end, dash)
            for item, end, (_, dash) in zip(self._items, self._bounds(starts), self._dashes, strict=True)
        ]
        return list(zip(starts, ends, strict=True))

    def _bounds(self, starts: list[int]) -> list[int]:
        """Where each rule ends at the latest."""
        last = self._items[-1].at
        end = last.end_line + (1 if last.end_column else 0)
        return [*starts[1:], min(end, len(self._lines))]

    def _last(self, start: int, end: int, dash: int) -> int:
        """The line past the last one from `start` before `end` that belongs to a rule.

        A comment does that is indented deeper than the rule's dash.
        """
        while end - 1 > start and (not self._lines[end - 1].strip() or self._is_comment(end - 1, dash)):
            end -= 1
        return end

    def _is_comment(self, line: int, dash: int) -> bool:
        text = self._lines[line]
        stripped = text.lstrip(" ")
        return stripped.startswith("#") and len(text) - len(stripped) <= dash

    def swapped(self, index: int) -> str:
        """The rule and the one below it change places; what stands between them stays."""
        blocks = self._blocks()
        (a, b), (c, d) = blocks[index], blocks[index + 1]
        lines = self._lines
        return "".join([*lines[:a], *lines[c:d], *lines[b:c], *lines[a:b], *lines[d:]])

    def removed(self, index: int) -> str:
        """Without the rule, and without the empty lines below it."""
        start, end = self._blocks()[index]
        lines = self._lines
        while end < len(lines) and not lines[end].strip():
            end += 1
        return "".join([*lines[:start], *lines[end:]])

    def switched(self, index: int, on: bool) -> str:
        """With another value for `enabled`."""
        item = self._items[index]
        word = "true" if on else "false"
        if "enabled" in item.keys:
            at = item.value["enabled"].at
            if at.line != item.keys["enabled"].line or at.column == at.end_column:
                raise Unusual
            line = self._lines[at.line]
            self._lines[at.line] = line[: at.column] + word + line[at.end_column :]
            return "".join(self._lines)
        line = self._lines[item.at.line]
        if line[item.at.column] == "{":
            at_brace = item.at.column + 1
            self._lines[item.at.line] = f"{line[:at_brace]}enabled: {word}, {line[at_brace:]}"
            return "".join(self._lines)
        after = item.value["name"].at
        below = after.end_line + (1 if after.end_column else 0)
        self._lines.insert(below, f"{' ' * item.keys['name'].column}enabled: {word}{self._end}")
        return "".join(self._lines)

    def added(self, rule: dict[str, Any]) -> str:
        """With one more rule behind the last one."""
        if "rules" in self._root.value and not self._items:
            raise Unusual
        dash = self._dashes[-1][1] if self._items else INDENT["offset"]
        written = dumped([rule]).splitlines()
        indent = len(written[0]) - len(written[0].lstrip())
        block = [f"{' ' * dash}{line[indent:]}{self._end}" for line in written]
        if not self._items:
            block = [f"rules:{self._end}", *block]
        end = self._blocks()[-1][1] if self._items else len(self._lines)
        gap = [self._end] if self._spaced() else []
        return "".join([*self._lines[:end], *gap, *block, *self._lines[end:]])

    def _spaced(self) -> bool:
        """Whether empty lines stand between rules."""
        blocks = self._blocks()
        return len(blocks) > 1 and blocks[-2][1] < blocks[-1][0]

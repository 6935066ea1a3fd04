"""What a source file declares, as a reader needs it: signatures, fields, one line of documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ide_agent.features.completion.imports import Import, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

LONGEST_VALUE = 80
_LONGEST_DOC = 120
_SPACES = re.compile(r"\s+")
_AFTER_OPENING = re.compile(r"([(\[{]) ")
_BEFORE_CLOSING = re.compile(r",? ([)\]])")
_DOC_LINE = re.compile(r"\w.*")


@dataclass(slots=True)
class Outline:
    """What a file declares at its top level."""

    declarations: dict[str, str] = field(default_factory=dict)
    """Text by name."""
    exports: dict[str, str] = field(default_factory=dict)
    """Names under which others see declarations, where they differ."""
    imports: list[Import] = field(default_factory=list)
    """What it takes from others, and may pass on."""

    def get(self, name: str) -> str | None:
        """The declaration that `name` means to an importer."""
        return self.declarations.get(self.exports.get(name, name))

    def add(self, name: str, text: str) -> None:
        """Declare; overloads of a name stand one below the other."""
        old = self.declarations.get(name)
        if old is None:
            self.declarations[name] = text
        elif text not in old:
            self.declarations[name] = f"{old}\n{text}"


def cut(text: str, chars: int) -> str:
    """`text` in at most `chars` characters, cut at the end of a line where possible."""
    if len(text) <= chars:
        return text
    kept = text[: chars - len("\n    ...")]
    if "\n" not in kept:
        return kept[:-4].rstrip() + " ..."
    return kept.rsplit("\n", 1)[0].rstrip() + "\n    ..."


def flat(node: Node, end: Node | None) -> str:
    """`node` up to `end` on one line, without comments."""
    data = node.text or b""
    stop = end.start_byte - node.start_byte if end is not None else len(data)
    pieces: list[bytes] = []
    at = 0
    for comment in _comments(node, end.start_byte if end is not None else node.end_byte):
        pieces.append(data[at : comment.start_byte - node.start_byte])
        at = comment.end_byte - node.start_byte
    pieces.append(data[at:stop])
    text = b" ".join(pieces).decode("utf-8", "replace")
    if "\n" not in text:
        return text.strip()
    text = _SPACES.sub(" ", text).strip()
    return _BEFORE_CLOSING.sub(r"\1", _AFTER_OPENING.sub(r"\1", text))


def _comments(node: Node, end: int) -> Iterator[Node]:
    for child in node.children:
        if child.start_byte >= end:
            return
        if child.type == "comment":
            yield child
        elif child.child_count and child.type not in ("block", "statement_block"):
            yield from _comments(child, end)


def short_value(node: Node | None) -> str:
    """The value as written, or ``...`` when it is long."""
    text = text_of(node)
    return text if len(text) <= LONGEST_VALUE and "\n" not in text else "..."


def first_line(text: str) -> str:
    """The first line of a documentation text; '' when it says nothing."""
    found = _DOC_LINE.search(text)
    line = found.group().strip() if found else ""
    return line if len(line) <= _LONGEST_DOC else line[: _LONGEST_DOC - 4].rstrip() + " ..."

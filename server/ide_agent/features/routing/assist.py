"""What may stand at a place in a text of rules, and what it means.

A text that is being typed is seldom whole, so the place is found by indentation and brackets alone, without a
parser; what may stand there is what the models in `inference.routing.rules` say.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from ide_agent.inference.routing.adapting import adapters_among
from ide_agent.inference.routing.rules import (
    TASKS,
    Limits,
    Routes,
    Rule,
    Tokens,
    When,
    WorkspaceRoutes,
)
from ide_agent.locale import translate

_KEY = re.compile(r"""(?:"([^"]*)"|'([^']*)'|([^\s"'#{}\[\],:][^\s#{}\[\],:]*))\s*:(?=\s|$)""")
_LEAD = re.compile(r"\s*(?:-\s+|-$)*")
_WORD = re.compile(r"[^\s\[\]{},:]*$")
_INSIDE: dict[tuple[str, ...], type[BaseModel]] = {
    ("rules",): Rule,
    ("rules", "when"): When,
    ("rules", "when", "prompt_tokens"): Tokens,
    ("rules", "limits"): Limits,
}
_MODELS = ("model", "fallbacks")
_MODEL = re.compile(r"""(?:^|[{,\s])(?:model|"model"|'model')\s*:\s+["']?([^\s"'#{}\[\],]+)""")
_MOST_NAMES = 20
_CHOICES: dict[str, tuple[str, ...]] = {
    "task": TASKS,
    "privacy": ("private",),
    "enabled": ("true", "false"),
    "version": ("1",),
}


@dataclass(frozen=True)
class Place:
    """A place in a text.

    Attributes:
        path: the keys around it.
        key: the key whose value stands there; None: a key does.
        start: column where the word begins that is being typed.
    """

    path: tuple[str, ...]
    key: str | None
    start: int


def place(lines: list[str], line: int, column: int) -> Place:
    """Where the cursor is; lines and columns from 0."""
    text = lines[line] if line < len(lines) else ""
    before = text[:column]
    lead = _LEAD.match(before)
    begin = lead.end() if lead else 0
    word = _WORD.search(before)
    start = max(begin, word.start() if word else column)
    head, brackets = _brackets(before[begin:])
    inner = _KEY.match(head)
    named = [_name(inner)] if inner else []
    for bracket, part in brackets:
        if bracket == "{":  # a list has no keys of its own
            found = _KEY.search(part)
            named.append(_name(found) if found else "")
    around = _around(lines[:line], begin, _dash(text, begin))
    if named and named[-1]:
        return Place((*around, *named[:-1]), named[-1], start)
    path = (*around, *(name for name in named if name))
    if not named and before.strip().startswith("-") and _value_list(path):
        return Place(path[:-1], path[-1], start)
    return Place(path, None, start)


def completions(
    text: str, line: int, column: int, models: Collection[str], language: str, *, workspace: bool = False
) -> list[dict[str, Any]]:
    r"""What may stand there: ``{"label", "insert", "start", "kind", "documentation"}`` each.

    `insert` takes the place of what stands between column `start` and the cursor; `kind` is ``key`` or
    ``value``. Lines of `text` end in ``\n``.
    """
    at = place(text.split("\n"), line, column)
    model = _model(at.path, workspace)
    if model is None:
        return []
    if at.key is not None:
        if at.key in _MODELS:
            values = [*in_order(models), "default"]
        elif at.key == "adapter":
            values = adapters_among(_beside(text.split("\n"), line), models)
        else:
            values = list(_CHOICES.get(at.key, ()))
        known = at.key in model.model_fields
        return [_item(value, value, at.start, "value", "") for value in values if known]
    return [
        _item(name, f"{name}: ", at.start, "key", translate(field.description or "", language))
        for name, field in model.model_fields.items()
    ]


def in_order(models: Collection[str]) -> list[str]:
    """`models` by name, those of this machine first: APIs, which end in ``/``, are named by their owners."""
    return sorted(models, key=lambda name: (name.endswith("/"), name))


def hover(
    text: str, line: int, column: int, models: Collection[str], language: str, *, workspace: bool = False
) -> dict[str, Any] | None:
    """What the key at that place means: ``{"text", "start", "end"}``; None where there is none."""
    lines = text.split("\n")
    if line >= len(lines):
        return None
    found = [each for each in _KEY.finditer(lines[line]) if each.start() <= column]
    if not found:
        return None
    key = found[-1]
    model = _model(place(lines, line, key.start()).path, workspace)
    field = model.model_fields.get(_name(key)) if model else None
    if field is None:
        return None
    end = key.start() + len(key.group().rstrip(": \t"))
    meaning = translate(field.description or "", language)
    if _name(key) in _MODELS:
        meaning += f" {_there_are(models, language)}"
    if _name(key) == "adapter" and (of := _beside(lines, line)):
        names = ", ".join(adapters_among(of, models)[:_MOST_NAMES])
        words = "routes.adapters_are" if names else "routes.no_adapters"
        meaning += f" {translate(words, language, model=of, names=names)}"
    return {"text": meaning, "start": key.start(), "end": end}


def _there_are(models: Collection[str], language: str) -> str:
    """Which models can be named."""
    names = in_order(models)
    shown = ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
    return translate("routes.there_are" if names else "routes.no_models", language, names=shown)


def _beside(lines: list[str], line: int) -> str:
    """The model that the rule names of which `line` holds a key; empty where it names none yet."""

    def begins(text: str) -> tuple[int, bool]:
        lead = _LEAD.match(text)
        begin = lead.end() if lead else 0
        return begin, _dash(text, begin) is not None

    column, first = begins(lines[line])
    own = [lines[line]]
    for text in [] if first else reversed(lines[:line]):
        if text.lstrip().startswith("#"):
            continue
        begin, dashed = begins(text)
        if begin == column:
            own.append(text)
        if text.strip() and (begin < column or (dashed and begin == column)):
            break
    for text in lines[line + 1 :]:
        if text.lstrip().startswith("#"):
            continue
        begin, dashed = begins(text)
        if text.strip() and (begin < column or (dashed and begin == column)):
            break
        if begin == column:
            own.append(text)
    found = [named for each in own for named in _MODEL.findall(each)[-1:]]
    return str(found[0]) if found else ""


def _item(label: str, insert: str, start: int, kind: str, documentation: str) -> dict[str, Any]:
    return {"label": label, "insert": insert, "start": start, "kind": kind, "documentation": documentation}


def _model(path: tuple[str, ...], workspace: bool) -> type[BaseModel] | None:
    if path:
        return _INSIDE.get(path)
    return WorkspaceRoutes if workspace else Routes


def _value_list(path: tuple[str, ...]) -> bool:
    """Whether a list of plain values may stand below `path`."""
    return bool(path) and path not in _INSIDE


def _name(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group is not None)


def _brackets(text: str) -> tuple[str, list[tuple[str, str]]]:
    """What stands before the first open bracket, and each open bracket with the entry that is typed in it."""
    parts: list[list[str]] = [["", ""]]
    quote = ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "{[":
            parts.append([letter, ""])
            continue
        elif letter in "}]" and len(parts) > 1:
            parts.pop()
            continue
        elif letter == "," and len(parts) > 1:
            parts[-1][1] = ""
            continue
        parts[-1][1] += letter
    return parts[0][1], [(bracket, part) for bracket, part in parts[1:]]


def _dash(text: str, begin: int) -> int | None:
    """Column of the first dash that an entry of a list begins with."""
    at = text[:begin].find("-")
    return at if at >= 0 else None


def _around(above: list[str], column: int, dash: int | None) -> tuple[str, ...]:
    """The keys that a line is below.

    Args:
        above: the lines before it.
        column: where its first key stands.
        dash: where its dash stands, if it has one.
    """
    path: list[str] = []
    inside, listed = (column, False) if dash is None else (dash, True)
    for text in reversed(above):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        lead = _LEAD.match(text)
        begin = lead.end() if lead else 0
        own = _dash(text, begin)
        key = _KEY.match(text, begin)
        opens = key is not None and not text[key.end() :].partition("#")[0].strip()
        if key is not None and opens and (begin < inside or (listed and begin == inside and own is None)):
            path.insert(0, _name(key))
            inside, listed = begin, False
        if own is not None and own < inside <= begin:
            inside, listed = own, True
    return tuple(path)

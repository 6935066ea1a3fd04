"""What can be told of rules though the form of some is wrong: one look finds all that is to be mended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ide_agent.inference.routing.rules import Rule, WorkspaceRoutes


def salvaged(plain: dict[str, Any], errors: Iterable[ErrorDetails]) -> WorkspaceRoutes:
    """The rules of a file with errors of form, each where it stands in the file.

    A rule with errors is there without what is wrong, and switched off: what it says is still looked at, but
    not whom it keeps requests from. A rule that nothing can be told of is an empty one.

    Args:
        plain: the file as dicts and lists; changed by this.
        errors: what pydantic found in it.
    """
    given = plain.get("rules")
    rules = given if isinstance(given, list) else []
    wrong: dict[int, set[tuple[str, ...]]] = {}
    for error in errors:
        match error["loc"]:
            case ("rules", int(index), *rest) if index < len(rules):
                wrong.setdefault(index, set()).add(_place(rules[index], rest))
    for index, places in wrong.items():
        for place in sorted(places, key=len, reverse=True):  # or one would be gone with another
            _remove(rules[index], place)
    return WorkspaceRoutes.model_construct(
        rules=tuple(_rule(rule, index, index in wrong) for index, rule in enumerate(rules))
    )


def _rule(raw: Any, index: int, wrong: bool) -> Rule:
    nameless = f"\n{index}"  # which no name can be
    try:
        if wrong and isinstance(raw, dict) and "model" not in raw:  # an adapter is one of nothing then
            raw = {key: value for key, value in raw.items() if key != "adapter"}
        rule = Rule.model_validate({"name": nameless, "model": "default", **raw} if wrong else raw)
    except (ValidationError, TypeError):
        rule, wrong = Rule(name=nameless, model="default"), True
    return rule.model_copy(update={"enabled": False}) if wrong else rule


def _place(node: Any, path: list[int | str]) -> tuple[str, ...]:
    """The keys that lead to what is wrong; of lists the whole."""
    keys: list[str] = []
    for step in path:
        if not (isinstance(node, dict) and isinstance(step, str) and step in node):
            break
        keys.append(step)
        node = node[step]
    return tuple(keys)


def _remove(node: Any, place: tuple[str, ...]) -> None:
    """Take away what is there, unless another rule that is the same object has lost it."""
    if place:
        for key in place[:-1]:
            node = node.get(key, {})
        node.pop(place[-1], None)

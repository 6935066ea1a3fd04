"""From the text of `routes.yaml` to rules, and to what is wrong with it, each with its place."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ide_agent.inference.routing.abilities import unable
from ide_agent.inference.routing.adapting import unfit
from ide_agent.inference.routing.conditions import Compiled, Refused, compiled, together
from ide_agent.inference.routing.known import is_remote
from ide_agent.inference.routing.nodes import Node, Unreadable, tree
from ide_agent.inference.routing.problems import Problem, Range
from ide_agent.inference.routing.rules import DEFAULT_MODELS, Limits, Routes, Rule, When, WorkspaceRoutes
from ide_agent.inference.routing.salvage import salvaged

MOST_PROBLEMS = 100
_BELOW = dict.fromkeys(When.model_fields, "when") | dict.fromkeys(Limits.model_fields, "limits")
"""Keys that many write one level too high."""
_OF_RULES = frozenset((*Rule.model_fields, *_BELOW))
_MOST_NEAR = 20  # names that the nearest one is looked for; that takes a while where there are many models
_KEY_LEVEL = ("extra_forbidden", "missing")
# What a key takes, by how pydantic's error types begin.
_TAKES = {
    "bool": "bool",
    "int": "whole",
    "float": "number",
    "finite": "number",
    "string_too": "text",
    "string": "text",
    "tuple": "list",
    "too_long": "many",
    "too_short": "list",
    "model": "section",
    "dict": "section",
}


@dataclass(frozen=True)
class Reading:
    """What a text holds.

    Attributes:
        routes: the whole of it; None where an error stands in it.
        rules: the enabled rules, ready to be asked; none where an error stands in it.
        problems: errors and warnings, in the order of the text.
    """

    routes: WorkspaceRoutes | None
    rules: tuple[Compiled, ...]
    problems: tuple[Problem, ...]

    @property
    def broken(self) -> bool:
        """Whether it cannot be used."""
        return self.routes is None


def read(text: str, known: Collection[str] | None = None, *, workspace: bool = False) -> Reading:
    """Read a text. Nothing that it holds makes this raise.

    The largest text that is read takes a second or two, so this has no place in an event loop.

    Args:
        text: of the file.
        known: names of the models there are; one that ends in ``/`` stands for all that begin with it. None:
            models are not looked at.
        workspace: whether it is a workspace's file, which cannot allow other workspaces anything.
    """
    try:
        root = tree(text)
    except Unreadable as failure:
        return Reading(None, (), (failure.problem,))
    kind: type[WorkspaceRoutes] = WorkspaceRoutes if workspace else Routes
    if not isinstance(root.value, dict):
        return Reading(None, (), (Problem("error.routes.root", root.at),))
    try:
        routes = kind.model_validate(root.plain())
    except ValidationError as failure:
        errors = failure.errors(include_url=False)
        # a list whose entries are wrong is called too short besides
        wrong = [each for each in errors if not (each["type"] == "too_short" and each.get("input"))]
        found = [_invalid(each, root, kind) for each in wrong[:MOST_PROBLEMS]]
        _, more = _meaning(salvaged(root.plain(), wrong), root, known)
        return Reading(None, (), _ordered(found + more))
    rules, problems = _meaning(routes, root, known)
    if any(problem.severity == "error" for problem in problems):
        return Reading(None, (), _ordered(problems))
    return Reading(routes, together([each for each in rules if each.rule.enabled]), _ordered(problems))


def _meaning(
    routes: WorkspaceRoutes, root: Node, known: Collection[str] | None
) -> tuple[list[Compiled], list[Problem]]:
    """The rules, and what is wrong with them though their form is right."""
    rules: list[Compiled] = []
    problems = [*_same_names(routes, root), *_models(routes, root, known), *_idle(routes, root, known)]
    for index, rule in enumerate(routes.rules):
        place = root.find(("rules", index), key=True)
        try:
            rules.append(compiled(rule, index, place.line + 1))
        except Refused as refused:
            at = root.find(("rules", index, "when", refused.field, *refused.where))
            problems.append(Problem(refused.key, at, params=refused.params))
    problems += _unreachable(rules, root)
    problems += unable(routes, root, known)
    problems += unfit(routes, root, known)
    return rules, problems


def _ordered(problems: list[Problem]) -> tuple[Problem, ...]:
    """In the order of the text; where there are too many, errors count more than warnings."""
    worst = sorted(problems, key=lambda problem: (problem.severity != "error", problem.at))
    return tuple(sorted(worst[:MOST_PROBLEMS], key=lambda problem: problem.at))


# -- what pydantic finds


def _invalid(error: ErrorDetails, root: Node, kind: type[BaseModel]) -> Problem:
    """What pydantic found, in words for a person."""
    loc, type_, limits = error["loc"], error["type"], error.get("ctx", {})
    names = [step for step in loc if isinstance(step, str)]
    key = names[-1] if names else ""
    at = root.find(loc, key=type_ in _KEY_LEVEL)
    if type_ == "extra_forbidden":
        below = "rules" if len(names) == 1 and key in _OF_RULES else _BELOW.get(key)
        if below and below not in names:
            return Problem("error.routes.below", at, params={"key": key, "below": below})
        near = get_close_matches(key, _fields(kind, names[:-1]), 1)
        if near:
            return Problem("error.routes.unknown_near", at, params={"key": _short(key), "near": near[0]})
        return Problem("error.routes.unknown", at, params={"key": _short(key)})
    if type_ == "missing":
        return Problem("error.routes.missing", _first_line(at), params={"key": key})
    if type_ == "literal_error":
        return _choice(error, key, at)
    if type_ == "greater_than_equal":
        return Problem("error.routes.least", at, params={"key": key, "limit": str(limits["ge"])})
    if type_ == "string_too_long":
        return Problem("error.routes.long", at, params={"key": key, "limit": limits["max_length"]})
    for beginning, takes in _TAKES.items():
        if type_.startswith(beginning):
            return Problem(f"error.routes.{takes}", at, params={"key": key})
    return Problem("error.routes.value", at, params={"key": key, "reason": error["msg"]})


def _choice(error: ErrorDetails, key: str, at: Range) -> Problem:
    given = error.get("input")
    choices = error.get("ctx", {})["expected"].replace("'", "").replace(" or ", ", ").split(", ")
    near = get_close_matches(given, choices, 1) if isinstance(given, str) else []
    params = {"key": key, "choices": ", ".join(choices), "count": len(choices)}
    if near:
        return Problem("error.routes.choice_near", at, params={**params, "near": near[0]})
    return Problem("error.routes.choice", at, params=params)


def _fields(kind: type[BaseModel], names: list[str]) -> list[str]:
    """The keys that may stand below `names`."""
    model: Any = kind
    for name in names:
        fields = getattr(model, "model_fields", {})
        model = Rule if name == "rules" else fields[name].annotation if name in fields else None
    return list(getattr(model, "model_fields", {}))


def _first_line(at: Range) -> Range:
    return at if at.line == at.end_line else Range(at.line, at.column, at.line, at.column + 1)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"


# -- what only the whole shows


def _same_names(routes: WorkspaceRoutes, root: Node) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, rule in enumerate(routes.rules):
        at = root.find(("rules", index, "name"))
        if rule.name in first:
            yield Problem("error.routes.name", at, params={"name": rule.name, "first": first[rule.name]})
        first.setdefault(rule.name, at.line + 1)


def _models(routes: WorkspaceRoutes, root: Node, known: Collection[str] | None) -> Iterator[Problem]:
    unknown: dict[str, tuple[str, dict[str, Any]]] = {}
    for index, rule in enumerate(routes.rules):
        places: list[tuple[str, tuple[int | str, ...]]] = [(rule.model, ("rules", index, "model"))]
        places += [(name, ("rules", index, "fallbacks", at)) for at, name in enumerate(rule.fallbacks)]
        tried: set[str] = set()
        for name, path in places:
            model = "" if name in DEFAULT_MODELS else rule.target if path[-1] == "model" else name
            if model in tried:
                yield Problem("error.routes.again", root.find(path), "warning", {"model": name})
            elif known is not None and not is_known(name, known):
                if name not in unknown:
                    unknown[name] = _unknown_model(name, known if len(unknown) < _MOST_NEAR else ())
                yield Problem(unknown[name][0], root.find(path), "warning", unknown[name][1])
            tried.add(model)


def _idle(routes: WorkspaceRoutes, root: Node, known: Collection[str] | None) -> Iterator[Problem]:
    """What a rule says in vain."""
    for index, rule in enumerate(routes.rules):
        if known is None or not rule.enabled:
            continue
        path = ("rules", index)
        remote = [is_remote(name, known) for name in (rule.model, *rule.fallbacks)]
        if not any(remote):
            for key in ("tokens_per_day", "cost_per_day"):
                if getattr(rule.limits, key) is not None:
                    at = root.find((*path, "limits", key))
                    yield Problem("error.routes.uncounted", at, "warning", {"key": key})


def is_known(name: str, known: Collection[str]) -> bool:
    """Whether there is a model of that name; the path of a file is not looked at."""
    if name in DEFAULT_MODELS or name in known or name.endswith(".gguf"):
        return True
    return any(each.endswith("/") and name.startswith(each) for each in known)


def _unknown_model(name: str, known: Collection[str]) -> tuple[str, dict[str, Any]]:
    near = get_close_matches(name, [each for each in known if not each.endswith("/")], 1)
    if near:
        return "error.routes.model_near", {"model": name, "near": near[0]}
    endpoint, slash, _ = name.partition("/")
    if slash and endpoint not in known:  # else a file in that folder is meant
        return "error.routes.endpoint", {"model": name, "endpoint": endpoint}
    return "error.routes.model", {"model": name}


def _unreachable(rules: list[Compiled], root: Node) -> Iterator[Problem]:
    enabled = [each for each in rules if each.rule.enabled]
    for index, each in enumerate(enabled):
        earlier = next((one for one in enabled[:index] if one.scope.covers(each.scope)), None)
        if earlier is not None:
            at = root.find(("rules", each.index, "name"))
            params = {"earlier": earlier.rule.name, "first": earlier.line}
            yield Problem("error.routes.unreachable", at, "warning", params)

"""Changes of a text of rules that leave all else in it as it is: comments, order, the way it is written.

Where rules stand one below the other, as they do in nearly every file, a change moves or adds whole lines.
Any other text goes through ruamel.yaml, which keeps comments too, but may set lines otherwise. Either way the
outcome is read again: it holds just the rules that it should, or the change is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

from ide_agent.errors import RoutesError
from ide_agent.features.routing.lines import INDENT, Lines, Unusual, dumped
from ide_agent.inference.routing.reading import read
from ide_agent.inference.routing.rules import Rule, WorkspaceRoutes

Rules = list[Rule]
Edit = Callable[[str], str]


def moved(text: str, name: str, by: int) -> str:
    """The rule `name` so many places further down; up, where `by` is negative.

    Raises:
        RoutesError: the text has errors, or no such rule.
    """
    rules = _rules(text)
    at = _index(rules, name)
    to = max(0, min(len(rules) - 1, at + by))

    def by_lines(lines: Lines) -> str:
        step = 1 if to > at else -1
        for place in range(at, to, step):
            lines = Lines(lines.swapped(min(place, place + step)))
        return lines.text

    def by_yaml(items: list[Any]) -> None:
        items.insert(to, items.pop(at))

    order = [rule for rule in rules if rule.name != name]
    return _changed(text, [*order[:to], rules[at], *order[to:]], by_lines, by_yaml)


def switched(text: str, name: str, on: bool) -> str:
    """The rule `name` enabled or not.

    Raises:
        RoutesError: the text has errors, or no such rule.
    """
    rules = _rules(text)
    at = _index(rules, name)
    wanted = [*rules]
    wanted[at] = rules[at].model_copy(update={"enabled": on})

    def by_yaml(items: list[Any]) -> None:
        items[at]["enabled"] = on

    return _changed(text, wanted, lambda lines: lines.switched(at, on), by_yaml)


def removed(text: str, name: str) -> str:
    """Without the rule `name`, and without the comment right above it.

    Raises:
        RoutesError: the text has errors, or no such rule.
    """
    rules = _rules(text)
    at = _index(rules, name)

    def by_yaml(items: list[Any]) -> None:
        del items[at]

    return _changed(text, [*rules[:at], *rules[at + 1 :]], lambda lines: lines.removed(at), by_yaml)


def added(text: str, rule: dict[str, Any]) -> str:
    """With one more rule, as JSON, at the end.

    Raises:
        RoutesError: the text has errors, or the rule has.
    """
    rules = _rules(text)
    reading = read(dumped({"rules": [rule]}))
    if reading.routes is None:
        raise RoutesError(reading.problems[0].key, **reading.problems[0].params)
    if any(each.name == rule["name"] for each in rules):
        raise RoutesError("error.routes.taken", name=rule["name"])

    def by_yaml(items: list[Any]) -> None:
        items.append(rule)

    return _changed(text, [*rules, *reading.routes.rules], lambda lines: lines.added(rule), by_yaml)


# -- both ways


def _rules(text: str) -> Rules:
    reading = read(text)
    if reading.routes is None:
        raise RoutesError("error.routes.mend")
    return list(reading.routes.rules)


def _index(rules: Rules, name: str) -> int:
    for index, rule in enumerate(rules):
        if rule.name == name:
            return index
    raise RoutesError("error.routes.no_rule", name=name)


def _changed(
    text: str, wanted: Rules, by_lines: Callable[[Lines], str], by_yaml: Callable[[list[Any]], None]
) -> str:
    before = read(text).routes
    try:
        outcome = by_lines(Lines(text))
        if _holds(outcome, wanted, before):
            return outcome
    except Unusual:
        pass
    outcome = _through_yaml(text, by_yaml)
    if not _holds(outcome, wanted, before):
        raise RoutesError("error.routes.by_hand")
    return outcome


def _holds(text: str, wanted: Rules, before: WorkspaceRoutes | None) -> bool:
    routes = read(text).routes
    if routes is None or before is None:
        return False
    return routes.model_dump() == before.model_copy(update={"rules": tuple(wanted)}).model_dump()


def _through_yaml(text: str, change: Callable[[list[Any]], None]) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 1 << 16
    yaml.indent(**INDENT)
    data = yaml.load(text)
    if data is None:
        data = CommentedMap()
    if not isinstance(data.get("rules"), list):
        data["rules"] = CommentedSeq([data["rules"]] if data.get("rules") else [])
    if not data["rules"]:
        data["rules"].fa.set_block_style()
    change(data["rules"])
    out = StringIO()
    yaml.dump(data, out)
    return out.getvalue()

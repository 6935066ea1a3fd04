"""Rules in words, as the command line and the panel show them."""

from __future__ import annotations

from ide_agent.inference.routing.rules import Limits, Rule, When
from ide_agent.locale import translate

_LONGEST = 60  # letters of an expression in a table; the file has the rest
CELLS = ("name", "state", "when", "model", "fallbacks", "limits")


def cells(rule: Rule, language: str) -> dict[str, str]:
    """A rule as a row of a table, by the names in `CELLS`."""
    return {
        "name": rule.name,
        "state": translate("routes.on" if rule.enabled else "routes.off", language),
        "when": conditions(rule.when) or translate("routes.always", language),
        "model": rule.target,
        "fallbacks": ", ".join(rule.fallbacks),
        "limits": limits(rule.limits),
    }


def conditions(when: When) -> str:
    """Conditions in the words of the file; empty where there are none."""
    said: list[str] = []
    for name in ("task", "language", "path"):
        values: tuple[str, ...] | None = getattr(when, name)
        if values:
            said.append(f"{name}: {', '.join(values)}")
    if when.message:
        said.append(f"message: /{_short(when.message)}/")
    if (tokens := when.prompt_tokens) is not None:
        said.append(f"prompt_tokens: {tokens.min}–{'' if tokens.max is None else tokens.max}")
    if when.privacy:
        said.append(f"privacy: {when.privacy}")
    return "; ".join(said)


def _short(expression: str) -> str:
    return expression if len(expression) <= _LONGEST else f"{expression[:_LONGEST]}…"


def limits(given: Limits) -> str:
    """Limits in the words of the file."""
    return ", ".join(f"{name}: {value}" for name, value in given.model_dump(exclude_none=True).items())

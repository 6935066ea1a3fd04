"""How much was used today, and how much of it is allowed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ide_agent.config import RemoteSettings
from ide_agent.errors import BudgetSpent
from ide_agent.inference.remote.ledger import Allowance, Sent

_NEAR = 0.8


@dataclass
class Usage:
    """Of a day.

    Attributes:
        requests: how many left.
        unsent: how many did not: nobody there, refused or called off before.
        unpriced: how many of them have no known price.
        tokens_in: in all prompts.
        tokens_out: in all answers.
        cost: in US dollars, as far as prices are known.
        secrets: how many were replaced.
    """

    requests: int = 0
    unsent: int = 0
    unpriced: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    secrets: int = 0

    @property
    def tokens(self) -> int:
        """In and out."""
        return self.tokens_in + self.tokens_out

    def add(self, sent: Sent, times: int = 1) -> None:
        """Count one request; `times` -1: no longer."""
        if not sent.left:
            self.unsent += times * sent.times
            return
        self.requests += times
        self.unpriced += times * (sent.cost is None and bool(sent.tokens_in or sent.tokens_out))
        self.tokens_in += times * sent.tokens_in
        self.tokens_out += times * sent.tokens_out
        self.cost += times * (sent.cost or 0.0)
        self.secrets += times * sent.secrets


class Day:
    """What was used on one day, by endpoint and model."""

    def __init__(self) -> None:
        self.all = Usage()
        self.endpoints: dict[str, Usage] = defaultdict(Usage)
        self.models: dict[tuple[str, str], Usage] = defaultdict(Usage)

    def add(self, sent: Sent, times: int = 1) -> None:
        """Count one request; `times` -1: no longer."""
        for usage in (self.all, self.endpoints[sent.endpoint], self.models[sent.endpoint, sent.model]):
            usage.add(sent, times)

    def of_rule(self, endpoint: str, model: str, allowance: Allowance) -> Iterator[RuleLimit]:
        """How `model` stands to what a rule allows it."""
        used = self.models.get((endpoint, model), Usage())
        if allowance.tokens is not None:
            yield RuleLimit("tokens", used.tokens, allowance.tokens, f"{endpoint}/{model}", allowance.rule)
        if allowance.cost is not None:
            yield RuleLimit("cost", used.cost, allowance.cost, f"{endpoint}/{model}", allowance.rule)

    def spent(self, settings: RemoteSettings, endpoint: str, model: str = "") -> BudgetSpent | None:
        """Why nothing more may be sent to `endpoint`, or to that model of it."""
        for limit in self._limits(settings, endpoint, model):
            if limit.used >= limit.of:
                return BudgetSpent(f"error.remote.{limit.kind}_spent", **limit.words)
        return None

    def warnings(self, settings: RemoteSettings, sent: Sent) -> Iterator[BudgetSpent]:
        """The budgets of which four fifths are used, and those in dollars to which `sent` does not count."""
        unpriced = sent.cost is None and bool(sent.tokens_in or sent.tokens_out)
        for limit in self._limits(settings, sent.endpoint, sent.model):
            if limit.used >= _NEAR * limit.of:
                yield BudgetSpent(f"error.remote.{limit.kind}_near", **limit.words)
            if limit.kind == "cost" and unpriced:
                name = f"{sent.endpoint}/{sent.model}"
                yield BudgetSpent("error.remote.unpriced", model=name, setting=limit.setting)

    def _limits(self, settings: RemoteSettings, endpoint: str, model: str) -> Iterator[_Limit]:
        own = settings.endpoints.get(endpoint)
        if own is not None:
            scope = f"remote.endpoints.{endpoint}"
            if model:
                used = self.models.get((endpoint, model), Usage())
                most = own.model_tokens_per_day, own.model_cost_per_day
                yield from _of(f"{endpoint}/{model}", f"{scope}.model_", *most, used)
            used = self.endpoints.get(endpoint, Usage())
            yield from _of(scope, f"{scope}.", own.tokens_per_day, own.cost_per_day, used)
        yield from _of("remote", "remote.", settings.tokens_per_day, settings.cost_per_day, self.all)


@dataclass(frozen=True)
class _Limit:
    kind: str
    scope: str
    setting: str
    used: float
    of: float

    @property
    def words(self) -> dict[str, Any]:
        return {
            **_amounts(self.kind, self.used, self.of),
            "scope": self.scope,
            "setting": self.setting,
        }


@dataclass(frozen=True)
class RuleLimit:
    """How much of what a routing rule allows a model is used; `kind`: ``tokens`` or ``cost``."""

    kind: str
    used: float
    of: float
    model: str
    rule: str

    @property
    def near(self) -> BudgetSpent | None:
        """The warning that four fifths are used."""
        if not self.of or self.used < _NEAR * self.of:
            return None
        return BudgetSpent(f"error.routes.{self.kind}_near", **self._words)

    @property
    def spent(self) -> BudgetSpent | None:
        """Why nothing more may be used."""
        if self.used < self.of:
            return None
        return BudgetSpent(f"error.routes.{self.kind}_spent", **self._words)

    @property
    def _words(self) -> dict[str, Any]:
        return {**_amounts(self.kind, self.used, self.of), "model": self.model, "rule": self.rule}


def _amounts(kind: str, used: float, of: float) -> dict[str, Any]:
    amount = float if kind == "cost" else round
    return {"used": amount(used), "limit": amount(of)}


def _of(scope: str, setting: str, tokens: int, cost: float, used: Usage) -> Iterator[_Limit]:
    if tokens:
        yield _Limit("tokens", scope, f"{setting}tokens_per_day", used.tokens, tokens)
    if cost:
        yield _Limit("cost", scope, f"{setting}cost_per_day", used.cost, cost)

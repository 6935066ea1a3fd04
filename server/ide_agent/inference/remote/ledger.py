"""What the audit log wants to know of each request that leaves this machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from ide_agent.errors import IdeAgentError


@dataclass
class Sent:
    """One request, never its content.

    Attributes:
        at: when it was sent.
        number: in the log; 0: it is not there.
        statuses: what the API answered each time that it did not do what it was asked; 0: it did not answer.
            Not in the log.
        endpoint: name of the API.
        host: where that is.
        model: as the API calls it; empty where none was meant.
        path: what was asked for, e.g. ``/chat/completions``.
        secrets: how many secrets were replaced by placeholders.
        bytes_out: size of the request, of all attempts together.
        bytes_in: size of the answer.
        tokens_in: of the prompt.
        tokens_out: of the answer.
        estimated: the API did not count the tokens; they are a quarter of the characters.
        cost: in US dollars; None: the price is not known.
        seconds: until the answer was whole.
        outcome: ``begun``, ``ok``, ``cancelled`` or the name of an error; behind that, where the API refused,
            its HTTP status and how often it was asked (``RemoteUnavailable 429 4``), else the end of the
            error's key (``RemoteUnavailable timeout``). Requests that were held back alike on one day
            are one entry, with their number behind that (``RemoteOff off 7``).
        left: whether any of it left this machine. One that is under way counts as if it had.
    """

    endpoint: str
    host: str
    model: str
    path: str
    secrets: int = 0
    bytes_out: int = 0
    bytes_in: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    estimated: bool = False
    cost: float | None = None
    seconds: float = 0.0
    outcome: str = "begun"
    left: bool = True
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    number: int = 0
    statuses: list[int] = field(default_factory=list)

    @property
    def times(self) -> int:
        """How many requests it stands for."""
        return times(self.outcome)

    def failed(self, failure: Exception) -> None:
        """Note how it ended."""
        self.outcome = type(failure).__name__
        if self.statuses and self.statuses[-1]:
            self.outcome += f" {self.statuses[-1]} {len(self.statuses)}"
        elif isinstance(failure, IdeAgentError):
            self.outcome += f" {failure.key_used.rpartition('.')[2]}"


def times(outcome: str) -> int:
    """How many requests an entry of the log stands for, by its `Sent.outcome`."""
    _, detail, count = [*outcome.split(), "", "", ""][:3]
    return int(count) if count.isdigit() and not detail.isdigit() else 1


@dataclass(frozen=True)
class Allowance:
    """What a routing rule lets each of its models use a day.

    Attributes:
        rule: its name.
        tokens: in and out; None: any number.
        cost: in US dollars; None: any.
    """

    rule: str
    tokens: int | None = None
    cost: float | None = None


class Ledger(Protocol):
    """Keeps what was sent, and knows how much of a day's budget is left."""

    def check(self, endpoint: str, model: str = "") -> None:
        """Raise BudgetSpent where nothing more may be sent to `endpoint`, or to that model of it, today."""
        ...

    async def allow(self, endpoint: str, model: str, allowance: Allowance) -> None:
        """Whether a rule lets `model` be used once more today.

        Raises:
            BudgetSpent: it does not.
            RemoteRefused: that cannot be known.
        """
        ...

    async def begin(self, sent: Sent) -> int:
        """Note that a request is about to leave; its number. What cannot be noted is not sent.

        Raises:
            BudgetSpent: nothing more may be sent to this endpoint today.
            IdeAgentError: it cannot be noted.
        """
        ...

    async def held_back(self, sent: Sent) -> None:
        """Note a request of which nothing may leave. Never raises."""
        ...

    async def end(self, sent: Sent) -> None:
        """Note how it ended. Never raises."""
        ...

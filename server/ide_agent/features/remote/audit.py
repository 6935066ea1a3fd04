"""Notes what leaves this machine, and stops it where a day's budget is spent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from ide_agent.config import RemoteSettings
from ide_agent.errors import IdeAgentError, RemoteRefused
from ide_agent.features.remote.usage import Day
from ide_agent.inference.remote.ledger import Allowance, Sent
from ide_agent.reasons import reason_of

if TYPE_CHECKING:
    from ide_agent.storage.database import Database

log = logging.getLogger(__name__)


def _local_now() -> datetime:
    return datetime.now().astimezone()


class Audit:
    """The host's `Ledger`. A day is that of the user's clock.

    Args:
        database: keeps the log.
        settings: the budgets, as they are now.
        warn: is told once a day of each budget that is nearly spent.
        now: the user's time, with its zone.
    """

    def __init__(
        self,
        database: Database,
        settings: Callable[[], RemoteSettings],
        warn: Callable[[IdeAgentError], None],
        now: Callable[[], datetime] = _local_now,
    ) -> None:
        self._database = database
        self._settings = settings
        self._warn = warn
        self._now = now
        self._date: date | None = None
        self._day = Day()
        self._guessed: dict[int, tuple[Day, Sent]] = {}
        self._warned: set[tuple[str, str]] = set()
        self._reading = asyncio.Lock()
        self._held: dict[tuple[date, str, str, str, str, str], Sent] = {}
        self._holding = asyncio.Lock()

    async def today(self) -> Day:
        """What was used today.

        Raises:
            IdeAgentError: the log cannot be read.
        """
        async with self._reading:
            if self._date != self._now().date():
                await self._read()
        return self._day

    def check(self, endpoint: str) -> None:
        """Raise BudgetSpent where nothing more may be sent to `endpoint`, as far as is known by now."""
        spent = self._day.spent(self._settings(), endpoint) if self._date == self._now().date() else None
        if spent is not None:
            raise spent

    async def allow(self, endpoint: str, model: str, allowance: Allowance) -> None:
        """Whether a rule lets `model` be used once more today; warns once a day where that is nearly over.

        Raises:
            BudgetSpent: it does not.
            RemoteRefused: the log cannot be read.
        """
        limits = list((await self._known()).of_rule(endpoint, model, allowance))
        for limit in limits:
            if warning := limit.near:
                self._warn_once(f"{limit.rule}\n{limit.model}\n{limit.kind}", warning)
        for limit in limits:
            if spent := limit.spent:
                raise spent

    async def begin(self, sent: Sent) -> int:
        """Note that `sent` is about to leave; its number.

        Raises:
            BudgetSpent: nothing more may be sent there today.
            RemoteRefused: it cannot be noted.
        """
        from ide_agent.features.remote.records import row

        await self._known()
        self.check(sent.endpoint)
        sent.at = self._now().astimezone(UTC)
        # from now on it counts, as far as is known: the next one must not find the same room
        day, guessed = self._day, replace(sent)
        day.add(guessed)
        noted = row(sent)
        try:
            await self._database.run(lambda session: session.add(noted))
        except BaseException as failure:
            day.add(guessed, -1)
            if isinstance(failure, IdeAgentError):
                raise RemoteRefused("error.remote.unaudited", reason=reason_of(failure)) from failure
            raise
        self._guessed[noted.id] = day, guessed
        return noted.id

    async def held_back(self, sent: Sent) -> None:
        """Note a request of which nothing may leave; those of one day that are alike are one entry."""
        from ide_agent.features.remote.records import RemoteRequest, row, update

        try:
            await self.today()
            async with self._holding:
                key = (self._now().date(), sent.endpoint, sent.host, sent.model, sent.path, sent.outcome)
                known = self._held.get(key)
                if known is None:
                    sent.at = self._now().astimezone(UTC)
                    noted = row(sent)
                    await self._database.run(lambda session: session.add(noted))
                    self._held = {each: found for each, found in self._held.items() if each[0] == key[0]}
                    self._held[key] = replace(sent, number=noted.id)
                else:
                    more = replace(known, outcome=f"{sent.outcome} {known.times + 1}")

                    def work(session: Any) -> None:
                        if (found := session.get(RemoteRequest, more.number)) is not None:
                            update(found, more)

                    await self._database.run(work)
                    self._held[key] = more
                self._day.add(sent)
        except IdeAgentError as failure:
            log.error("what was not sent to %s could not be noted: %s", sent.endpoint, failure)

    async def end(self, sent: Sent) -> None:
        """Note how it ended, and count it."""
        from ide_agent.features.remote.records import RemoteRequest, update

        if (begun := self._guessed.pop(sent.number, None)) is not None:
            day, guessed = begun
            day.add(guessed, -1)
            day.add(sent)
        if self._date == self._now().date():
            self._tell(sent)

        def work(session: Any) -> None:
            found = session.get(RemoteRequest, sent.number)
            if found is not None:
                update(found, sent)

        try:
            await self._database.run(work)
        except IdeAgentError as failure:
            log.error("what was sent to %s could not be noted: %s", sent.endpoint, failure)

    async def last(self, count: int) -> list[dict[str, Any]]:
        """The newest entries, newest first."""
        from sqlalchemy import select

        from ide_agent.features.remote.records import RemoteRequest, values

        chosen = select(RemoteRequest).order_by(RemoteRequest.id.desc()).limit(count)
        return await self._database.run(lambda session: [values(each) for each in session.scalars(chosen)])

    async def _known(self) -> Day:
        try:
            return await self.today()
        except IdeAgentError as failure:
            raise RemoteRefused("error.remote.unaudited", reason=reason_of(failure)) from failure

    async def _read(self) -> None:
        from sqlalchemy import select

        from ide_agent.features.remote.records import RemoteRequest, sent_of

        now = self._now()
        midnight = datetime.combine(now.date(), time.min, tzinfo=now.tzinfo).astimezone(UTC)
        chosen = select(RemoteRequest).where(
            RemoteRequest.at >= midnight, RemoteRequest.at < midnight + timedelta(days=1)
        )
        rows = await self._database.run(lambda session: [sent_of(each) for each in session.scalars(chosen)])
        self._day, self._date = Day(), now.date()
        self._warned.clear()
        for sent in rows:  # those under way began on another day, and count there
            self._day.add(sent)

    def _tell(self, sent: Sent) -> None:
        for warning in self._day.warnings(self._settings(), sent):
            self._warn_once(str(warning.params.get("model") or warning.params["setting"]), warning)

    def _warn_once(self, budget: str, warning: IdeAgentError) -> None:
        key = (self._now().date().isoformat(), budget)
        if key not in self._warned:
            self._warned.add(key)
            self._warn(warning)

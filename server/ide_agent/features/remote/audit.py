"""Notes what leaves this machine, and stops it where a day's budget is spent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from ide_agent.config import RemoteSettings
from ide_agent.errors import IdeAgentError, RemoteRefused
from ide_agent.features.remote.usage import Day
from ide_agent.inference.remote.ledger import Allowance, Sent
from ide_agent.reasons import reason_of

if TYPE_CHECKING:
    from ide_agent.storage.database import Database

log = logging.getLogger(__name__)
_HELD = 200  # entries a day of what was held back; clients make up names of models
_MORE = "*"  # stands for the models beyond that
_WRITE_SECONDS = 1.0


_Alike: TypeAlias = tuple[str, str, str, str, str]


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
        self._held: dict[_Alike, Sent] = {}
        self._unwritten: dict[int, Sent] = {}
        self._writing: asyncio.Task[None] | None = None
        self._holding = asyncio.Lock()
        self._closing = False

    async def today(self) -> Day:
        """What was used today.

        Raises:
            IdeAgentError: the log cannot be read.
        """
        async with self._reading:
            if self._date != self._now().date():
                await self._read()
        return self._day

    def check(self, endpoint: str, model: str = "") -> None:
        """Raise BudgetSpent where nothing more may be sent to `endpoint`, or to that model of it.

        As far as is known by now.
        """
        if self._date == self._now().date() and (spent := self._day.spent(self._settings(), endpoint, model)):
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
        self.check(sent.endpoint, sent.model)
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
        """Note a request of which nothing may leave; those of one day that are alike are one entry.

        The first is written at once, the number of the others about once a second.
        """
        from ide_agent.features.remote.records import row

        try:
            await self.today()
            async with self._holding:
                held, day = self._held, self._day
                if _alike(sent) not in held and len(held) >= _HELD:
                    sent = replace(sent, model=_MORE)
                known = held.get(_alike(sent))
                if known is None:
                    sent.at = self._now().astimezone(UTC)
                    noted = row(sent)
                    await self._database.run(lambda session: session.add(noted))
                    held[_alike(sent)] = replace(sent, number=noted.id)
                else:
                    more = replace(known, outcome=f"{sent.outcome} {known.times + 1}")
                    held[_alike(sent)] = self._unwritten[known.number] = more
                    if self._writing is None:
                        self._writing = asyncio.create_task(self._write_later())
                day.add(sent)
            if self._closing:
                await self._write()
        except IdeAgentError as failure:
            log.error("what was not sent to %s could not be noted: %s", sent.endpoint, failure)

    async def close(self) -> None:
        """Write what is left to write, and from now on at once, while the database still works."""
        self._closing = True
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._write()

    async def _write_later(self) -> None:
        await asyncio.sleep(_WRITE_SECONDS)
        self._writing = None
        await self._write()

    async def _write(self) -> None:
        """Write how many were held back by now. Never raises."""
        from ide_agent.features.remote.records import RemoteRequest, update

        async with self._holding:
            unwritten, self._unwritten = self._unwritten, {}
            if not unwritten:
                return

            def work(session: Any) -> None:
                for number, sent in unwritten.items():
                    if (found := session.get(RemoteRequest, number)) is not None:
                        update(found, sent)

            try:
                await self._database.run(work)
            except IdeAgentError as failure:
                log.error("how much was held back could not be noted: %s", failure)

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

        await self._write()
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

        await self._write()
        now = self._now()
        midnight = datetime.combine(now.date(), time.min, tzinfo=now.tzinfo).astimezone(UTC)
        chosen = select(RemoteRequest).where(
            RemoteRequest.at >= midnight, RemoteRequest.at < midnight + timedelta(days=1)
        )
        rows = await self._database.run(lambda session: [sent_of(each) for each in session.scalars(chosen)])
        self._day, self._date = Day(), now.date()
        self._held = {_alike(sent): sent for sent in rows if not (sent.left or sent.bytes_out)}
        self._warned.clear()
        for sent in rows:  # those under way began on another day, and count there
            self._day.add(sent)

    def _tell(self, sent: Sent) -> None:
        for warning in self._day.warnings(self._settings(), sent):
            params = warning.params
            self._warn_once(str(params.get("model") or (params["scope"], params["setting"])), warning)

    def _warn_once(self, budget: str, warning: IdeAgentError) -> None:
        key = (self._now().date().isoformat(), budget)
        if key not in self._warned:
            self._warned.add(key)
            self._warn(warning)


def _alike(sent: Sent) -> _Alike:
    """What those requests of a day have in common that are one entry, as the log has it."""
    outcome = sent.outcome.rpartition(" ")[0] if sent.times > 1 else sent.outcome
    return sent.endpoint, sent.host[:255], sent.model[:200], sent.path[:64], outcome

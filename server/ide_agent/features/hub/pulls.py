"""The pulls that run in the host: one for each model, however many want it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ide_agent.errors import DownloadError, IdeAgentError, ModelError, ModelNotFound
from ide_agent.features.hub import gc, kept
from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.defaults import after_pull, defaults
from ide_agent.features.hub.place import is_model
from ide_agent.features.hub.progress import Progress, Report
from ide_agent.features.hub.service import Hub, PulledModel

if TYPE_CHECKING:
    from ide_agent.host.services import Services


_HOSTS = 3
"""So many in a row go on with a download beneath which they are killed, and nothing of it arrives."""
_TRIES = 20
_AGAIN_SECONDS = 15.0
_NO_NETWORK = frozenset(
    {
        "error.download.unreached",
        "error.download.no_index",
        "error.download.hub",
        "error.download.lost",
        "error.download.nothing_came",
    }
)


class Pull:
    """A running pull.

    Attributes:
        entry: of which model.
        progress: how far it is.
        wanted: how many wait for it.
        outcome: what it changed, see `defaults.after_pull`; empty before its end.
        by_itself: it goes on from where the last host ended, and nobody has asked for it since.
        task: does it.
    """

    task: asyncio.Task[PulledModel]

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.progress = Progress("resolve")
        self.wanted = 0
        self.by_itself = False
        self.outcome: dict[str, str] = {}
        self._listeners: set[asyncio.Queue[Progress | None]] = set()

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.entry.name

    async def follow(self) -> AsyncGenerator[Progress]:
        """Each of its reports, beginning with the last one, until it ends."""
        reports: asyncio.Queue[Progress | None] = asyncio.Queue()
        reports.put_nowait(self.progress)
        if self.task.done():
            reports.put_nowait(None)
        self._listeners.add(reports)
        try:
            while (progress := await reports.get()) is not None:
                yield progress
        finally:
            self._listeners.discard(reports)

    def tell(self, progress: Progress | None) -> None:
        """It is so far now; None: it has ended."""
        self.progress = progress or self.progress
        for reports in self._listeners:
            reports.put_nowait(progress)


@dataclass
class Failed:
    """A pull that ended without its model.

    Attributes:
        entry: of which model.
        error: why.
        left: something of it lay there when somebody looked last.
    """

    entry: Entry
    error: IdeAgentError
    left: bool = False


class Pulls:
    """Starts and stops pulls, and tells the editors. Belongs to the host's event loop.

    Attributes:
        failed: why the last pull of a model ended without it, until it is pulled again or forgotten.
        arrived: what is to be said of a model that came (see `defaults.after_pull`), until it is forgotten.
    """

    def __init__(self, hub: Hub, services: Services) -> None:
        self._hub = hub
        self._services = services
        self._running: dict[str, Pull] = {}
        self._tasks: set[asyncio.Task[PulledModel]] = set()
        self._news = asyncio.Event()
        self._leaving = False
        self.failed: dict[str, Failed] = {}
        self.arrived: dict[str, dict[str, str]] = {}

    @property
    def _departing(self) -> bool:
        return self._leaving or self._services.departing

    @property
    def running(self) -> list[Pull]:
        """Those that run."""
        return list(self._running.values())

    @property
    def news(self) -> asyncio.Event:
        """Set when something changes from now on. Take it before you look, wait for it after."""
        return self._news

    def want(self, entry: Entry) -> Pull:
        """The pull of `entry`, which is started if it does not run. `leave` gives it up again.

        Raises:
            ModelError: another model is on its way to that name.
        """
        name = entry.name
        pull = self._running.get(name)
        if pull is not None and pull.entry.source != entry.source:
            raise ModelError("error.model.pulling", name=name)
        if pull is None:
            kept.pull_begins(name)
            pull = self._begin(entry)
        pull.wanted += 1
        pull.by_itself = False
        return pull

    def _begin(self, entry: Entry) -> Pull:
        pull = self._running[entry.name] = Pull(entry)
        self.failed.pop(entry.name, None)
        pull.task = asyncio.create_task(self._run(pull))
        self._tasks.add(pull.task)
        pull.task.add_done_callback(lambda _: self._ended(pull))
        self.changed()
        return pull

    def leave(self, pull: Pull) -> None:
        """Want it no longer. When nobody does it stops; what has arrived stays for the next time.

        Whom the end of the host drives away still wants it: `close` stops it, and the next host goes on.
        """
        pull.wanted -= 1
        if pull.wanted <= 0 and not self._departing:
            self._cancel(pull)

    def stop(self, name: str) -> None:
        """Stop the pull of model `name` for all who want it."""
        pull = self._running.get(name)
        if pull is not None:
            self._cancel(pull)

    async def stopped(self, name: str) -> bool:
        """Stop the pull of model `name` for all who want it, and wait for its end; whether there was one."""
        pull = self._running.get(name)
        if pull is None:
            return False
        self._cancel(pull)
        await asyncio.wait([pull.task])
        return True

    async def discard(self, name: str) -> int:
        """Throw away what has arrived of model `name`; how many bytes.

        Raises:
            ModelNotFound, ModelError: see `Hub.discard`.
        """
        arrived = await asyncio.to_thread(self._hub.arrived, name)
        await asyncio.to_thread(self._hub.discard, name)
        kept.drop(name)
        self.forget(name)
        self.changed()
        return arrived

    def _cancel(self, pull: Pull) -> None:
        """End it. Who wants the model from now on gets another pull, which waits for the lock of this one."""
        if self._running.get(pull.name) is pull:
            del self._running[pull.name]
            kept.pull_ends(pull.name)
        pull.task.cancel()
        self.changed()

    def forget(self, name: str) -> None:
        """Nobody wants to read any more why it failed, or what it changed."""
        if (self.failed.pop(name, None), self.arrived.pop(name, None)) != (None, None):
            self.changed()

    def seen(self, stopped: Collection[str]) -> None:
        """Downloads of the models `stopped` can go on: forget the failure of one that can no longer.

        Another process has removed what there was, or has brought the rest.
        """
        for name, failed in list(self.failed.items()):
            if failed.left and name not in stopped:
                del self.failed[name]
            failed.left = name in stopped

    async def resume(self) -> None:
        """Go on with what the last host took with it. Nobody waits for it.

        What ended several hosts so far, without any progress, is not tried again until somebody asks for it.
        """
        if not (cut := await asyncio.to_thread(kept.pulling)):
            return
        known = {
            entry.name: entry
            for entry in self._hub.catalogue()
            if not is_model(self._hub.folder / entry.name)
        }
        known |= {each.entry.name: each.entry for each in await asyncio.to_thread(self._hub.unfinished)}
        for name in cut:
            if name not in known:
                kept.pull_ends(name)
                continue
            arrived = await asyncio.to_thread(self._hub.drafts.arrived, known[name])
            if await asyncio.wrap_future(kept.pull_resumes(name, arrived)) > _HOSTS:
                kept.pull_ends(name)
                error = ModelError("error.model.gave_up_pull", name=name, count=_HOSTS)
                self.failed[name] = Failed(known[name], error)
            else:
                pull = self._begin(known[name])
                pull.by_itself, pull.wanted = True, 1

    async def close(self) -> None:
        """Stop all. Nobody meant to stop them: they stay noted as what this host took with it."""
        self._leaving = True
        noted = set(await asyncio.to_thread(kept.pulling))
        for name in self._running.keys() & noted:
            kept.pull_begins(name)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(kept.settle)

    async def _run(self, pull: Pull) -> PulledModel:
        told: int | None = -1

        def report(progress: Progress) -> None:
            nonlocal told
            if progress.percent != told:
                told = progress.percent
                status = _status("downloading", model=pull.name, progress=told)
                self._services.events.publish(status, passing=True)
            pull.tell(progress)
            self.changed()

        pulled: PulledModel | None = None
        settings = self._services.settings.inference
        new = not await asyncio.to_thread(is_model, self._hub.folder / pull.name)
        before = await asyncio.to_thread(defaults, self._hub.folder, settings)
        try:
            pulled = await self._patiently(pull, report)
            if not pull.entry.size:  # nobody said how big it would be
                await self._make_room(pull.entry, report)
            if new:
                pull.outcome = await asyncio.to_thread(after_pull, self._hub, pull.name, before, settings)
            return pulled
        finally:
            self._services.events.publish(await self._after(pulled))

    async def _patiently(self, pull: Pull, report: Report) -> PulledModel:
        """Pull it. What goes on by itself may do so before the network is there: it tries again for minutes.

        The host stays for each try, but not for the waits between them.
        """
        tries = _TRIES
        while True:
            try:
                with self._services.activity.busy("pull"):
                    await self._make_room(pull.entry, report)
                    return await self._hub.pull(pull.entry, report)
            except DownloadError as failure:
                tries -= 1
                if not (tries and pull.by_itself and failure.key_used in _NO_NETWORK):
                    raise
            report(Progress("retry", pull.progress.done, pull.progress.total))
            await asyncio.sleep(_AGAIN_SECONDS)

    async def collect(self, *, dry_run: bool = False, need: int = 0, keep: str = "") -> list[gc.Held]:
        """Remove what the user's limits leave no room for; what was, or would be.

        Args:
            dry_run: only say what would go.
            need: bytes that will come in addition.
            keep: a model that stays in any case.
        """
        settings = self._services.settings.hub
        active = [row["name"] for row in self._services.inference.running()]
        due = await asyncio.to_thread(gc.due, self._hub, settings, active, need=need, keep=keep)
        return due if dry_run else await asyncio.to_thread(gc.remove, self._hub, due)

    async def _make_room(self, entry: Entry, report: Report) -> None:
        here = is_model(self._hub.folder / entry.name)
        gone = await self.collect(need=0 if here else entry.total, keep=entry.name)
        if gone:
            freed = sum(each.bytes for each in gone)
            report(Progress("removed", freed, names=tuple(each.name for each in gone)))

    def _ended(self, pull: Pull) -> None:
        self._tasks.discard(pull.task)
        if self._running.get(pull.name) is pull:
            del self._running[pull.name]
            if not self._departing:
                kept.pull_ends(pull.name)
        if not pull.task.cancelled() and (failure := pull.task.exception()) is not None:
            error = failure if isinstance(failure, IdeAgentError) else IdeAgentError()
            if pull.by_itself and error.key_used in _NO_NETWORK:
                kept.pull_begins(pull.name)  # the next host may have more luck
            self.failed[pull.name] = Failed(pull.entry, error)
        if pull.outcome:
            self.arrived[pull.name] = pull.outcome
        pull.tell(None)
        self.changed()

    def changed(self) -> None:
        """There is news."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _after(self, pulled: PulledModel | None) -> dict[str, Any]:
        """How things stand apart from the pull: as the engines said last, unless that is out of date."""
        before = self._services.events.status
        outdated = before is None or before["state"] == "noModel"
        if pulled is not None and before is not None and before["state"] == "error":
            outdated = before.get("model") == pulled.name
        if before is not None and not outdated:
            return before
        try:
            default = await asyncio.to_thread(self._services.models.find)
        except ModelNotFound as missing:
            return _status("noModel", message=str(missing), error=missing.as_wire())
        return _status("ready", model=default.name)


def _status(state: str, **more: Any) -> dict[str, Any]:
    named = {"type": "status", "state": state, **more}
    return {key: value for key, value in named.items() if value is not None}

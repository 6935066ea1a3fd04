"""Fetching one big file over HTTP: resumable after a kill, patient, and never silent.

What has arrived lies in ``<file>.part``; ``<file>.part.json`` remembers what it is a part of. The next
attempt, in this process or another, asks for the rest only. A server that cannot do that is read anew.
"""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import httpx

from ide_agent import __version__
from ide_agent.errors import DownloadError
from ide_agent.features.hub import trust
from ide_agent.features.hub.arriving import Sink, pieces
from ide_agent.features.hub.disk import SPARE_BYTES, GrowingHash, disk_error, require_space, sha256_of
from ide_agent.features.hub.partial import Part, UnusableError
from ide_agent.features.hub.progress import Phase, Report, Speedometer
from ide_agent.features.hub.sources import Remote
from ide_agent.features.hub.sources.token import refusal
from ide_agent.features.hub.waiting import in_thread
from ide_agent.reasons import Reason, reason, reason_of, unreached

_REPORT_SECONDS = 0.2
_LOOK_AGAIN = 256 << 20
_ATTEMPTS_AT_NOBODY = 2
_ELSEWHERE = {
    "error.download.login": "error.download.not_let_in",
    "error.download.refused": "error.download.not_there",
}
_REFUSALS = {401: "error.download.login", 403: "error.download.login", 407: "error.download.proxy"}


@dataclass(frozen=True)
class Policy:
    """How patient a download is; all times in seconds.

    Attributes:
        stall: nothing arrives for this long: say so and connect anew.
        attempts: connections in a row that bring nothing new before it gives up.
        first_wait: wait before another attempt; doubles with each fruitless one up to `longest_wait`.
        longest_wait: also the most that a server's Retry-After is followed.
    """

    stall: float = 30.0
    attempts: int = 7
    first_wait: float = 0.5
    longest_wait: float = 20.0

    def wait(self, failures: int) -> float:
        """Seconds to wait after `failures` attempts without progress."""
        return min(self.longest_wait, self.first_wait * 2.0 ** max(0, failures - 1))


PATIENT = Policy()


class _RetryError(Exception):
    """This attempt ended early; another may do better."""

    def __init__(
        self, reason: Reason, *, phase: Phase = "retry", wait: float = 0.0, nobody: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.phase: Phase = phase
        self.wait = wait
        self.nobody = nobody  # is at that address


class Download:
    """One file on its way.

    Args:
        remote: what to fetch.
        target: where the whole file goes; its folder exists.
        name: what error messages call it.
        report: called in the event loop's thread, about five times a second and at every turn of events.
        need: bytes that must be free besides those of the download itself.
        size: length of the file; 0 when nobody promised any. More than that is not taken.
    """

    def __init__(
        self,
        remote: Remote,
        target: Path,
        *,
        name: str,
        report: Report,
        need: int = SPARE_BYTES,
        size: int = 0,
        policy: Policy = PATIENT,
    ) -> None:
        self._remote = remote
        self._target = target
        self._name = name
        self._report = report
        self._need = need
        self._size = size
        self._policy = policy
        self._part = Part(target, remote)
        self._hash = GrowingHash()
        self._speed = Speedometer()
        self._reported = 0.0
        self._reached = False
        self._late: asyncio.TimerHandle | None = None

    async def run(self) -> str:
        """Fetch the file, or the rest of it, and check its hash. What has arrived stays when cancelled.

        Returns:
            Its SHA-256, lower-case hex; empty where the file was here and none was promised.

        Raises:
            DownloadError: it cannot be had; says why.
        """
        try:
            wanted = self._remote.sha256
            if self._target.exists() and (
                not wanted or await in_thread(lambda: sha256_of(self._target)) == wanted
            ):
                return wanted
            resumed = self._part.load() > 0
            found = await self._fetched()
            if resumed and wanted not in ("", found):
                self._part.discard()  # perhaps the two halves are of different files: once more
                found = await self._fetched()
            if wanted not in ("", found):
                self._part.discard()
                raise DownloadError("error.download.hash", name=self._name)
            self._part.finish()
            return found
        except OSError as failure:
            raise disk_error(failure, self._name, self._target) from failure
        finally:
            self._tell_later(None)

    async def _fetched(self) -> str:
        """Fetch the part file's rest; the hash of all of it."""
        await self._fetch()
        return await in_thread(lambda: self._hash.of(self._part.file), stop=self._hash.stop)

    async def _fetch(self) -> None:
        """Attempt after attempt until the part file is whole."""
        if self._part.whole:
            return
        failures, furthest = 0, self._part.done
        async with await in_thread(self._client) as client:
            while again := await self._try(client):
                if self._part.done > furthest:
                    failures, furthest = 0, self._part.done
                else:
                    failures += 1
                if again.nobody and not self._reached and failures >= _ATTEMPTS_AT_NOBODY:
                    host = urlsplit(self._remote.url).netloc.rpartition("@")[2]
                    raise DownloadError(
                        "error.download.unreached", name=self._name, host=host, reason=again.reason
                    )
                if failures >= self._policy.attempts:
                    key = "error.download.lost" if self._part.done else "error.download.nothing_came"
                    raise DownloadError(key, name=self._name, reason=again.reason)
                self._speed.reset()
                self._tell(again.phase, always=True)
                await asyncio.sleep(
                    min(self._policy.longest_wait, max(again.wait, self._policy.wait(failures)))
                )

    async def _try(self, client: httpx.AsyncClient) -> _RetryError | None:
        """One attempt; None when the part file is whole after it."""
        try:
            await self._attempt(client)
        except httpx.ReadTimeout as late:
            return _RetryError(reason_of(late), phase="stalled")
        except httpx.RequestError as broken:
            detail = str(broken) or type(broken).__name__
            if "CERTIFICATE_VERIFY_FAILED" in detail:
                raise DownloadError("error.download.certificate", name=self._name, reason=detail) from broken
            nobody = isinstance(broken, httpx.ConnectTimeout) or unreached(broken)
            return _RetryError(reason_of(broken), nobody=nobody)
        except UnusableError as answer:
            return _RetryError(str(answer))
        except _RetryError as again:
            return again
        return None

    async def _attempt(self, client: httpx.AsyncClient) -> None:
        file, done = self._part.file, self._part.done
        if done:  # before a server waits for us
            await in_thread(lambda: self._hash.reach(file, done), stop=self._hash.stop)
        async with client.stream("GET", self._remote.url, headers=self._part.request_headers()) as response:
            self._reached = True
            if response.status_code == 416:
                if self._part.ended(response):
                    return
                self._part.discard()
                raise _RetryError("HTTP 416")
            self._check(response)
            self._part.begin(response)
            self._refuse_more(self._part.total)
            missing = max(0, self._part.total - self._part.done)
            require_space(self._name, self._target.parent, missing + self._need)
            self._tell("download", always=True)
            await self._receive(response)
            self._refuse_more(self._part.done)
        self._tell("download", always=True)
        if self._part.done < self._part.total:
            raise _RetryError(reason("incomplete", have=self._part.done, need=self._part.total))

    async def _receive(self, response: httpx.Response) -> None:
        """Append the body to the part file, and what there is of it when it ends early."""
        looked = self._part.done
        self._hash.reach(self._part.file, looked)  # reads nothing: it is there, or the file begins anew
        try:
            with self._part.file.open("ab") as stream:
                sink = Sink(lambda pieces: self._keep(stream, pieces))
                try:
                    async with aclosing(pieces(response)) as body:
                        async for piece in body:
                            self._part.done += len(piece)
                            await sink.put(piece)
                            if self._part.done > (self._promised or self._part.done):
                                break
                            if self._part.done - looked >= _LOOK_AGAIN and not self._part.total:
                                looked = self._part.done
                                require_space(self._name, self._target.parent, self._need)
                            self._tell("download")
                finally:
                    await sink.close()
        finally:
            self._part.measure()

    def _keep(self, stream: BinaryIO, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            stream.write(piece)
            self._hash.add(piece)

    def _refuse_more(self, size: int) -> None:
        """Start anew another time where `size` is more than the file can have."""
        if size > (self._promised or size):
            self._part.discard()
            raise DownloadError("error.download.hash", name=self._name)

    def _check(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in (200, 206):
            return
        if status in (408, 425, 429) or status >= 500:
            raise _RetryError(f"HTTP {status}", wait=retry_after(response.headers.get("Retry-After", "")))
        code = response.headers.get("X-Error-Code", "")
        if refused := refusal(str(response.url), status, code, self._name, self._remote.token):
            raise refused
        key = _REFUSALS.get(status, "error.download.refused")
        if not self._remote.indexed:
            key = _ELSEWHERE.get(key, key)
        raise DownloadError(key, name=self._name, reason=f"HTTP {status}")

    @property
    def _promised(self) -> int:
        """Length of the file; 0 where nobody said any."""
        return self._size or self._part.total

    def _tell(self, phase: Phase, *, always: bool = False) -> None:
        now = time.monotonic()
        if always or now - self._reported >= _REPORT_SECONDS:
            self._reported = now
            self._tell_later(None)
            self._report(self._speed.measure(phase, self._part.done, self._part.total, now))
        elif self._late is None:  # perhaps nothing more comes for a while: the last bytes count as well
            self._tell_later(phase)

    def _tell_later(self, phase: Phase | None) -> None:
        """Tell when a report is due again; None: there is no need any more."""
        if self._late is not None:
            self._late.cancel()
            self._late = None
        if phase is not None:
            loop = asyncio.get_running_loop()
            self._late = loop.call_later(_REPORT_SECONDS, lambda: self._tell(phase, always=True))

    @property
    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._remote.token}"} if self._remote.token else {}

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            auth=self._remote.login,
            verify=trust.context(self._remote.ca_file),
            proxy=None
            if {"http", "https", "all"} & urllib.request.getproxies().keys()
            else self._remote.proxy,
            timeout=httpx.Timeout(self._policy.stall, connect=min(15.0, self._policy.stall)),
            follow_redirects=True,
            headers={"User-Agent": f"ide-agent/{__version__}", "Accept-Encoding": "identity"}
            | self._authorization,
        )


def retry_after(header: str) -> float:
    """Seconds that a ``Retry-After`` header asks for, number or date; 0 when it makes no sense."""
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0

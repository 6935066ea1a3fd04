"""HTTP to one OpenAI-compatible API: tried again with patience, refusals put into words."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ide_agent import __version__
from ide_agent.config import RemoteEndpoint
from ide_agent.errors import IdeAgentError, RemoteRefused, RemoteUnavailable
from ide_agent.inference.circuit import Circuit
from ide_agent.inference.remote.bucket import Bucket
from ide_agent.inference.remote.ledger import Sent
from ide_agent.inference.remote.refusals import Refusal, broken_connections, reason_in, refusal
from ide_agent.reasons import reason, reason_of
from ide_agent.storage.secrets import sendable

if TYPE_CHECKING:
    import httpcore

    from ide_agent.safety.network import NetworkPolicy

_CONNECT_SECONDS = 10.0
_ATTEMPTS = 4
_FIRST_PAUSE = 0.5
_HURRIED_SECONDS = 1.2
"""Longest wait for a turn of who types: as long as one request a second makes him wait, and no more."""
_LONGEST_PAUSE = 30.0
"""Who is told to wait longer is told so instead of being kept waiting."""
_LONGEST_HOLD = 3600.0
_LIST_SECONDS = 300.0
_LARGEST_ANSWER = 32 << 20
_LARGEST_REFUSAL = 64 << 10


class Endpoint:
    """One API, with a key and connections of its own.

    Args:
        name: as in the settings.
        settings: of it.
        policy: says what may be reached.
        key: goes with every request; empty: none does.
        sleep: waits between attempts.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        name: str,
        settings: RemoteEndpoint,
        policy: NetworkPolicy,
        key: str = "",
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.settings = settings
        self.local = policy.is_local(settings)
        self.host = urlsplit(settings.url).hostname or ""
        self.circuit = Circuit()
        self.answers = 0
        self._policy = policy
        self._key = key.strip()
        self._sleep = sleep
        self._clock = clock
        self._probing = False
        self._closed = False
        self._pool: httpcore.AsyncConnectionPool | None = None
        self._buckets: dict[str, Bucket] = {}
        self._models: tuple[float, list[str]] | None = None

    @property
    def models(self) -> list[str]:
        """The ids of its models as far as they are known without asking it."""
        return list(self.settings.models) or (self._models[1] if self._models else [])

    @property
    def listing_due(self) -> bool:
        """Whether it has to be asked what models it has."""
        fresh = self._models is not None and time.monotonic() - self._models[0] < _LIST_SECONDS
        return not (self.settings.models or fresh)

    def listed(self, answer: Any) -> list[str]:
        """Remember what ``GET /models`` answered; the ids in it."""
        found = answer.get("data") if isinstance(answer, dict) else None
        entries = found if isinstance(found, list) else []
        ids = [str(entry["id"]) for entry in entries if isinstance(entry, dict) and entry.get("id")]
        self._models = (time.monotonic(), ids)
        return ids

    def not_listed(self) -> None:
        """Remember that it did not say; the ids of the last time stay."""
        self._models = (time.monotonic(), self._models[1] if self._models else [])

    def check(self) -> None:
        """Whether it may and can be asked at this moment.

        Raises:
            RemoteOff: it is on another machine, and remote is off.
            RemoteUnavailable: it failed several times in a row.
        """
        self._policy.check(self.settings)
        left = self.circuit.open_for()
        if left > 0:
            raise self._left_alone(left)

    async def wait_for_turn(self, model: str, *, hurried: bool = False) -> None:
        """Return when `model` may be asked again.

        Args:
            model: which.
            hurried: soon or not at all.

        Raises:
            RemoteUnavailable: that would take longer than an answer may.
        """
        bucket = self._bucket(model)
        longest = _HURRIED_SECONDS if hurried else self.settings.timeout_seconds
        if (delay := bucket.delay()) > longest:
            raise RemoteUnavailable(
                "error.remote.queue", endpoint=self.name, model=model, seconds=round(delay) or 1
            )
        await bucket.take()

    @asynccontextmanager
    async def answer(
        self, method: str, path: str, body: bytes, sent: Sent, model: str = "", *, hurried: bool = False
    ) -> AsyncGenerator[httpcore.Response]:
        """The head of the answer to a request; leaving the block closes the connection unless all was read.

        Args:
            method: HTTP method.
            path: below the base address.
            body: JSON; empty: none.
            sent: learns whether and how much was sent.
            model: whom it is about, for errors.
            hurried: what goes wrong is not tried again.

        Raises:
            RemoteError: what went wrong, and what to do.
        """
        probing = self.circuit.half_open
        # for a list of models nobody wants to wait
        attempts = _ATTEMPTS if method == "POST" and not (probing or hurried) else 1
        if probing and self._probing:
            raise self._left_alone(1)
        self._probing = self._probing or probing
        try:
            response = await self._patiently(method, path, body, sent, model, attempts)
        finally:
            if probing:
                self._probing = False
        try:
            yield response
        finally:
            await response.aclose()

    async def chunks(self, response: httpcore.Response, sent: Sent) -> AsyncGenerator[bytes]:
        """The body as it comes.

        Raises:
            RemoteUnavailable: it broke off, or nothing came for too long.
        """
        try:
            async for chunk in response.aiter_stream():
                sent.bytes_in += len(chunk)
                yield chunk
        except broken_connections() as failure:
            raise self._failure(failure, begun=True).error from failure

    async def whole(self, response: httpcore.Response, sent: Sent) -> Any:
        """The body as JSON.

        Raises:
            RemoteUnavailable: it broke off, or nothing came for too long.
            RemoteError: it is not JSON.
        """
        body = bytearray()
        async for chunk in self.chunks(response, sent):
            body += chunk
            if len(body) > _LARGEST_ANSWER:
                raise RemoteUnavailable("error.remote.nonsense", endpoint=self.name, reason=reason("endless"))
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise RemoteUnavailable(
                "error.remote.nonsense", endpoint=self.name, reason=reason("not_json")
            ) from None

    def failed(self, answer: dict[str, Any]) -> RemoteUnavailable:
        """What an answer says that is an error."""
        said = reason_in(answer, self._key) or "?"
        return RemoteUnavailable("error.remote.failed", endpoint=self.name, reason=said)

    async def close(self) -> None:
        """Close all connections for good; who still reads from one gets RemoteUnavailable."""
        self._closed = True
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()

    async def _patiently(
        self, method: str, path: str, body: bytes, sent: Sent, model: str, attempts: int
    ) -> httpcore.Response:
        attempt = 0
        paid = False
        try:
            while True:
                found = await self._once(method, path, body, sent, model)
                if not isinstance(found, Refusal):
                    self.circuit.worked()
                    self.answers += 1
                    return found
                attempt += 1
                paid = paid or found.paid
                await self._before_next(found, attempt, attempts, model)
        except IdeAgentError:
            if not paid:
                sent.tokens_in = 0
            raise

    async def _before_next(self, found: Refusal, attempt: int, attempts: int, model: str) -> None:
        """Wait until it may be asked again; raise what it said if it should not be."""
        pause = found.wait
        if pause is None:
            pause = _FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        elif not self.local:
            self._bucket(model).hold(min(pause, _LONGEST_HOLD))  # the others must wait, too
        if not found.again or pause > _LONGEST_PAUSE or attempt == attempts:
            if found.counts:
                self.circuit.crashed(reason_of(found.error))
            raise found.error
        await self._sleep(pause)
        if not self.local:
            await self.wait_for_turn(model)
        self.check()

    def _bucket(self, model: str) -> Bucket:
        bucket = self._buckets.get(model)
        if bucket is None:
            rates = (self.settings.requests_per_second, self.settings.requests_per_minute)
            bucket = self._buckets[model] = Bucket(*rates, clock=self._clock, sleep=self._sleep)
        return bucket

    def _left_alone(self, seconds: float) -> RemoteUnavailable:
        return RemoteUnavailable(
            "error.remote.circuit",
            endpoint=self.name,
            count=self.circuit.crashes,
            seconds=round(seconds) or 1,
            reason=self.circuit.reason,
        )

    async def _once(
        self, method: str, path: str, body: bytes, sent: Sent, model: str
    ) -> httpcore.Response | Refusal:
        import httpcore

        self._policy.check(self.settings)
        if not sendable(self._key):
            raise RemoteRefused("error.remote.unfit_key", endpoint=self.name)
        if self._pool is None:
            made = await asyncio.to_thread(self._policy.pool, self.settings, self.name)
            self._pool = self._pool or made  # somebody else may have been first
        if self._closed:
            raise RemoteUnavailable("error.remote.broken", endpoint=self.name)
        silence = self.settings.timeout_seconds
        timeouts = {"connect": _CONNECT_SECONDS, "read": silence, "write": silence, "pool": None}

        async def leaves(event: str, info: dict[str, Any]) -> None:
            if event.endswith(".send_request_headers.started"):
                sent.left = True
                sent.bytes_out += len(body)

        request = httpcore.Request(
            method,
            self.settings.url + path,
            headers=self._headers(body),
            content=body,
            extensions={"timeout": timeouts, "trace": leaves},
        )
        try:
            response = await self._pool.handle_async_request(request)
            if 200 <= response.status < 300:
                sent.statuses.clear()
                return response
            try:
                text = bytearray()
                async for chunk in response.aiter_stream():
                    text += chunk
                    if len(text) > _LARGEST_REFUSAL:
                        break
            finally:
                await response.aclose()
        except broken_connections() as failure:
            sent.statuses.append(0)
            return self._failure(failure)
        sent.statuses.append(response.status)
        sent.bytes_in += len(text)
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
        }
        return refusal(self.name, response.status, headers, bytes(text), model, self._key)

    def _headers(self, body: bytes) -> list[tuple[str, str]]:
        headers = [
            ("Host", urlsplit(self.settings.url).netloc),
            ("User-Agent", f"ide-agent/{__version__}"),
            ("Accept", "application/json, text/event-stream"),
            ("Accept-Encoding", "identity"),
        ]
        if self._key:
            headers.append(("Authorization", f"Bearer {self._key}"))
        if body:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        return headers

    def _failure(self, failure: Exception, *, begun: bool = False) -> Refusal:
        """What a broken or silent connection means."""
        import httpcore

        error: IdeAgentError
        if isinstance(failure, httpcore.ReadTimeout | httpcore.WriteTimeout):
            seconds = round(self.settings.timeout_seconds)
            error = RemoteUnavailable("error.remote.timeout", endpoint=self.name, seconds=seconds)
            return Refusal(error, again=False, paid=True)  # it may be at work, and would be paid twice
        if begun:
            return Refusal(RemoteUnavailable("error.remote.broken", endpoint=self.name), again=False)
        why = reason_of(failure)
        if isinstance(failure, httpcore.LocalProtocolError):  # its text may be what we sent
            why = type(failure).__name__
        paid = not isinstance(failure, httpcore.ConnectError | httpcore.ConnectTimeout)
        return Refusal(RemoteUnavailable(endpoint=self.name, reason=why), again=True, paid=paid)

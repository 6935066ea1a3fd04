"""A model behind an OpenAI-compatible API."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from ide_agent.errors import RemoteOff, RemoteRefused, RemoteUnavailable
from ide_agent.inference.backends import Dialect
from ide_agent.inference.pictures import Pictures, checked, seen
from ide_agent.inference.remote.endpoint import Endpoint
from ide_agent.inference.remote.ledger import Sent
from ide_agent.inference.remote.prices import tokens
from ide_agent.inference.remote.putting_back import Restored
from ide_agent.inference.sse import EventDecoder
from ide_agent.inference.turns import Priority
from ide_agent.reasons import reason

if TYPE_CHECKING:
    import httpcore

    from ide_agent.safety.placeholders import Placeholders

_CHARACTERS_A_TOKEN = 4
_TOKENS_A_PICTURE = 1000
"""APIs count from 85 to about 1,600, by its size and as they like."""


class Books(Protocol):
    """What is noted of a request that leaves this machine."""

    async def begin(self, sent: Sent) -> None:
        """Note it before its first byte leaves.

        Raises:
            IdeAgentError: it must not leave.
        """
        ...

    def end(self, sent: Sent, usage: dict[str, Any]) -> None:
        """Note how it ended; `usage` is what the API counted."""
        ...

    def held_back(self, sent: Sent) -> None:
        """Note that nothing of it may leave."""
        ...


class RemoteModel:
    """One model of an endpoint. On this machine nothing is hidden, noted or slowed down.

    Args:
        id: as the API calls it.
        endpoint: the API.
        books: note what leaves.
        placeholders: makes those of a request; None: secrets are sent as they are.
        hurried: who types waits for it: an answer that would come late is not asked for.
    """

    def __init__(
        self,
        id: str,
        endpoint: Endpoint,
        books: Books,
        placeholders: Callable[[], Placeholders] | None,
        *,
        hurried: bool = False,
    ) -> None:
        self.id = id
        self.endpoint = endpoint
        self._books = books
        self._placeholders = None if endpoint.local else placeholders
        self._hurried = hurried

    @property
    def name(self) -> str:
        """What clients call it: ``endpoint/id``."""
        return f"{self.endpoint.name}/{self.id}"

    @property
    def backend(self) -> str:
        """The endpoint's name."""
        return self.endpoint.name

    @property
    def dialect(self) -> Dialect:
        """What it understands."""
        return "openai"

    @property
    def chats(self) -> bool:
        """APIs put a text round what a base model is asked by themselves."""
        return True

    @property
    def opens_thought(self) -> bool:
        """Nobody knows."""
        return False

    def placeholders(self) -> Placeholders | None:
        """New ones, for one request; None: secrets are sent as they are.

        Raises:
            ConfigError: one of the user's expressions is not valid.
        """
        return self._placeholders() if self._placeholders is not None else None

    def with_placeholders(self, known: Placeholders) -> RemoteModel:
        """This model for one request, of which `known` has replaced secrets already."""
        return RemoteModel(self.id, self.endpoint, self._books, lambda: known, hurried=self._hurried)

    def refused(self, path: str, refusal: RemoteOff) -> Sent:
        """What is noted of a request that no-cloud mode holds back."""
        sent = Sent(self.endpoint.name, self.endpoint.host, self.id, path, left=False)
        sent.failed(refusal)
        return sent

    def turn(self, priority: Priority) -> AbstractAsyncContextManager[None]:
        """No one waits for another here; how often it is asked is limited where the request is sent."""
        return nullcontext()

    async def stream(self, path: str, payload: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """POST a request with ``stream: true`` and yield the answer's events.

        Leave it by `contextlib.aclosing` (or exhaust it): that closes the connection, by which the API
        learns to stop.

        Raises:
            RemoteError: what went wrong, and what to do.
        """
        options = payload.get("stream_options")
        wants_usage = isinstance(options, dict) and options.get("include_usage") is True
        payload = {**payload, "stream": True}
        if path != "/v1/embeddings":
            payload["stream_options"] = {
                **(options if isinstance(options, dict) else {}),
                "include_usage": True,
            }
        async with self._exchange("POST", path, payload) as exchange:
            async with aclosing(self._events(exchange)) as events:
                async for event in events:
                    try:
                        exchange.count(event)
                        shown = list(exchange.restored.event(event))
                    except (TypeError, AttributeError):
                        raise self._nonsense("odd_event") from None
                    if not wants_usage and event.get("usage") and not event.get("choices"):
                        continue
                    for restored in shown:
                        yield restored
            for restored in exchange.restored.rest():
                yield restored

    async def request(self, method: str, path: str, json: dict[str, Any] | None = None) -> Any:
        """One JSON request, one JSON answer. A caller who leaves closes the connection.

        Raises:
            RemoteError: what went wrong, and what to do.
        """
        async with self._exchange(method, path, json) as exchange:
            answer = await self.endpoint.whole(exchange.response, exchange.sent)
            if not isinstance(answer, dict):
                raise self._nonsense("not_an_object")
            if answer.get("error") and not answer.get("choices"):
                raise self.endpoint.failed(answer)
            exchange.count(answer)
            return exchange.placeholders.put_back(answer) if exchange.placeholders else answer

    async def _events(self, exchange: _Exchange) -> AsyncGenerator[dict[str, Any]]:
        decoder = EventDecoder()
        finished = False
        async with aclosing(self.endpoint.chunks(exchange.response, exchange.sent)) as chunks:
            async for chunk in chunks:
                try:
                    for event in decoder.feed(chunk):
                        if event.get("error"):
                            raise self.endpoint.failed(event)
                        choices = event.get("choices") or []
                        if not isinstance(choices, list):
                            raise self._nonsense("odd_event")
                        finished = finished or any(
                            isinstance(choice, dict) and choice.get("finish_reason") for choice in choices
                        )
                        yield event
                except ValueError:
                    raise self._nonsense("no_stream") from None
        if not (finished or decoder.done):
            raise RemoteUnavailable("error.remote.broken", endpoint=self.endpoint.name)

    @asynccontextmanager
    async def _exchange(
        self, method: str, path: str, payload: dict[str, Any] | None
    ) -> AsyncGenerator[_Exchange]:
        """An answer that has begun. What left is noted, before and after."""
        endpoint = self.endpoint
        try:
            endpoint.check()
        except RemoteOff as refusal:
            self._books.held_back(self.refused(path.removeprefix("/v1"), refusal))
            raise
        hiding = self.placeholders()
        body = b""
        pictures = Pictures()
        if payload is not None:
            if not endpoint.local:
                pictures = seen(payload)
            else:  # it may fetch what it is given an address of, as engines do
                clean, pictures = await asyncio.to_thread(checked, path, payload)
                payload = clean
            # searching a long prompt takes a while, in which others stream
            if hiding is not None and (
                _holds_tokens(payload.get("input")) or _holds_tokens(payload.get("prompt"))
            ):
                raise RemoteRefused("error.remote.tokens", endpoint=endpoint.name)
            hidden = payload if hiding is None else await asyncio.to_thread(hiding.hide, payload)
            if self.id:
                hidden = {**hidden, "model": self.id}
            body = json.dumps(hidden, separators=(",", ":")).encode()
        sent = Sent(
            endpoint=endpoint.name,
            host=endpoint.host,
            model=self.id,
            path=path.removeprefix("/v1"),
            secrets=len(hiding) if hiding is not None else 0,
            tokens_in=max(len(body) - pictures.characters, 0) // _CHARACTERS_A_TOKEN
            + pictures.count * _TOKENS_A_PICTURE,
            estimated=True,
        )
        if not endpoint.local:
            await endpoint.wait_for_turn(self.id, hurried=self._hurried)
            endpoint.check()  # while this one waited, others may have failed
            await self._books.begin(sent)
        started = time.monotonic()
        exchange: _Exchange | None = None
        sent.left = False  # until its first byte does
        sent.outcome = "cancelled"  # unless it comes to another end
        try:
            answer = endpoint.answer(method, sent.path, body, sent, self.id, hurried=self._hurried)
            async with answer as response:
                exchange = _Exchange(response, sent, hiding)
                yield exchange
            sent.outcome = "ok"
        except Exception as failure:
            sent.failed(failure)
            raise
        finally:
            sent.seconds = time.monotonic() - started
            if not sent.left:
                sent.tokens_in = 0
            if not endpoint.local:
                self._books.end(sent, exchange.usage if exchange is not None else {})

    def _nonsense(self, why: str) -> RemoteUnavailable:
        return RemoteUnavailable("error.remote.nonsense", endpoint=self.endpoint.name, reason=reason(why))


class _Exchange:
    """An answer on its way.

    Attributes:
        usage: what the API counted.
    """

    def __init__(self, response: httpcore.Response, sent: Sent, placeholders: Placeholders | None) -> None:
        self.response = response
        self.sent = sent
        self.placeholders = placeholders
        self.restored = Restored(placeholders if placeholders else None)
        self.usage: dict[str, Any] = {}

    def count(self, event: dict[str, Any]) -> None:
        """Count tokens as the API does, or guess them until it says."""
        usage = event.get("usage")
        if isinstance(usage, dict) and tokens(usage.get("prompt_tokens")):
            self.usage = usage
            self.sent.estimated = False
            self.sent.tokens_in = tokens(usage.get("prompt_tokens"))
            self.sent.tokens_out = tokens(usage.get("completion_tokens"))
        elif self.sent.estimated and event.get("choices"):
            self.sent.tokens_out += 1  # an event is a token or a few


def _holds_tokens(prompt: Any) -> bool:
    """Whether it has ids of tokens in it, in which no secret can be seen."""
    if isinstance(prompt, list):
        return any(map(_holds_tokens, prompt))
    return isinstance(prompt, int)

"""What a model offers, wherever it runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from ide_agent.inference.backends import Dialect
from ide_agent.inference.turns import Priority


class Model(Protocol):
    """A model that answers in the OpenAI dialect: an `Engine` on this machine, or a `RemoteModel`."""

    @property
    def name(self) -> str:
        """What clients call it."""
        ...

    @property
    def backend(self) -> str:
        """What runs it."""
        ...

    @property
    def dialect(self) -> Dialect:
        """What it understands."""
        ...

    @property
    def chats(self) -> bool:
        """Whether it knows how to hold a conversation; one that does not goes on with a text."""
        ...

    @property
    def opens_thought(self) -> bool:
        """Whether its answers in a conversation go on with a thought that the prompt has begun."""
        ...

    def turn(self, priority: Priority) -> AbstractAsyncContextManager[None]:
        """Hold it around a request."""
        ...

    def stream(self, path: str, payload: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """POST a request with ``stream: true`` and yield the answer's events; closing it is what stops it."""
        ...

    async def request(self, method: str, path: str, json: dict[str, Any] | None = None) -> Any:
        """One JSON request, one JSON answer."""
        ...

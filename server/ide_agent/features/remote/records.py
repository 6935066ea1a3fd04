"""The audit log: what went where. Never what was in it."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from ide_agent.inference.remote.ledger import Sent
from ide_agent.storage.tables import Base

_ELSEWHERE = ("number", "statuses")
_NAMES = tuple(each.name for each in fields(Sent) if each.name not in _ELSEWHERE)


class RemoteRequest(Base):
    """One row for each request that left this machine or was about to; columns: the attributes of `Sent`."""

    __tablename__ = "remote_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    endpoint: Mapped[str] = mapped_column(String(64))
    host: Mapped[str] = mapped_column(String(255))
    model: Mapped[str] = mapped_column(String(200))
    path: Mapped[str] = mapped_column(String(64))
    secrets: Mapped[int]
    bytes_out: Mapped[int]
    bytes_in: Mapped[int]
    tokens_in: Mapped[int]
    tokens_out: Mapped[int]
    estimated: Mapped[bool]
    cost: Mapped[float | None]
    seconds: Mapped[float]
    outcome: Mapped[str] = mapped_column(String(64))
    left: Mapped[bool]


def row(sent: Sent) -> RemoteRequest:
    """The row for `sent`."""
    return RemoteRequest(**_values(sent))


def update(found: RemoteRequest, sent: Sent) -> None:
    """Bring the row of `sent` up to date."""
    for name, value in _values(sent).items():
        setattr(found, name, value)


def _values(sent: Sent) -> dict[str, object]:
    values = {name: getattr(sent, name) for name in _NAMES}
    return {**values, "model": sent.model[:200], "host": sent.host[:255], "path": sent.path[:64]}


def sent_of(found: RemoteRequest) -> Sent:
    """What the row says."""
    return Sent(**{name: getattr(found, name) for name in _NAMES}, number=found.id)


def values(found: RemoteRequest) -> dict[str, Any]:
    """The row as JSON."""
    return {"id": found.id, **{name: getattr(found, name) for name in _NAMES}, "at": found.at.isoformat()}

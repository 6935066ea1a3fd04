"""What became of each suggestion: the table behind measuring and, later, learning. Local and redacted."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ide_agent.safety.redaction import redact
from ide_agent.storage.tables import Base

from .wire import CompletionEventBody


class CompletionEvent(Base):
    """One row for each thing that happened to a suggestion."""

    __tablename__ = "completion_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    completion_id: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(16))
    language: Mapped[str] = mapped_column(String(64))
    path_hash: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(128))
    adapter: Mapped[str] = mapped_column(String(128), default="")
    text: Mapped[str] = mapped_column(Text)
    kept_text: Mapped[str | None] = mapped_column(Text)
    accepted_length: Mapped[int | None]
    latency_ms: Mapped[float | None]
    lines: Mapped[int]


def row(event: CompletionEventBody) -> CompletionEvent:
    """The row for `event`: secrets out of the texts, the path only as a hash, the time in UTC."""
    return CompletionEvent(
        completion_id=event.completion_id,
        at=event.at.astimezone(UTC),
        kind=event.kind,
        language=event.language,
        path_hash=hashlib.sha256(event.path.encode()).hexdigest()[:16] if event.path else "",
        model=event.model,
        adapter="",
        text=redact(event.text),
        kept_text=None if event.kept_text is None else redact(event.kept_text),
        accepted_length=event.accepted_length,
        latency_ms=event.latency_ms,
        lines=event.text.count("\n") + 1 if event.text else 0,
    )

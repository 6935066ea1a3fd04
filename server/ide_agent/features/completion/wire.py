"""Bodies of the host's completion routes, as in docs/protocol.md. Only the host imports this."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

Priority = Literal["foreground", "background"]


class SnippetBody(BaseModel):
    """A piece of another file."""

    path: str
    text: str
    file: str = Field("", max_length=4096)
    """Its absolute path, by which the host looks whether it is private; no model gets to see it."""


class CompletionRequest(BaseModel):
    """``POST /completion`` and ``/completion/warm``."""

    document: str
    path: str = ""
    language: str = "plaintext"
    prefix: str
    prefix_line: int = Field(0, ge=0)
    suffix: str = ""
    snippets: list[SnippetBody] = []
    declarations: list[SnippetBody] = []
    max_tokens: int = Field(96, ge=1, le=2048)
    stop: list[str] = Field([], max_length=4)
    prompt_tokens: int = Field(1024, ge=64, le=32768)
    model: str = ""
    priority: Priority = "foreground"
    hold_ms: int = Field(0, ge=0, le=60_000)
    """How long text of the first line may be held back, to come in fewer pieces."""
    alternative: int = Field(0, ge=0, le=16)
    """0: what the model finds most likely; others are drawn by chance, the same for the same number."""


class CompletionEventBody(BaseModel):
    """One thing that happened to one suggestion."""

    completion_id: str = Field(max_length=64)
    kind: Literal["shown", "accepted", "acceptedPartly", "dismissed", "kept"]
    at: datetime
    language: str = ""
    path: str = ""
    model: str = ""
    text: str = ""
    kept_text: str | None = None
    accepted_length: int | None = None
    latency_ms: float | None = None


class CompletionEvents(BaseModel):
    """``POST /completion/events``."""

    events: list[CompletionEventBody] = Field(max_length=1000)

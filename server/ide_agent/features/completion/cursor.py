"""What a completion is asked for and what it gives: the small types that every step shares."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of another place in the workspace that helps to complete this one."""

    path: str
    """Workspace-relative, with forward slashes."""
    text: str
    file: str = field(default="", compare=False)
    """Absolute path, to look whether it is private; no model gets to see it."""


@dataclass(frozen=True, slots=True)
class CursorContext:
    """The document around the cursor, as text. Lines end in ``\\n`` here whatever the document uses."""

    uri: str
    path: str
    """Workspace-relative with forward slashes; the bare name outside a workspace; '' if unsaved."""
    language: str
    """LSP language id."""
    version: int
    prefix: str
    """Text before the cursor from the start of line `prefix_line` on; bounded, whole lines."""
    prefix_line: int
    """0-based document line on which `prefix` starts."""
    suffix: str
    """Text after the cursor; bounded, whole lines."""
    line: int
    """0-based line of the cursor."""
    removed: str = ""
    """What the user's last edit deleted at the cursor, if it deleted something."""
    invoked: bool = False
    """The user asked for it (not typed his way into it)."""

    @property
    def line_prefix(self) -> str:
        """The cursor's line up to the cursor."""
        return self.prefix.rsplit("\n", 1)[-1]

    @property
    def line_suffix(self) -> str:
        """The cursor's line from the cursor on, without its line end."""
        return self.suffix.split("\n", 1)[0]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Text to insert at the cursor."""

    text: str
    replace_after: int = 0
    """Code points right of the cursor, on its line, that `text` replaces."""
    complete: bool = False
    """Nothing more will follow: generation may be stopped."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A suggestion for the position that was asked about."""

    completion_id: str
    context: CursorContext
    suggestion: Suggestion
    model: str = ""
    latency_ms: float = 0.0

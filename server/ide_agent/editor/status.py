"""What the client's status item shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ide_agent.editor.messages import STATUS, StatusParams

if TYPE_CHECKING:
    from ide_agent.editor.server import EditorServer


class Status:
    """Sends `ideAgent/status` to clients that show it, and remembers the last.

    Attributes:
        last: what was said last, whether or not the client shows it.
    """

    def __init__(self, server: EditorServer) -> None:
        self._server = server
        self.last = StatusParams(state="starting")

    def show(
        self,
        state: str,
        *,
        model: str | None = None,
        engine: str | None = None,
        message: str | None = None,
        progress: int | None = None,
    ) -> None:
        """Say how things are; see `StatusParams`. Saying the same again sends nothing."""
        status = StatusParams(state, model, engine, message, progress)
        if status != self.last:
            self.last = status
            self.repeat()

    def forward(self, event: dict[str, Any]) -> None:
        """Pass on a status event of the host; its `error`, if any, is put into the user's language."""
        error = event.get("error")
        if isinstance(error, dict):
            from ide_agent.errors import from_wire

            event = {**event, "message": from_wire(error).message(self._server.language)}
        progress = event.get("progress")
        self.show(
            str(event.get("state", "ready")),
            model=event.get("model"),
            engine=event.get("engine"),
            message=event.get("message"),
            progress=None if progress is None else round(progress),
        )

    def repeat(self) -> None:
        """Send the last status again."""
        if self._server.client.status:
            self._server.protocol.notify(STATUS, self.last)

"""What the client's status item shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ide_agent.editor.messages import STATUS, StatusParams

if TYPE_CHECKING:
    from ide_agent.editor.server import EditorServer


# What a user who switched suggestions off still wants to know.
_SHOWN_WHEN_OFF = ("error", "downloading")


class Status:
    """Sends `ideAgent/status` to clients that show it, and remembers the last.

    Attributes:
        last: how things are, whether or not the client shows it and whether or not the user switched us off.
    """

    def __init__(self, server: EditorServer) -> None:
        self._server = server
        self.last = StatusParams(state="starting")
        self._off = False
        self._sent = self.last

    def show(
        self,
        state: str,
        *,
        model: str | None = None,
        engine: str | None = None,
        message: str | None = None,
        progress: int | None = None,
        text: str | None = None,
    ) -> None:
        """Say how things are; see `StatusParams`. Saying the same again sends nothing."""
        self.last = StatusParams(state, model, engine, message, progress, text)
        self._send_news()

    def switch(self, *, on: bool) -> None:
        """The user switched suggestions on or off: ``off`` stands for all that does not concern him then."""
        self._off = not on
        self._send_news()

    def forward(self, event: dict[str, Any]) -> None:
        """Pass on a status event of the host; its `error`, if any, is put into the user's language."""
        error = event.get("error")
        if isinstance(error, dict):
            from ide_agent.errors import from_wire

            event = {**event, "message": from_wire(error).message(self._server.language)}
        progress, state = event.get("progress"), str(event.get("state", "ready"))
        text = None
        if event.get("format") and event.get("model"):
            from ide_agent.locale import translate

            shown = "unloaded" if state == "ready" and event.get("loaded") is False else state
            words = translate(f"state.{shown}", self._server.language)
            named = {"model": event["model"], "format": event["format"]}
            text = translate("state.line", self._server.language, state=words, **named)
        self.show(
            state,
            model=event.get("model"),
            engine=event.get("engine"),
            message=event.get("message"),
            progress=None if progress is None else round(progress),
            text=text,
        )

    def repeat(self) -> None:
        """Send the last status again."""
        self._sent = self._shown
        if self._server.client.status:
            self._server.protocol.notify(STATUS, self._sent)

    @property
    def _shown(self) -> StatusParams:
        hidden = self._off and self.last.state not in _SHOWN_WHEN_OFF
        return StatusParams("off") if hidden else self.last

    def _send_news(self) -> None:
        if self._shown != self._sent:
            self.repeat()

"""What is wrong with ghost text, said once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from ide_agent.errors import HostError, IdeAgentError

from .generation import Generation

if TYPE_CHECKING:
    from ide_agent.editor.server import EditorServer

_NO_MODEL = "error.model.none"
_LEFT_ALONE = frozenset({"error.remote.circuit", "error.remote.queue"})


class Failures:
    """Tells the user of an error, and not again before ghost text has worked in between.

    The same error comes in other words each time: the seconds until the next try, the memory that is free.
    """

    def __init__(self, server: EditorServer) -> None:
        self._server = server
        self._said: set[tuple[str, str]] = set()
        self._noticed: set[str] = set()

    def ended(self, generation: Generation) -> None:
        """A generation has ended, well or not."""
        if generation.notice is not None:
            self._notice(generation.notice)
        if generation.error is not None:
            self._failed(generation.error)
        elif generation.conclusive:
            self._said.clear()
            if self._server.status.last.state in ("error", "noModel"):
                self._server.status.show("ready", model=generation.model or None)

    def _notice(self, notice: IdeAgentError) -> None:
        """It goes on, so once is enough."""
        text = notice.message(self._server.language)
        if text not in self._noticed:
            self._noticed.add(text)
            self._server.say(text, types.MessageType.Warning)

    def _failed(self, error: IdeAgentError) -> None:
        if isinstance(error, HostError):
            return  # the host client speaks for the host itself
        text = error.message(self._server.language)
        missing = error.key_used == _NO_MODEL
        self._server.status.show("noModel" if missing else "error", message=text)
        params = error.params
        named = (params.get(name) for name in ("endpoint", "model", "name", "file", "host"))
        whom = str(next(filter(None, named), None))
        what = error.key_used, whom
        known = what in self._said
        if error.key_used in _LEFT_ALONE:  # for what was said of it already, as a rule
            known = any(each[1] == whom for each in self._said)
        if not known and not missing:  # the hub offers a model
            self._said.add(what)
            self._server.say(text, types.MessageType.Error)

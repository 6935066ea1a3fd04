"""A model behind the fake host, and an editor's questions to it."""

from __future__ import annotations

import asyncio
from typing import Any

from ide_agent.errors import IdeAgentError
from support.editor import PATIENCE, Editor
from support.fake_host import Call, FakeHost

URI = "file:///project/a.py"
JSON = dict[str, Any]


class Voice:
    """Answers ``/completion`` and its siblings.

    Attributes:
        text: what the model says to everything.
        others: what it says instead where an alternative is asked for, one after the other.
        error: how it fails instead.
        notice: what is to be looked after though it answers.
        open: while it is clear the model thinks: nothing is said after the start.
    """

    def __init__(self, host: FakeHost) -> None:
        self.host = host
        self.text = "return 1"
        self.others: list[str] = []
        self.error: IdeAgentError | None = None
        self.notice: IdeAgentError | None = None
        self.open = asyncio.Event()
        self.open.set()
        host.routes["GET /models"] = lambda call: call.answer({"models": [{"name": "scripted"}]})
        host.routes["POST /completion"] = self._speak
        host.routes["POST /completion/warm"] = lambda call: call.answer({})
        host.routes["POST /completion/events"] = lambda call: call.answer({})

    def calls(self, path: str) -> list[Call]:
        """The requests to ``/completion`` and what follows it in `path`."""
        return [call for call in self.host.calls if call.path == f"/completion{path}"]

    def events(self) -> list[JSON]:
        """What the host was told of suggestions."""
        return [event for call in self.calls("/events") for event in call.body["events"]]

    async def _speak(self, call: Call) -> None:
        call.head()
        start: JSON = {"type": "start", "model": "scripted", "engine": "none", "fim": False}
        notice = {"notice": self.notice.as_wire()} if self.notice else {}
        call.event({**start, "prompt_tokens": 1, **notice})
        await self.open.wait()
        if self.error is not None:
            call.event({"type": "error", "error": self.error.as_wire()})
        else:
            text = self.others.pop(0) if call.body["alternative"] and self.others else self.text
            call.event({"type": "text", "text": text})
            call.event({"type": "done", "finish_reason": "stop", "timings": {}})
        call.end()


def begin(
    editor: Editor, line: int, character: int, uri: str = URI, *, invoked: bool = True
) -> asyncio.Future[Any]:
    """Ask for ghost text."""
    params = {
        "textDocument": {"uri": uri},
        "position": {"line": line, "character": character},
        "context": {"triggerKind": 1 if invoked else 2},
    }
    _, answer = editor.begin("textDocument/inlineCompletion", params)
    return answer


async def ask(
    editor: Editor, line: int, character: int, uri: str = URI, *, invoked: bool = True
) -> JSON | None:
    """The suggestion, or None."""
    items = await ask_all(editor, line, character, uri, invoked=invoked)
    return items[0] if items else None


async def ask_all(
    editor: Editor, line: int, character: int, uri: str = URI, *, invoked: bool = True
) -> list[JSON]:
    """All suggestions."""
    answer = await asyncio.wait_for(begin(editor, line, character, uri, invoked=invoked), PATIENCE)
    items: list[JSON] = (answer or {}).get("items", [])
    return items


def completion_id(item: JSON | None) -> str:
    """Which suggestion it is."""
    assert item is not None
    found: str = item["command"]["arguments"][0]["completionId"]
    return found

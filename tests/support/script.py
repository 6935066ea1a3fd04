"""A test's side of `scripted_server.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SERVER = Path(__file__).with_name("scripted_server.py")


class Script:
    """What the server says, and what it saw.

    Args:
        folder: the server's folder; see `scripted_server`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._gates = folder / "gates"
        self._gates.mkdir(parents=True)
        self._seen = 0
        self.say()

    def say(self, **content: Any) -> None:
        """What the server will say from now on: `rules`, `status`, `ask` and others."""
        draft = self.folder / "draft.json"
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(self.folder / "script.json")

    def open_gate(self, name: str) -> None:
        """Let a chunk through."""
        (self._gates / name).touch()

    def forget(self) -> None:
        """Close all gates; `log` starts anew."""
        for gate in self._gates.iterdir():
            gate.unlink()
        self._seen = len(self._lines())

    def log(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """What the server saw of one kind, with these values."""
        entries = [json.loads(line) for line in self._lines()[self._seen :]]
        return [
            entry
            for entry in entries
            if entry["kind"] == kind and all(entry.get(key) == value for key, value in fields.items())
        ]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The `ideAgent/inlineCompletion/event` notifications of one kind, without the kind."""
        seen = [entry["event"] for entry in self.log("event")]
        return [
            {key: value for key, value in event.items() if key != "kind"}
            for event in seen
            if event["kind"] == kind
        ]

    def text(self) -> str:
        """What the document holds, as far as the server was told since it was opened empty."""
        changes = [entry for entry in map(json.loads, self._lines()) if entry["kind"] == "change"]
        text: str = changes[-1]["text"] if changes else ""
        return text

    def _lines(self) -> list[str]:
        file = self.folder / "log.jsonl"
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        return text[: text.rfind("\n") + 1].splitlines()

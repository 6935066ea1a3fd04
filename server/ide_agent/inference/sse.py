"""Server-sent events, decoded from bytes.

httpx's own line iterator also splits at U+2028, U+0085 and others, which llama.cpp sends unescaped inside
JSON. Here only ``\\n`` ends a line, and a line is decoded only when it is whole, so a character that is cut
in two by the network stays one character.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_MAX_EVENT = 32 << 20


class EventDecoder:
    """Turns the chunks of a response body into the JSON objects of its ``data:`` lines.

    Attributes:
        done: whether the stream said that it is at its end (``[DONE]``).
    """

    def __init__(self) -> None:
        self.done = False
        self._rest = bytearray()
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """The events that `chunk` completes.

        Raises:
            ValueError: this is not an event stream.
        """
        searched = len(self._rest)
        self._rest += chunk
        start = 0
        while (end := self._rest.find(b"\n", max(start, searched))) >= 0:
            line = bytes(self._rest[start:end]).removesuffix(b"\r")
            start = end + 1
            event = self._line(line)
            if event is not None:
                yield event
        del self._rest[:start]
        if len(self._rest) > _MAX_EVENT:
            raise ValueError("an event that does not end")

    def _line(self, line: bytes) -> dict[str, Any] | None:
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
            return None
        if line or not self._data:
            return None
        text = b"\n".join(self._data)
        self._data.clear()
        if text == b"[DONE]":
            self.done = True
            return None
        event = json.loads(text)
        if not isinstance(event, dict):
            raise ValueError("an event that is no object")
        return event

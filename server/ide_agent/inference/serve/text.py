"""From token bytes to the text that is sent: whole characters, nothing of a stop string."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextAssembler:
    """Gathers pieces; gives out what can no longer turn into a stop string.

    Args:
        stops: the answer ends before the first of them.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self.stopped_by = ""

    def feed(self, piece: bytes) -> str:
        """The text that is certain after `piece`; see `stopped_by` for whether it was the last."""
        self._held += self._decoder.decode(piece)
        found = [(at, stop) for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            at, self.stopped_by = min(found, key=lambda hit: hit[0])
            certain, self._held = self._held[:at], ""
            return certain
        keep = max((_overlap(self._held, stop) for stop in self._stops), default=0)
        cut = len(self._held) - keep
        certain, self._held = self._held[:cut], self._held[cut:]
        return certain

    def flush(self) -> str:
        """What was still held back when the answer ended for another reason."""
        rest = self._held + self._decoder.decode(b"", final=True)
        self._held = ""
        return rest


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that `stop` starts with."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0

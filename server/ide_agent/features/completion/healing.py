"""Token healing: the last, perhaps unfinished token before the cursor is generated again, not read.

A cursor rarely stands where the tokeniser would cut. A model that learnt ``\\n···`` and ``·return`` has
never seen four blanks alone at the end of what it is asked to continue, and a small one then says nothing
sensible. So the prompt stops at the last sure boundary, and a grammar makes the answer begin with the text
in between, which is dropped from it. (Lundberg, “Prompt Boundaries and Token Healing”, 2023.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

# White space joins the word behind it in most vocabularies, line ends join the indentation behind them.
_TAIL = re.compile(r"(?:\n{1,2}[ \t]{0,48}|[ \t]{0,48})\w{0,24}\Z")
_LONGEST_TAIL = 2 + 48 + 24


class Healing:
    """What of a prompt's end is generated again; nothing when `text` is empty."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self._skipped = 0
        self._said = ""

    @classmethod
    def of(cls, prompt: str) -> Healing:
        """For a prompt that ends at the cursor. Something of the prompt is always left."""
        match = _TAIL.search(prompt, max(0, len(prompt) - _LONGEST_TAIL))
        tail = match.group() if match else ""
        return cls(tail if len(tail) < len(prompt) else "")

    def payload(self, stop: Sequence[str], max_tokens: int) -> dict[str, object]:
        """The engine's parameters: grammar, stop strings, room for the tail.

        An engine holds text back that may turn out to begin a stop string, and a first line with it, until
        two more tokens are there. So it gets only those of one character, and only where they cannot fire in
        the tail; `take` looks for all.
        """
        body: dict[str, object] = {
            "stop": [each for each in stop if len(each) == 1 and each not in self.text],
            "n_predict": max_tokens + len(self.text),
        }
        if self.text:
            # GBNF: the tail, then anything
            body["grammar"] = f"root ::= {json.dumps(self.text, ensure_ascii=False)} [^\\x00]*"
        return body

    def take(self, text: str, stop: Sequence[str]) -> tuple[str, bool]:
        """What of newly generated `text` is new to the caller; whether a stop string ends the answer."""
        if self._skipped < len(self.text):
            rest = len(self.text) - self._skipped
            self._skipped += min(rest, len(text))
            text = text[rest:]
        if not text:
            return text, False
        said = len(self._said)
        self._said += text
        ends = [at for each in stop if (at := self._said.find(each)) >= 0]
        return (self._said[said : min(ends)], True) if ends else (text, False)

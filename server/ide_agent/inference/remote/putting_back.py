"""Puts secrets back into the events of a stream, whose texts come in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ide_agent.safety.placeholders import Growing, Placeholders

_Place = tuple[int, int | None, str]
"""A text that grows: its choice, its tool call if it is of one, its name."""
_FIXED = ("role", "type", "id", "name")


class Restored:
    """The events of one stream as the caller is to see them.

    Args:
        placeholders: of the request; None: there is nothing to put back.
    """

    def __init__(self, placeholders: Placeholders | None) -> None:
        self._placeholders = placeholders
        self._texts: dict[_Place, Growing] = {}
        self._last: dict[str, Any] = {}

    def event(self, event: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """What to pass on for `event`."""
        if self._placeholders is None:
            yield event
            return
        if "choices" in event:
            self._last = {key: value for key, value in event.items() if key not in ("choices", "usage")}
        for choice in event.get("choices") or []:
            if isinstance(choice, dict):
                self._choice(choice)
        yield event

    def rest(self) -> Iterator[dict[str, Any]]:
        """What was held back of choices that never said that they are finished."""
        indexes = sorted({place[0] for place, text in self._texts.items() if text.holds})
        for index in indexes:
            choice: dict[str, Any] = {"index": index, "finish_reason": None}
            self._finish(choice, index)
            yield {**self._last, "choices": [choice]}

    def _choice(self, choice: dict[str, Any]) -> None:
        index = choice.get("index", 0)
        delta = choice.get("delta")
        if isinstance(choice.get("text"), str):
            choice["text"] = self._grown((index, None, "text")).feed(choice["text"])
        if isinstance(delta, dict):
            for name, value in delta.items():
                if isinstance(value, str) and name not in _FIXED:
                    delta[name] = self._grown((index, None, name)).feed(value)
                elif isinstance(value, list) and name != "tool_calls":  # parts, each of which is whole
                    delta[name] = self._placeholders.put_back(value) if self._placeholders else value
            called = delta.get("function_call")
            if isinstance(called, dict) and isinstance(called.get("arguments"), str):
                place = (index, None, "function_call")
                called["arguments"] = self._grown(place).feed(called["arguments"])
            for call in delta.get("tool_calls") or []:
                function = call.get("function") if isinstance(call, dict) else None
                if isinstance(function, dict) and isinstance(function.get("arguments"), str):
                    place = (index, call.get("index", 0), "arguments")
                    function["arguments"] = self._grown(place).feed(function["arguments"])
        if choice.get("finish_reason"):
            self._finish(choice, index)

    def _finish(self, choice: dict[str, Any], index: int) -> None:
        """Add to `choice` what was held back of it."""
        for (of, call, name), text in self._texts.items():
            rest = text.rest() if of == index else ""
            if not rest:
                continue
            if name == "text":
                choice["text"] = (choice.get("text") or "") + rest
                continue
            delta = choice.get("delta")
            if not isinstance(delta, dict):
                delta = choice["delta"] = {}
            if name == "function_call":
                called = delta.get(name)
                if not isinstance(called, dict):
                    called = delta[name] = {}
                called["arguments"] = (called.get("arguments") or "") + rest
            elif call is None:
                delta[name] = (delta.get(name) or "") + rest
            else:
                calls = delta.setdefault("tool_calls", [])
                same = [each for each in calls if each.get("index", 0) == call]
                if same:
                    function = same[0].setdefault("function", {})
                    function["arguments"] = (function.get("arguments") or "") + rest
                else:
                    calls.append({"index": call, "function": {"arguments": rest}})

    def _grown(self, place: _Place) -> Growing:
        assert self._placeholders is not None
        found = self._texts.get(place)
        if found is None:
            found = self._placeholders.growing(in_json=place[2] in ("arguments", "function_call"))
            self._texts[place] = found
        return found

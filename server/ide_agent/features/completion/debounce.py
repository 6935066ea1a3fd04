"""How long to wait after a keystroke before a model is asked: as short as the user's own rhythm allows."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ide_agent.features.completion.cursor import CursorContext

# A longer gap is thinking, not typing.
_LONGEST_INTERVAL = 0.6
_FIRST_GUESS = 0.15
_INTERVALS = 50
_RESPONSES = 20
_MIN_SAMPLES = 5
# How many typing intervals to let pass: few where a suggestion is likely to be wanted, many elsewhere.
_RATE_EAGER, _RATE_PATIENT = 1.0, 2.5


class Debounce:
    """Adaptive debounce: rate from the context, times mean typing interval, less the mean response time.

    A slow model is asked early (its answer arrives after the pause anyway), a fast one when the user has
    really paused. The caller gives the time, in seconds of any monotonic clock.
    """

    def __init__(self, minimum: float, maximum: float) -> None:
        """Bounds of the wait, in seconds; where `maximum` is the smaller one, it wins."""
        self._minimum = min(minimum, maximum)
        self._maximum = maximum
        self._last: float | None = None
        self._intervals: deque[float] = deque(maxlen=_INTERVALS)
        self._responses: deque[float] = deque(maxlen=_RESPONSES)

    def wait(self, context: CursorContext, now: float) -> float:
        """Note a keystroke at `now`; returns the seconds to wait before the model is asked.

        Nothing when the user invoked it or has just begun a line: what follows is not going to be guessed
        from one more character. The minimum after a character such as ``.`` or ``(``.
        """
        if self._last is not None and 0 <= now - self._last <= _LONGEST_INTERVAL:
            self._intervals.append(now - self._last)
        self._last = now
        line = context.line_prefix
        if context.invoked or not line.strip():
            return 0.0
        trigger = not (line[-1].isalnum() or line[-1] == "_")
        at_end = not context.line_suffix.strip()
        if trigger and at_end:
            return self._minimum
        score = 0.5 * trigger + 0.4 * at_end + 0.1 * (not context.suffix.strip())
        rate = _RATE_PATIENT - (_RATE_PATIENT - _RATE_EAGER) * score
        wanted = rate * self._interval() - self._response()
        return min(max(wanted, self._minimum), self._maximum)

    def answered(self, seconds: float) -> None:
        """Note how long the model took to the first line of an answer."""
        self._responses.append(seconds)

    def _interval(self) -> float:
        if len(self._intervals) < _MIN_SAMPLES:
            return _FIRST_GUESS
        return sum(self._intervals) / len(self._intervals)

    def _response(self) -> float:
        return sum(self._responses) / len(self._responses) if self._responses else 0.0

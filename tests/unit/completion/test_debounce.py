"""The debounce: time is given, so nothing here waits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ide_agent.features.completion.cursor import CursorContext
from ide_agent.features.completion.debounce import Debounce

MINIMUM, MAXIMUM = 0.02, 0.4


def at(before: str, after: str = "\n") -> CursorContext:
    return CursorContext("file:///a.py", "a.py", "python", 1, before, 0, after, before.count("\n"))


def typed(interval: float, *, strokes: int = 20) -> tuple[Debounce, float]:
    """A debounce that has seen somebody type steadily, and the time of the last stroke."""
    debounce = Debounce(MINIMUM, MAXIMUM)
    for stroke in range(strokes):
        debounce.wait(at("x"), stroke * interval)
    return debounce, (strokes - 1) * interval


def test_a_fast_typist_is_asked_about_sooner_than_a_slow_one() -> None:
    fast, fast_now = typed(0.06)
    slow, slow_now = typed(0.2)
    assert fast.wait(at("valu"), fast_now + 0.06) < slow.wait(at("valu"), slow_now + 0.2)


def test_in_the_middle_of_a_line_it_waits_longer_than_at_its_end() -> None:
    debounce, now = typed(0.1)
    at_end = debounce.wait(at("valu"), now + 0.1)
    in_the_middle = debounce.wait(at("valu", " + other\n"), now + 0.2)
    assert at_end < in_the_middle


def test_a_slow_model_is_asked_earlier() -> None:
    debounce, now = typed(0.1)
    before = debounce.wait(at("valu"), now + 0.1)
    for _ in range(30):
        debounce.answered(0.1)
    assert debounce.wait(at("valu"), now + 0.2) == pytest.approx(before - 0.1)
    for _ in range(30):
        debounce.answered(5.0)
    assert debounce.wait(at("valu"), now + 0.3) == MINIMUM


@pytest.mark.parametrize("line", ["", "def f():\n", "def f():\n    ", "\t"])
def test_a_new_line_fires_at_once(line: str) -> None:
    debounce, now = typed(0.2)
    assert debounce.wait(at(line), now + 0.2) == 0.0


def test_invoked_fires_at_once() -> None:
    debounce, now = typed(0.2)
    assert debounce.wait(replace(at("valu"), invoked=True), now + 0.2) == 0.0


@pytest.mark.parametrize("line", ["os.", "f(", "x = ", "return "])
def test_a_trigger_character_waits_the_minimum(line: str) -> None:
    debounce, now = typed(0.2)
    assert debounce.wait(at(line), now + 0.2) == MINIMUM


def test_a_pause_for_thought_is_not_a_typing_interval() -> None:
    debounce, now = typed(0.1)
    expected = debounce.wait(at("valu"), now + 0.1)
    assert debounce.wait(at("valu"), now + 60.0) == pytest.approx(expected)


def test_a_clock_that_goes_back_does_no_harm() -> None:
    debounce, now = typed(0.1)
    expected = debounce.wait(at("valu"), now + 0.1)
    assert debounce.wait(at("valu"), now - 10.0) == pytest.approx(expected)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    minimum=st.floats(0, 2),
    maximum=st.floats(0, 5),
    strokes=st.lists(
        st.tuples(st.floats(0, 10), st.sampled_from(["x", "x.", "", "é"]), st.sampled_from(["", ")\n", " y"]))
    ),
    answers=st.lists(st.floats(0, 10)),
)
def test_the_wait_stays_within_its_bounds(
    minimum: float, maximum: float, strokes: list[tuple[float, str, str]], answers: list[float]
) -> None:
    debounce = Debounce(minimum, maximum)
    now = 0.0
    for answer in answers:
        debounce.answered(answer)
    for gap, before, after in strokes:
        now += gap
        wait = debounce.wait(at(before, after), now)
        assert wait <= maximum
        assert wait >= min(minimum, maximum) or not before

"""Percent, speed and remaining time."""

from __future__ import annotations

import pytest

from ide_agent.features.hub.progress import Progress, Speedometer, begun


@pytest.mark.parametrize(
    ("done", "total", "percent"), [(0, 0, None), (0, 9, 0), (1, 3, 33), (3, 3, 100), (7, 3, 100)]
)
def test_percent(done: int, total: int, percent: int | None) -> None:
    assert Progress("download", done, total).percent == percent


def test_what_lies_here_counts_until_the_download_tells() -> None:
    told: list[Progress] = []
    report = begun(told.append, 49, 100)
    for progress in (Progress("resolve"), Progress("slow"), Progress("download", 0, 100)):
        report(progress)
    assert [(each.phase, each.percent) for each in told] == [
        *(("resolve", 49), ("resolve", 49), ("slow", 49), ("download", 0)),
    ]
    told.clear()
    begun(told.append, 0, 100)(Progress("resolve"))
    assert told == [Progress("resolve")]


def test_speed_and_remaining_time() -> None:
    meter = Speedometer()
    assert meter.measure("download", 0, 1000, 10.0).speed is None
    report = meter.measure("download", 200, 1000, 12.0)
    assert (report.speed, report.eta) == (100.0, 8.0)


def test_what_an_earlier_pull_left_does_not_count_as_speed() -> None:
    meter = Speedometer()
    assert meter.measure("download", 900, 1000, 0.0).speed is None
    assert meter.measure("download", 910, 1000, 1.0).speed == 10.0


def test_only_the_last_seconds_count() -> None:
    meter = Speedometer()
    for second in range(60):
        meter.measure("download", second, 10_000, float(second))
    for second in range(60, 70):
        last = meter.measure("download", 60 + (second - 59) * 100, 10_000, float(second))
    assert last.speed == 100.0


def test_a_new_connection_starts_anew() -> None:
    meter = Speedometer()
    meter.measure("download", 0, 1000, 0.0)
    meter.measure("download", 500, 1000, 1.0)
    meter.reset()
    assert meter.measure("download", 500, 1000, 100.0).speed is None
    assert meter.measure("download", 600, 1000, 101.0).speed == 100.0


def test_standing_still_has_neither_speed_nor_end() -> None:
    meter = Speedometer()
    meter.measure("download", 5, 10, 0.0)
    report = meter.measure("download", 5, 10, 3.0)
    assert (report.speed, report.eta) == (None, None)


def test_an_unknown_total_has_no_end() -> None:
    meter = Speedometer()
    meter.measure("download", 0, 0, 0.0)
    report = meter.measure("download", 50, 0, 1.0)
    assert (report.speed, report.eta) == (50.0, None)


def test_on_the_wire() -> None:
    wire = Progress("download", 1, 4, 2.0, 1.5).as_wire()
    assert wire == {"phase": "download", "done": 1, "total": 4, "speed": 2.0, "eta": 1.5}

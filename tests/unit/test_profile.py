"""The profile that `tests/conftest.py` loads."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def test_slow_examples_are_no_failures() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check
    assert settings().print_blob

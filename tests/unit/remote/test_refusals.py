from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from ide_agent.inference.remote.refusals import reason_in, retry_after


@pytest.mark.parametrize(
    ("value", "seconds"), [("3", 3.0), ("0.5", 0.5), ("-1", 0.0), ("", None), ("soon", None), ("nan", None)]
)
def test_how_long_to_wait(value: str, seconds: float | None) -> None:
    assert retry_after(value) == seconds


def test_a_date_to_wait_for() -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    assert 3500 < (retry_after(format_datetime(later)) or 0) <= 3600
    assert retry_after("Wed, 21 Oct 2015 07:28:00 -0000") == 0.0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error": {"message": "no such thing."}}', "no such thing"),
        (b'{"error": "plain"}', "plain"),
        (b'{"message": "other"}', "other"),
        (b'{"error": {"code": "c"}}', "c"),
        (b"<html>", ""),
        (b"[]", ""),
        (b'{"error": 3}', ""),
        (b'{"error": {"message": "your key abc is bad"}}', "your key … is bad"),
    ],
)
def test_reasons(body: bytes, reason: str) -> None:
    assert reason_in(body, "abc") == reason


def test_reasons_are_short_and_have_no_secrets() -> None:
    token = "ghp_" + "a1B2c3D4e5F6" * 3
    assert token not in reason_in({"error": f"what is {token}"}, "")
    assert len(reason_in({"error": "x" * 9999}, "")) == 300


@pytest.mark.parametrize("value", ["Mon, 01 Jan 0001 00:00:00 +2359", "1e999", "nan", "", "x", "9" * 5000])
def test_hostile_dates_say_nothing(value: str) -> None:
    assert retry_after(value) in (None, 0.0)

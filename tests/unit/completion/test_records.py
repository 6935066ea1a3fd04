from datetime import UTC, datetime, timedelta, timezone

from ide_agent.features.completion.records import row
from ide_agent.features.completion.wire import CompletionEventBody

HERE = timezone(timedelta(hours=3))


def event(**more: object) -> CompletionEventBody:
    values = {"completion_id": "c", "kind": "shown", "at": datetime(2026, 1, 1, 12, tzinfo=HERE)} | more
    return CompletionEventBody.model_validate(values)


def test_secrets_are_taken_out_and_paths_are_hashed() -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
    stored = row(event(text=f'token = "{secret}"', kept_text=f'token = "{secret}"', path="secret/plans.py"))
    assert secret not in stored.text
    assert secret not in (stored.kept_text or "")
    assert "plans" not in stored.path_hash
    assert stored.path_hash


def test_times_are_in_utc_and_lines_are_counted() -> None:
    stored = row(event(text="a\nb\nc"))
    assert stored.at == datetime(2026, 1, 1, 9, tzinfo=UTC)
    assert stored.lines == 3


def test_what_is_not_there_is_empty() -> None:
    stored = row(event())
    assert (stored.path_hash, stored.text, stored.kept_text, stored.lines) == ("", "", None, 0)

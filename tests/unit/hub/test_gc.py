"""Keeping the models folder within the user's limits."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ide_agent.config import HubSettings
from ide_agent.errors import DownloadError
from ide_agent.features.hub import gc
from ide_agent.features.hub.service import Hub
from ide_agent.inference.models import USED, note_use
from support import gguf_file

_DAY = 86_400
_MB = 1_000_000


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setattr(gc, "_GB", 10 * _MB)
    return Hub(tmp_path / "models", entries={})


def put(hub: Hub, name: str, *, days: float, size: int = 4 * _MB) -> Path:
    """A model that was used so many days ago."""
    folder = hub.folder / name
    folder.mkdir(parents=True)
    content = gguf_file.file(gguf_file.llama())
    (folder / "m.gguf").write_bytes(content + bytes(size - len(content)))
    (folder / USED).touch()
    then = time.time() - days * _DAY
    os.utime(folder / USED, (then, then))
    return folder


def due(hub: Hub, *, quota: int = 0, days: int = 0, active: tuple[str, ...] = (), **more: int) -> list[str]:
    settings = HubSettings(disk_quota_gb=quota, keep_days=days)
    return [each.name for each in gc.due(hub, settings, active, **more)]  # type: ignore[arg-type]


def test_without_limits_nothing_goes(hub: Hub) -> None:
    put(hub, "a", days=999)
    assert due(hub) == []


def test_the_longest_unused_go_until_the_quota_is_kept(hub: Hub) -> None:
    for days, name in enumerate(("new", "old", "older", "oldest")):
        put(hub, name, days=days)
    assert due(hub, quota=2) == []  # 16 of 20 MB
    assert due(hub, quota=1) == ["oldest", "older"]
    assert due(hub, quota=2, need=5 * _MB) == ["oldest"]


def test_nothing_goes_for_a_model_that_cannot_come(hub: Hub) -> None:
    put(hub, "active", days=9)
    put(hub, "other", days=8)
    for need in (11 * _MB, 7 * _MB):
        with pytest.raises(DownloadError, match=r"has no room .*disk_quota_gb = 1"):
            due(hub, quota=1, need=need, active=("active",))


def test_what_was_not_used_for_long_goes(hub: Hub) -> None:
    put(hub, "a", days=31)
    put(hub, "b", days=29)
    assert due(hub, days=30) == ["a"]


def test_what_is_active_pulled_or_elsewhere_stays(hub: Hub, tmp_path: Path) -> None:
    for name in ("active", "pulled", "free"):
        put(hub, name, days=50)
    elsewhere = put(Hub(tmp_path / "other", entries={}), "linked", days=60)
    (hub.folder / "linked").symlink_to(elsewhere)
    hub.drafts.folder.mkdir()
    with hub.drafts.lock("pulled"):
        assert due(hub, days=30, quota=1, active=("active/m",)) == ["free"]
    assert elsewhere.exists()


def test_removed_is_removed_with_all_its_notes(hub: Hub) -> None:
    folder = put(hub, "a", days=50)
    chosen = gc.due(hub, HubSettings(keep_days=30), ())
    assert [each.as_wire()["bytes"] for each in gc.remove(hub, chosen)] == [4 * _MB]
    assert not folder.exists()
    assert gc.remove(hub, chosen) == []  # it has gone already


def test_without_a_note_the_time_of_the_files_counts(hub: Hub) -> None:
    folder = put(hub, "a", days=50)
    (folder / USED).unlink()
    assert due(hub, days=30) == []
    then = time.time() - 31 * _DAY
    os.utime(folder / "m.gguf", (then, then))
    assert due(hub, days=30) == ["a"]


def test_a_use_is_put_down(hub: Hub) -> None:
    put(hub, "a", days=50)
    note_use(hub.find("a"))
    assert due(hub, days=30) == []

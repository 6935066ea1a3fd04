"""What the rooms on the editor's side have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.fake_host import FakeHost


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing touches the real home."""
    folder = tmp_path / "home"
    monkeypatch.setenv("IDE_AGENT_HOME", str(folder))
    return folder


@pytest.fixture
async def host() -> AsyncIterator[FakeHost]:
    """A host that answers as the test says; it listens once somebody needs it."""
    fake = FakeHost()
    yield fake
    await fake.aclose()


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of pytest-xdist have a width that nobody asked for."""
    monkeypatch.delenv("COLUMNS", raising=False)

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.host_process import clean_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home without models; what this test started is ended with it."""
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.setenv("IDE_AGENT_MODELS", str(tmp_path / "models"))
    with clean_home(tmp_path):
        yield tmp_path

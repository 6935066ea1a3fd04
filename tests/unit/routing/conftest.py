"""A host's services with rules of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

import ide_agent.inference
from ide_agent.config import Settings
from ide_agent.host.services import Services
from ide_agent.paths import routes_file
from support.fake_inference import FakeInference


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.setenv("IDE_AGENT_MODELS", str(tmp_path / "models"))
    for name in ("starter", "coder"):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "m.gguf").write_bytes(b"GGUF")
    return tmp_path


@pytest.fixture
def file(home: Path) -> Path:
    """The user's rules; none yet."""
    routes_file().parent.mkdir(parents=True, exist_ok=True)
    return routes_file()


@pytest.fixture
def services(home: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setattr(ide_agent.inference, "Inference", FakeInference, raising=False)
    return Services(Settings(), [])

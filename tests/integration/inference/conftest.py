from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from ide_agent.config import InferenceSettings
from ide_agent.inference import backends, supervisor
from ide_agent.inference.circuit import Circuit
from ide_agent.inference.models import ModelStore
from ide_agent.inference.service import Inference
from support import gguf_file
from support.fake_engine import FakeBackend


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A models folder with one tiny model, ``tiny``."""
    folder = tmp_path / "models"
    (folder / "tiny").mkdir(parents=True)
    (folder / "tiny" / "tiny.gguf").write_bytes(gguf_file.file(gguf_file.llama()))
    return folder


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeBackend:
    """The only engine there is."""
    fake = FakeBackend(tmp_path / "starts")
    monkeypatch.setattr(backends, "BACKENDS", (fake,))
    return fake


@pytest.fixture
def told() -> list[dict[str, Any]]:
    """What was published."""
    return []


@pytest.fixture
async def inference(
    models: Path, backend: FakeBackend, told: list[dict[str, Any]]
) -> AsyncGenerator[Inference, None]:
    room = Inference(InferenceSettings(), ModelStore(models), told.append)
    yield room
    await room.close()


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that died is started again at once."""
    monkeypatch.setattr(Circuit, "delay", lambda self: 0.0)
    # nor any hurry: a dead process may be noticed late on a busy machine
    monkeypatch.setattr(supervisor, "_DYING_SECONDS", 60.0)

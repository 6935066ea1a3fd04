from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

import ide_agent.inference
from ide_agent.config import Settings
from ide_agent.hooks import Plugins
from ide_agent.host import app as app_module
from ide_agent.host.services import Services
from support.fake_inference import FakeEngine, FakeInference
from support.served_host import served

TOKEN = "test-token"


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Plugins:
    """Plugins of the test's own; none yet."""
    found = Plugins()
    monkeypatch.setattr(app_module, "plugins", lambda: found)
    return found


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plugins: Plugins) -> Services:
    """Services with no feature and a scripted engine room."""
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.setenv("IDE_AGENT_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(ide_agent.inference, "Inference", FakeInference, raising=False)
    return Services(Settings(), [])


@pytest.fixture
def host_of(services: Services) -> Callable[[], AbstractAsyncContextManager[httpx.AsyncClient]]:
    """Serves the host once the test has set it up."""
    return lambda: served(services, TOKEN)


@pytest.fixture
async def host(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """The host, served from the start."""
    async with served(services, TOKEN) as client:
        yield client


@pytest.fixture
def engine(services: Services) -> FakeEngine:
    """The scripted engine behind `services`."""
    return FakeInference.current.engine_

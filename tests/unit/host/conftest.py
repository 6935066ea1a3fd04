import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

import ide_agent.inference
from ide_agent.config import Settings
from ide_agent.hooks import Plugins
from ide_agent.host import app as app_module
from ide_agent.host.app import create_app
from ide_agent.host.services import Services
from support.fake_inference import FakeEngine, FakeInference

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


@asynccontextmanager
async def serving(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app, served for real so that streams and disconnects are real too."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(services, TOKEN),
            log_config=None,
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=1,
        )
    )
    serves = asyncio.create_task(server._serve([listener]))  # without its signal handlers
    while not server.started:
        assert not serves.done()
        await asyncio.sleep(0.005)
    port = listener.getsockname()[1]
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30
    ) as client:
        yield client
    services.events.close()
    server.should_exit = True
    await serves


@pytest.fixture
def host_of(services: Services) -> Callable[[], AbstractAsyncContextManager[httpx.AsyncClient]]:
    """Serves the host once the test has set it up."""
    return lambda: serving(services)


@pytest.fixture
async def host(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """The host, served from the start."""
    async with serving(services) as client:
        yield client


@pytest.fixture
def engine(services: Services) -> FakeEngine:
    """The scripted engine behind `services`."""
    return FakeInference.current.engine_

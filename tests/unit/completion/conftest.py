from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ide_agent.editor.server import EditorServer
from support.fake_host import FakeHost
from support.voice import Voice


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing touches the real home."""
    folder = tmp_path / "home"
    monkeypatch.setenv("IDE_AGENT_HOME", str(folder))
    return folder


@pytest.fixture
async def host() -> AsyncIterator[FakeHost]:
    """A host that answers as the test says."""
    fake = FakeHost()
    yield fake
    await fake.aclose()


@pytest.fixture
async def voice(host: FakeHost) -> Voice:
    """Its model."""
    return Voice(host)


@pytest.fixture
async def server(home: Path, host: FakeHost, voice: Voice) -> EditorServer:
    """A server with the built-in features, which uses `host`."""
    address = await host.start()
    return EditorServer(lambda timeout: address)

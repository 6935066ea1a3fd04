from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from ide_agent.editor import server as server_module
from ide_agent.editor import settings as settings_module
from ide_agent.editor.server import EditorServer
from ide_agent.hooks import Plugins
from support.editor import PATIENCE
from support.fake_host import Address, FakeHost


@pytest.fixture(autouse=True)
def patience(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow test is no silent client; and no test touches the real home."""
    monkeypatch.setattr(settings_module, "_ANSWER_SECONDS", PATIENCE)


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Plugins:
    """A plugin manager of the test's own, with no plugin."""
    manager = Plugins()
    monkeypatch.setattr(server_module, "plugins", lambda: manager)
    return manager


@pytest.fixture
def make_server(plugins: Plugins, host: FakeHost) -> Callable[[], EditorServer]:
    """Servers without features that use `host`."""
    addresses: list[Address] = []

    def make() -> EditorServer:
        loop = asyncio.get_running_loop()

        async def start() -> Address:
            if not host.listening:
                addresses.append(await host.start())
            return addresses[-1]

        return EditorServer(lambda timeout: asyncio.run_coroutine_threadsafe(start(), loop).result(timeout))

    return make


@pytest.fixture
async def server(make_server: Callable[[], EditorServer]) -> EditorServer:
    """One of them."""
    return make_server()

"""The host in the test's process, served for real, so that streams and disconnects are real too."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn

from ide_agent.host.app import create_app
from ide_agent.host.services import Services


class _Server(uvicorn.Server):
    """Leaves when it is told to; uvicorn looks only ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.leave = asyncio.Event()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.leave.wait()


@asynccontextmanager
async def served(services: Services, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the host that `services` make."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    app = create_app(services, token)
    server = _Server(
        uvicorn.Config(app, log_config=None, ws="none", lifespan="on", timeout_graceful_shutdown=1)
    )
    serves = asyncio.create_task(server._serve([listener]))  # without its signal handlers
    while not server.started:
        assert not serves.done()
        await asyncio.sleep(0.005)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # to load certificates takes longer than a test
    ) as client:
        try:
            yield client
        finally:
            services.events.close()
            await services.panels.close()
            server.leave.set()
            await serves

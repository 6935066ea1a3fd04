"""A plugin for the host that is measured: how long it waits for the first line of the engine.

Loaded by an entry point in `entry`, which stands on the host's path while `make bench` runs.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ide_agent.hooks import GROUP, hookimpl

if TYPE_CHECKING:
    from ide_agent.host.services import Services


def entry(folder: Path) -> None:
    """Make `folder` one that announces this plugin when it stands on the path."""
    info = folder / "ide_agent_bench-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ide-agent-bench\nVersion: 0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nbench = tests.bench.tap\n")


@hookimpl
def register_host(services: Services) -> None:
    """Add ``GET /bench``: the milliseconds of the last completion, or null."""
    from ide_agent.inference.client import EngineClient

    plain = EngineClient.stream
    last: dict[str, float | None] = {"engine_ms": None}

    async def stream(
        self: EngineClient, path: str, payload: dict[str, Any]
    ) -> AsyncGenerator[dict[str, Any]]:
        text, began, wanted = "", time.perf_counter(), path == "/completion" and payload["n_predict"] != 0
        if wanted:
            last["engine_ms"] = None
        async with aclosing(plain(self, path, payload)) as events:
            async for event in events:
                text += event.get("content") or ""
                if wanted and ("\n" in text.lstrip() or event.get("stop")):
                    last["engine_ms"], wanted = (time.perf_counter() - began) * 1000, False
                yield event

    EngineClient.stream = stream  # type: ignore[method-assign]

    @services.app.get("/bench")
    def bench() -> dict[str, float | None]:
        return last

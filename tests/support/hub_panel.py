"""Looking at the panel of models, and pressing its buttons."""

from __future__ import annotations

import asyncio
from typing import Any

from ide_agent.features.hub.service import Hub
from ide_agent.panels import Panel, PanelEvent
from ide_agent.panels.blocks import TableBlock
from support import gguf_file


def block(panel: Panel, id: str) -> Any:
    return next((block for block in panel.state.blocks if block.id == id), None)


def rows(panel: Panel, table: str) -> list[str]:
    found = block(panel, table)
    assert isinstance(found, TableBlock)
    return [row.id for row in found.rows]


async def until(condition: Any) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


async def press(panel: Panel, action: str, name: str = "tiny") -> str:
    return await panel.act(PanelEvent(action=action, args={"name": name}))


def put(hub: Hub, name: str) -> None:
    (hub.folder / name).mkdir(parents=True)
    (hub.folder / name / "m.gguf").write_bytes(gguf_file.file(gguf_file.llama()))

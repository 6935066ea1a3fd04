"""The starter model, for tests of the real thing."""

import asyncio
from pathlib import Path

from ide_agent.inference.models import ModelFile, ModelStore
from ide_agent.paths import models_dir


def starter_model() -> ModelFile:
    """The starter model out of the models folder (``IDE_AGENT_MODELS``), pulled into it when missing."""
    folder = models_dir()
    if not any((folder / "starter").glob("*.gguf")):
        asyncio.run(_pull(folder))
    return ModelStore(folder).find("starter")


async def _pull(folder: Path) -> None:
    from ide_agent.features.hub.service import Hub

    await Hub(folder).pull("starter")

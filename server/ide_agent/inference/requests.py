"""Requests as an engine may be given them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from typing import Any

from ide_agent.errors import ModelError
from ide_agent.inference import pictures
from ide_agent.inference.beside import Beside
from ide_agent.inference.models import ModelFile
from ide_agent.inference.supervisor import Running


async def checked(path: str, payload: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """`payload` as an engine may be given it, and how many pictures it has.

    Raises:
        PictureError: a picture in it cannot be used.
        ValueError: it has several prompts.
    """
    _check_prompt(path, payload)
    if "messages" not in payload:
        return pictures.checked(path, payload)[0], 0
    payload, found = await asyncio.to_thread(pictures.checked, path, payload)  # pictures take a while
    return payload, found.count


def _check_prompt(path: str, payload: dict[str, Any]) -> None:
    """Several strings would be several prompts to llama-server, their answers mixed into one stream."""
    prompt = payload.get("prompt")
    parts = prompt if path == "/completion" and isinstance(prompt, list) else []
    if len(parts) > 1 and not any(isinstance(part, int) for part in parts):
        raise ValueError("a prompt of several strings: join them, or send token ids")


def check_eyes(model: ModelFile, beside: Beside, running: Running) -> None:
    """Whether pictures can be shown to a model.

    Raises:
        ModelError: it sees none, and why.
    """
    if running.lost is not None:
        raise ModelError("error.model.blinded", name=model.name, reason=running.lost)
    able = beside.projector is None or running.backend.projectors
    if not (beside.sees and able):
        raise ModelError("error.model.no_eyes", name=model.name)


def addressed(
    model: ModelFile, running: Running, payload: dict[str, Any], adapters: Collection[str]
) -> dict[str, Any]:
    """Servers of others know the model by its folder, its adapters by their names, and insist on that."""
    if running.backend.dialect == "llama" or payload.get("model") in adapters:
        return payload
    return {**payload, "model": os.fspath(model.file.parent)}

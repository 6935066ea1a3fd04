"""Which models can be asked a question, and which one is when nobody says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_WRITING = ("text", "image", "multi")


def writers(models: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of those models of `listing.described` that write text and can run here."""
    return [each["name"] for each in models if _writes(each)]


def preferred(models: Iterable[Mapping[str, Any]], default: str, latest: str) -> str:
    """Who is to answer of the `models` (see `writers`): one that holds conversations, if there is any.

    The one that somebody activated last goes first, then the default one; empty where none can be asked.

    Args:
        models: those that are here, as `listing.described` tells.
        default: name of the default one.
        latest: name of the one that was activated last, and is active still.
    """
    able = [each for each in models if _writes(each)]
    chatting = [each["name"] for each in able if each["chat"]]
    names = chatting or [each["name"] for each in able]
    return next((name for name in (latest, default) if name in names), names[0] if names else "")


def _writes(model: Mapping[str, Any]) -> bool:
    return bool(model["kind"] in _WRITING and model["engine"] and not model.get("problem"))

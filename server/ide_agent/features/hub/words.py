"""Progress and sizes in words. Light: the lsp process uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ide_agent.locale import translate

_MB = 1_000_000


def describe(event: Mapping[str, Any], language: str) -> str:
    """One line for a progress event, e.g. ``downloading 12.3 / 92.9 MB, 4.1 MB/s, 0:20 left``."""
    parts = [translate(f"hub.phase.{event.get('phase', '')}", language)]
    done, total = event.get("done") or 0, event.get("total") or 0
    if total:
        parts[0] += f" {number(done / _MB, language)} / {size(total, language)}"
    elif done:
        parts[0] += f" {size(done, language)}"
    if speed := event.get("speed"):
        parts.append(f"{number(speed / _MB, language)} MB/s")
    if (eta := event.get("eta")) is not None:
        minutes, seconds = divmod(round(eta), 60)
        parts.append(translate("hub.phase.left", language, time=f"{minutes}:{seconds:02}"))
    return ", ".join(parts)


def percent(event: Mapping[str, Any]) -> float | None:
    """0 to 100 while the total is known."""
    total = event.get("total") or 0
    return min(100.0, 100.0 * (event.get("done") or 0) / total) if total else None


def size(count: int, language: str) -> str:
    """`count` bytes in megabytes."""
    return f"{number(count / _MB, language)} MB"


def number(value: float, language: str) -> str:
    """One digit after the point, or after the comma where that is the custom."""
    text = f"{value:.1f}"
    return text.replace(".", ",") if language == "tr" else text

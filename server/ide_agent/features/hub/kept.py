"""The names of the models that somebody activated, kept for the next start of the host."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from ide_agent.paths import state_dir


def names() -> list[str]:
    """Those that were activated and not deactivated since."""
    try:
        found = json.loads(_file().read_bytes())
    except (OSError, ValueError):
        return []
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def add(name: str) -> None:
    """Model `name` was activated."""
    known = names()
    if name not in known:
        _write([*known, name])


def forget(name: str) -> None:
    """Model `name` was deactivated or removed; that of a folder means all models in it."""
    known = names()
    stay = [each for each in known if each != name and not each.startswith(f"{name}/")]
    if stay != known:
        _write(stay)


def _write(known: list[str]) -> None:
    file = _file()
    draft = file.with_name(f"{file.name}.new")
    with suppress(OSError):  # a full disk; then it is forgotten with the host
        draft.write_text(json.dumps(known), encoding="utf-8")
        draft.replace(file)


def _file() -> Path:
    return state_dir() / "active-models.json"

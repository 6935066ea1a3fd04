"""The names of the models that somebody activated, kept for the next start of the host.

Beside them those that are being loaded because of that: where one ends the host, the next host must not try
it again by itself. And the downloads that run in a host: the next one goes on with those that it took with
it, not with those that somebody stopped.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from ide_agent.paths import state_dir


def names() -> list[str]:
    """Those that were activated and not deactivated since."""
    return _read(_file())


def add(name: str) -> None:
    """Model `name` was activated."""
    known = names()
    if name not in known:
        _write(_file(), [*known, name])


def tried() -> list[str]:
    """Those with which `begin` was called and `end` was not."""
    return _read(_tried())


def begin(name: str) -> None:
    """Model `name` is about to be loaded though nobody is there."""
    _write(_tried(), [*(each for each in tried() if each != name), name])


def end(name: str) -> None:
    """Loading model `name` has ended, well or not, and the host has not."""
    if name in (known := tried()):
        _write(_tried(), [each for each in known if each != name])


def pulling() -> list[str]:
    """Those with which `pull_begins` was called and `pull_ends` was not."""
    return _read(_pulling())


def pull_begins(name: str) -> None:
    """A download of model `name` runs in this host."""
    if name not in (known := pulling()):
        _write(_pulling(), [*known, name])


def pull_ends(name: str) -> None:
    """It has ended, well or not, or somebody stopped it."""
    if name in (known := pulling()):
        _write(_pulling(), [each for each in known if each != name])


def forget(name: str) -> None:
    """Model `name` was deactivated; that of a folder means all models in it."""
    for file in (_file(), _tried()):
        known = _read(file)
        stay = [each for each in known if each != name and not each.startswith(f"{name}/")]
        if stay != known:
            _write(file, stay)


def drop(name: str) -> None:
    """Model `name` was removed, or what had arrived of it: nothing of it comes back by itself."""
    forget(name)
    pull_ends(name)


def _read(file: Path) -> list[str]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return []
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def _write(file: Path, known: list[str]) -> None:
    draft = file.with_name(f"{file.name}.new")
    with suppress(OSError):  # a full disk; then it is forgotten with the host
        draft.write_text(json.dumps(known), encoding="utf-8")
        draft.replace(file)


def _file() -> Path:
    return state_dir() / "active-models.json"


def _tried() -> Path:
    return state_dir() / "activating-models.json"


def _pulling() -> Path:
    return state_dir() / "pulling-models.json"

"""The names of the models that somebody activated, kept for the next start of the host.

Beside them those that are being loaded because of that: where one ends the host, the next host must not try
it again by itself. And the downloads that run in a host: the next one goes on with those that it took with
it, not with those that somebody stopped. The host and the shell may both change these files, one at a time:
a thread waits for that, and writes in the order in which it was told. Who reads waits for the thread, and so
does the end of the process.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from filelock import FileLock

from ide_agent.paths import state_dir

log = logging.getLogger(__name__)
_LOCK_SECONDS = 5.0  # it is held for a moment
_writer = ThreadPoolExecutor(1, "kept-models")


def settle() -> None:
    """Wait until all that was told is written. As all that reads here: not for an event loop."""
    _writer.submit(lambda: None).result()


def names() -> list[str]:
    """Those that were activated and not deactivated since."""
    settle()
    return _names(_read(_file()))


def add(name: str) -> None:
    """Model `name` was activated."""
    _change(_file(), lambda known: list(dict.fromkeys([*_names(known), name])))


def tried() -> list[str]:
    """Those with which `begin` was called and `end` was not."""
    settle()
    return _names(_read(_tried()))


def begin(name: str) -> Future[None]:
    """Model `name` is about to be loaded though nobody is there; noted once what is returned is done."""
    return _change(_tried(), lambda known: [*(each for each in _names(known) if each != name), name])


def end(name: str) -> None:
    """Loading model `name` has ended, well or not, and the host has not."""
    _change(_tried(), lambda known: [each for each in _names(known) if each != name])


def pulling() -> list[str]:
    """Those with which `pull_begins` was called and `pull_ends` was not."""
    settle()
    return list(_notes(_read(_pulling())))


def pull_begins(name: str) -> None:
    """A download of model `name` runs in this host, which nothing speaks against."""
    _change(_pulling(), lambda known: {**_notes(known), name: {"hosts": 0, "bytes": 0}})


def pull_resumes(name: str, arrived: int) -> Future[int]:
    """A host goes on with that of model `name`, of which `arrived` bytes lie here.

    Returns:
        how many hosts have done so since any of it arrived, or since `pull_begins`; this one counts.
    """
    file, hosts = _pulling(), 1

    def count(known: Any) -> dict[str, Any]:
        nonlocal hosts
        notes = _notes(known)
        note = notes.get(name, {})
        hosts = 1 if arrived > note.get("bytes", 0) else note.get("hosts", 0) + 1
        return {**notes, name: {"hosts": hosts, "bytes": arrived}}

    def counted() -> int:
        _change_now(file, count)
        return hosts

    return _writer.submit(counted)


def pull_ends(name: str) -> None:
    """It has ended, well or not, or somebody stopped it."""
    _change(_pulling(), lambda known: {each: note for each, note in _notes(known).items() if each != name})


def forget(name: str) -> None:
    """Model `name` was deactivated; that of a folder means all models in it."""
    for file in (_file(), _tried()):
        _change(
            file,
            lambda known: [
                each for each in _names(known) if each != name and not each.startswith(f"{name}/")
            ],
        )


def drop(name: str) -> None:
    """Model `name` was removed, or what had arrived of it: nothing of it comes back by itself."""
    forget(name)
    pull_ends(name)


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return []


def _names(found: Any) -> list[str]:
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def _notes(found: Any) -> dict[str, dict[str, int]]:
    """Of each download, by name, what `pull_resumes` counts."""
    if not isinstance(found, dict):
        return {name: {} for name in _names(found)}
    return {
        name: {key: value for key, value in note.items() if isinstance(value, int)}
        for name, note in found.items()
        if isinstance(note, dict)
    }


def _change(file: Path, change: Callable[[Any], Any]) -> Future[None]:
    """Make of what is noted what `change` says, soon."""
    return _writer.submit(_change_now, file, change)


def _change_now(file: Path, change: Callable[[Any], Any]) -> None:
    """The same, between what others make of it; may wait for them."""
    lock = FileLock(file.with_name("kept-models.lock"), timeout=_LOCK_SECONDS)
    try:
        with lock:
            known = _read(file)
            wanted = change(known)
            if wanted == known or not (wanted or known):
                return
            draft = file.with_name(f"{file.name}.new")
            draft.write_text(json.dumps(wanted), encoding="utf-8")
            draft.replace(file)
    except OSError as failure:  # a full disk, or another process that holds the lock
        why = failure.strerror or type(failure).__name__
        log.warning("%s was not changed, and the next host goes by what it says: %s", file.name, why)


def _file() -> Path:
    return state_dir() / "active-models.json"


def _tried() -> Path:
    return state_dir() / "activating-models.json"


def _pulling() -> Path:
    return state_dir() / "pulling-models.json"

"""Keeping the models folder within the user's limits: the longest unused models go first.

A model is used when an engine loads it or lets it go; `note_use` puts that down as the time of the file
``.used`` beside it. Where there is none, the time of its own files counts. Never removed are models in
memory, models that are being pulled, and links to models elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ide_agent.config import HubSettings
from ide_agent.errors import DownloadError, ModelError
from ide_agent.inference.models import USED

if TYPE_CHECKING:
    from ide_agent.features.hub.service import Hub

_MB, _GB = 1_000_000, 1_000_000_000
_DAY = 86_400.0


@dataclass(frozen=True)
class Held:
    """A model folder.

    Attributes:
        name: the folder's.
        bytes: what removing it frees.
        used: when it was used last, seconds since the epoch.
    """

    name: str
    bytes: int
    used: float

    def as_wire(self) -> dict[str, Any]:
        """As `POST /models/gc` answers it."""
        return {"name": self.name, "bytes": self.bytes, "used": self.used}


def due(
    hub: Hub, settings: HubSettings, active: Collection[str], *, need: int = 0, keep: str = ""
) -> list[Held]:
    """What has to go, the longest unused first.

    Args:
        hub: whose folder.
        settings: the limits.
        active: names of the models in memory.
        need: bytes that will come in addition.
        keep: a model that stays in any case; the one that will come.

    Raises:
        DownloadError: what will come has no room in the quota, whatever goes.
    """
    if not (settings.keep_days or settings.disk_quota_gb):
        return []
    held = sorted(_held(hub), key=lambda each: each.used)
    folders = {name.partition("/")[0] for name in active} | {keep}
    free = [each for each in held if each.name not in folders and not hub.drafts.is_locked(each.name)]
    oldest = time.time() - settings.keep_days * _DAY if settings.keep_days else 0.0
    chosen = [each for each in free if each.used < oldest]
    if settings.disk_quota_gb:
        over = sum(each.bytes for each in held) + need - settings.disk_quota_gb * _GB
        over -= sum(each.bytes for each in chosen)
        for each in free[len(chosen) :]:
            if over <= 0:
                break
            chosen.append(each)
            over -= each.bytes
        if need and over > 0:  # nothing goes for a model that cannot come
            need_mb = -(-need // _MB)
            raise DownloadError(
                "error.download.quota", name=keep, need_mb=need_mb, quota_gb=settings.disk_quota_gb
            )
    return chosen


def remove(hub: Hub, chosen: Iterable[Held]) -> list[Held]:
    """Remove them; those that could be."""
    gone = []
    for each in chosen:
        with suppress(ModelError):  # somebody has begun to pull it, or has removed it
            hub.remove(each.name)
            gone.append(each)
    return gone


def _held(hub: Hub) -> Iterable[Held]:
    for folder in {model.file.parent for model in hub.list()}:
        if folder.parent == hub.folder and not folder.is_symlink():
            with suppress(ModelError, OSError):
                yield Held(folder.name, hub.size(folder.name), _used(folder))


def _used(folder: Path) -> float:
    note = folder / USED
    if note.exists():
        return note.stat().st_mtime
    return max((file.stat().st_mtime for file in folder.iterdir()), default=0.0)

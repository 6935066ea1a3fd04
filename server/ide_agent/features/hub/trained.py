"""The adapters of a model: somebody trained them, so they stay when it is removed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ide_agent.features.hub.place import remove_empty
from ide_agent.inference.adapters import FOLDER


@dataclass(frozen=True)
class Trained:
    """The adapters of one model.

    Attributes:
        folder: in which they lie.
        count: how many.
        bytes: length of all their files.
    """

    folder: Path
    count: int
    bytes: int


def trained(home: Path) -> Trained | None:
    """Those in the folder `home` of a model; None where there is none, or somebody else keeps them."""
    folder = home / FOLDER
    if home.is_symlink() or folder.is_symlink() or not folder.is_dir():
        return None
    try:
        found = [each for each in folder.iterdir() if each.is_dir()]
        sizes = [file.lstat().st_size for file in folder.rglob("*") if file.is_file()]
    except OSError:  # they are being removed
        return None
    return Trained(folder, len(found), sum(sizes)) if found else None


def forget(own: Trained) -> None:
    """Delete them.

    Raises:
        OSError: the system does not let them go.
    """
    shutil.rmtree(own.folder)
    remove_empty(own.folder.parent)


def held(models: Path) -> int:
    """Bytes of all adapters below the folder `models`, also of models that were removed."""
    homes = [home for home in models.iterdir() if home.is_dir()] if models.is_dir() else []
    return sum(own.bytes for home in homes if (own := trained(home)) is not None)

"""Putting a model of several files together, and into its place in one step."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ide_agent.errors import ModelFileInvalid
from ide_agent.features.hub import manifest
from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.disk import sha256_of
from ide_agent.inference import read_header
from ide_agent.inference.folders import look, read_folder
from ide_agent.inference.models import matching
from ide_agent.inference.pooling import POOLING


def is_model(folder: Path) -> bool:
    """Whether a model, of whatever format, is in `folder`."""
    return bool(matching(folder, "*.gguf")) or bool(files_of(folder))


def files_of(folder: Path) -> list[Path]:
    """The files of the model that `folder` is; none where it holds files in GGUF, or no model."""
    try:
        found = look(folder)
    except OSError:
        return []
    return list(found.files) if found is not None else []


def require_model(folder: Path) -> None:
    """Raise `ModelFileInvalid` unless the files in `folder` make a model."""
    ggufs = sorted(folder.glob("*.gguf"))
    for file in ggufs:
        read_header(file)
    if ggufs:
        return
    found = look(folder)
    if found is None:
        raise ModelFileInvalid("error.model.no_model_folder", file=folder.name.partition("+")[0])
    read_folder(found.format, found.begins)


def reuse(entry: Entry, there: Path, whole: Path) -> None:
    """What of `entry` is right in folder `there` need not come again: a link to it goes into `whole`."""
    for item in entry.items:
        file = there / item.file
        if item.sha256 and file.is_file() and not (whole / item.file).exists():
            with suppress(OSError):  # another disk
                if file.stat().st_size == item.size and sha256_of(file) == item.sha256:
                    os.link(file.resolve(), whole / item.file)


def put(whole: Path, folder: Path) -> None:
    """Make `folder` hold what is in `whole`.

    Where there was nothing that is one step. Else what stood for the model goes first and comes last.
    The note of what there was stays as long as any of it, so that a pull after a kill knows what it finds.
    """
    if not folder.exists():
        whole.rename(folder)
        return
    now, before = manifest.read(whole), manifest.read(folder)
    new = [file.file for file in now.files] if now is not None else []
    old = [file.file for file in before.files] if before is not None else []
    gone = {*old, *new[:1]} - set(new[1:])
    for name in [*old[:1], *gone, manifest.NAME]:
        (folder / name).unlink(missing_ok=True)
    for name in [*reversed(new), manifest.NAME]:
        (folder / name).parent.mkdir(exist_ok=True)
        (whole / name).replace(folder / name)


def remove_empty(folder: Path) -> None:
    """Remove `folder` if it is a folder with nothing in it, or nothing but the empty one of `POOLING`."""
    below = (folder / POOLING).parent
    if below.is_dir() and not below.is_symlink() and not any(below.iterdir()):
        below.rmdir()
    if not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()

"""What is noted beside a model leads nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ide_agent.features.hub import manifest
from ide_agent.features.hub.service import Hub
from support import gguf_file

PULLED = "2026-01-01T00:00:00Z"


def note(folder: Path, *names: str) -> None:
    main, *more = ({"file": name, "sha256": "", "size": 1} for name in names)
    plain: dict[str, Any] = {**main, "source": "s", "pulled": PULLED, "more": more}
    (folder / manifest.NAME).write_text(json.dumps(plain))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "models" / "evil"
    home.mkdir(parents=True)
    (home / "x.gguf").write_bytes(gguf_file.file(gguf_file.llama()))
    return home


@pytest.mark.parametrize("name", ["../../victim.txt", "/victim.txt", "a/../../x", "a\\b", "C:x", ".", ""])
def test_a_path_out_of_the_folder_is_none(name: str, folder: Path) -> None:
    note(folder, "x.gguf", name)
    assert manifest.read(folder) is None
    note(folder, name)
    assert manifest.read(folder) is None


def test_a_path_in_the_folder_is_one(folder: Path) -> None:
    note(folder, "x.gguf", "1_Pooling/config.json")
    noted = manifest.read(folder)
    assert noted is not None and noted.more[0].file == "1_Pooling/config.json"


def test_removing_a_model_stays_in_the_folder(folder: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("precious")
    note(folder, "x.gguf", "../../victim.txt")
    Hub(folder.parent, entries={}).remove("evil")
    assert victim.exists() and not (folder / "x.gguf").exists()


def test_removing_a_model_does_not_follow_links(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "victims").mkdir()
    victim = tmp_path / "victims" / "victim.txt"
    victim.write_text("precious")
    (folder / "more").symlink_to(tmp_path / "victims", target_is_directory=True)
    note(folder, "x.gguf", "more/victim.txt")
    Hub(folder.parent, entries={}).remove("evil")
    assert victim.exists() and not (folder / "x.gguf").exists()


def test_removing_a_model_takes_its_folders_along(folder: Path) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text("{}")
    note(folder, "x.gguf", "1_Pooling/config.json")
    Hub(folder.parent, entries={}).remove("evil")
    assert not folder.exists()

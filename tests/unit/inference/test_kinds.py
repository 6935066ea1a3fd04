"""What a model is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ide_agent.inference.kinds import Kind, kind_of, purpose_of
from ide_agent.inference.models import ModelFile, ModelStore
from support import gguf_file


def model(folder: Path, values: dict[str, Any], projector: dict[str, Any] | None = None) -> ModelFile:
    (folder / "m").mkdir()
    (folder / "m" / "m.gguf").write_bytes(gguf_file.file(values))
    if projector is not None:
        content = gguf_file.file({"general.architecture": "clip", **projector})
        (folder / "m" / "mmproj-m.gguf").write_bytes(content)
    return ModelStore(folder).find("m")


@pytest.mark.parametrize(
    ("values", "projector", "kind"),
    [
        (gguf_file.llama(), None, "text"),
        (gguf_file.llama(**{"llama.pooling_type": 1}), None, "embedding"),
        (gguf_file.llama(**{"llama.pooling_type": 0}), None, "text"),
        ({"general.architecture": "nomic-bert"}, None, "embedding"),
        ({"general.architecture": "whisper"}, None, "audio"),
        (gguf_file.llama(), {"clip.has_vision_encoder": True}, "image"),
        (gguf_file.llama(), {}, "image"),
        (gguf_file.llama(), {"clip.has_audio_encoder": True}, "audio"),
        (gguf_file.llama(), {"clip.has_audio_encoder": True, "clip.has_vision_encoder": True}, "multi"),
    ],
)
def test_by_header_and_projector(
    tmp_path: Path, values: dict[str, Any], projector: dict[str, Any] | None, kind: Kind
) -> None:
    found = model(tmp_path, values, projector)
    assert kind_of(found) == kind
    assert purpose_of(found) == ("embedding" if kind == "embedding" else "text")


def test_a_damaged_projector_brings_nothing(tmp_path: Path) -> None:
    found = model(tmp_path, gguf_file.llama(), {})
    (tmp_path / "m" / "mmproj-m.gguf").write_bytes(b"GGUF")
    assert kind_of(found) == "text"

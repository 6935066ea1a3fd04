"""What a model is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ide_agent.errors import ModelError
from ide_agent.inference.kinds import Kind, check_purpose, kind_of, projector_of, purpose_of, sees
from ide_agent.inference.models import ModelFile, ModelStore
from support import gguf_file, model_folders


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
        (gguf_file.llama(**{"llama.pooling_type": 4}), None, "reranking"),
        ({"general.architecture": "bert", "bert.pooling_type": 4}, None, "reranking"),
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
    assert purpose_of(found) == (kind if kind in ("embedding", "reranking") else "text")


def test_a_damaged_projector_brings_nothing(tmp_path: Path) -> None:
    found = model(tmp_path, gguf_file.llama(), {})
    (tmp_path / "m" / "mmproj-m.gguf").write_bytes(b"GGUF")
    assert kind_of(found) == "text"
    assert projector_of(found) is None and not sees(found, None)


def test_of_several_projectors_one_that_sees_is_taken(tmp_path: Path) -> None:
    found = model(tmp_path, gguf_file.llama())
    for name, sense in (("a", "audio"), ("b", "vision"), ("c", "vision")):
        content = gguf_file.file({"general.architecture": "clip", f"clip.has_{sense}_encoder": True})
        (tmp_path / "m" / f"mmproj-{name}.gguf").write_bytes(content)
    taken = projector_of(found)
    assert taken is not None and taken.name == "mmproj-b" and sees(found, taken)
    for name in ("b", "c"):
        (tmp_path / "m" / f"mmproj-{name}.gguf").unlink()
    taken = projector_of(found)
    assert taken is not None and taken.name == "mmproj-a" and not sees(found, taken)
    assert [each.name for each in ModelStore(tmp_path).list()] == ["m"]


@pytest.mark.parametrize(
    ("projector", "fits"),
    [
        ({}, True),
        ({"clip.vision.projection_dim": 64}, True),
        ({"clip.vision.projection_dim": 768}, False),
        ({"clip.audio.projection_dim": 768, "clip.has_audio_encoder": True}, False),
    ],
)
def test_a_projector_of_another_model_is_none(tmp_path: Path, projector: dict[str, Any], fits: bool) -> None:
    found = model(tmp_path, gguf_file.llama(), projector)
    assert (projector_of(found) is not None) is fits
    assert (kind_of(found) != "text") is fits


@pytest.mark.parametrize(
    ("name", "fits"), [("mm.2.bias", True), ("resampler.proj", True), ("v.blk.0.ln", False)]
)
def test_what_a_projector_makes_counts_where_its_header_says_otherwise(
    tmp_path: Path, name: str, fits: bool
) -> None:
    found = model(tmp_path, gguf_file.llama())
    values = {"general.architecture": "clip", "clip.vision.projection_dim": 768}
    content = gguf_file.file(values, [gguf_file.tensor(name, [64], 0, 0)], data=256)
    (tmp_path / "m" / "mmproj-old.gguf").write_bytes(content)
    assert (projector_of(found) is not None) is fits


def test_of_several_projectors_the_first_that_fits_is_taken(tmp_path: Path) -> None:
    found = model(tmp_path, gguf_file.llama())
    for name, width in (("a", 768), ("b", 64), ("c", 64)):
        values = {"general.architecture": "clip", "clip.vision.projection_dim": width}
        (tmp_path / "m" / f"mmproj-{name}.gguf").write_bytes(gguf_file.file(values))
    taken = projector_of(found)
    assert taken is not None and taken.name == "mmproj-b"


def test_folders_by_their_format(tmp_path: Path) -> None:
    model_folders.llama(tmp_path / "hf")
    model_folders.llama(tmp_path / "sees", vision_config={})
    (model_folders.llama(tmp_path / "vectors") / "modules.json").write_text("[]")
    model_folders.embedder(tmp_path / "onnx")
    model_folders.whisper(tmp_path / "whisper")
    model_folders.voice(tmp_path / "voice")
    assert {each.name: kind_of(each) for each in ModelStore(tmp_path).list()} == {
        "hf": "text",
        "sees": "image",
        "vectors": "embedding",
        "onnx": "embedding",
        "whisper": "audio",
        "voice": "audio",
    }
    blind, seeing = (ModelStore(tmp_path).find(name) for name in ("hf", "sees"))
    assert sees(seeing, None) and not sees(blind, None)
    (tmp_path / "hf" / "mmproj.gguf").write_bytes(gguf_file.file({"general.architecture": "clip"}))
    assert projector_of(blind) is None, "it is not in GGUF"


def test_what_a_model_cannot_do_is_said(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    model_folders.whisper(tmp_path / "whisper")
    model_folders.voice(tmp_path / "voice")
    model_folders.embedder(tmp_path / "onnx")
    model_folders.llama(tmp_path / "hf")
    for name in ("whisper", "voice"):
        for purpose in ("text", "embedding"):
            with pytest.raises(ModelError, match=f"{name} is for speech"):
                check_purpose(store.find(name), purpose)
    with pytest.raises(ModelError, match="onnx turns text into vectors"):
        check_purpose(store.find("onnx"), "text")
    check_purpose(store.find("onnx"), "embedding")
    ranks = model(tmp_path, gguf_file.llama(**{"llama.pooling_type": 4}))
    check_purpose(ranks, "reranking")
    for purpose in ("text", "embedding"):
        with pytest.raises(ModelError, match="m says how well texts answer a query"):
            check_purpose(ranks, purpose)
    for name in ("hf", "onnx"):
        with pytest.raises(ModelError, match=f"{name} is no reranker"):
            check_purpose(store.find(name), "reranking")
    check_purpose(store.find("hf"), "text")

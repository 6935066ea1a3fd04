"""LoRA adapters beside a model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ide_agent.errors import ModelNotFound
from ide_agent.inference.adapters import adapters_of
from ide_agent.inference.beside import beside
from ide_agent.inference.models import ModelStore, written
from ide_agent.inference.resources import share
from ide_agent.inference.routing.known import known_models
from ide_agent.inference.routing.reading import read
from support import gguf_file, model_folders
from support.adapter_folder import write_adapter


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """Has the model ``m`` with an adapter ``house``."""
    folder = model_folders.llama(tmp_path / "m")
    write_adapter(folder / "adapters" / "house", model_folders.LLAMA, rank=4, strength=1)
    return ModelStore(tmp_path)


def test_they_are_found_by_name(store: ModelStore, tmp_path: Path) -> None:
    (adapter,) = adapters_of(store.find("m"))
    assert (adapter.name, adapter.rank) == ("m:house", 4)
    assert adapter.folder == tmp_path / "m" / "adapters" / "house"
    assert adapter.bytes == (adapter.folder / "adapter_model.safetensors").stat().st_size
    assert store.find("m:house") == store.find("m")
    assert {"m", "m:house"} <= known_models(store)
    assert [model.name for model in store.list()] == ["m"]
    for name in ("m:", "m:none", ":house", "m:house:", "m:adapters/house"):
        with pytest.raises(ModelNotFound):
            store.find(name)


@pytest.mark.parametrize("name", ["M:HOUSE", "m:House", "m:ev\u0130", "M:EVI"])
def test_their_names_are_compared_without_their_case(store: ModelStore, tmp_path: Path, name: str) -> None:
    write_adapter(tmp_path / "m" / "adapters" / "evi", model_folders.LLAMA, rank=2, strength=0)
    assert store.find(name) == store.find("m")
    assert name in known_models(store)


def test_case_counts_where_two_differ_by_it_alone(store: ModelStore, tmp_path: Path) -> None:
    write_adapter(tmp_path / "m" / "adapters" / "House", model_folders.LLAMA, rank=2, strength=0)
    names = [adapter.name for adapter in adapters_of(store.find("m"))]
    assert [written(name, names) for name in ("m:House", "M:house", "m:house")] == [
        "m:House",
        "m:House",
        "m:house",
    ]


def test_the_largest_rank_counts(store: ModelStore, tmp_path: Path) -> None:
    folder = tmp_path / "m" / "adapters" / "mixed"
    write_adapter(folder, model_folders.LLAMA, rank=4, strength=0, rank_pattern={"q_proj": 16, "v_proj": 2})
    assert [adapter.rank for adapter in adapters_of(store.find("m"))] == [4, 16]


def test_other_settings_make_it_another_one(store: ModelStore, tmp_path: Path) -> None:
    before = beside(store.find("m"), "text")
    settings = tmp_path / "m" / "adapters" / "house" / "adapter_config.json"
    times = settings.stat()
    os.utime(settings, ns=(times.st_atime_ns, times.st_mtime_ns + 10**9))
    assert beside(store.find("m"), "text") != before


def test_they_take_memory(store: ModelStore) -> None:
    model = store.find("m")
    with_it = share(model, context_tokens=64, slots=1, threads=1, beside=beside(model)).bytes
    (adapter,) = adapters_of(model)
    (adapter.folder / "adapter_model.safetensors").unlink()
    assert adapters_of(model) == []
    without = share(model, context_tokens=64, slots=1, threads=1, beside=beside(model)).bytes
    assert without == with_it - 2 * adapter.bytes


@pytest.mark.parametrize(
    "settings",
    [
        {"peft_type": "IA3"},
        {"r": 0},
        {"r": 513},
        {"r": "8"},
        {"r": True},
        {"rank_pattern": {"q_proj": 513}},
        {"rank_pattern": {"q_proj": True}},
        {"use_dora": True},
        {"modules_to_save": ["lm_head"]},
        {"bias": "all"},
    ],
)
def test_what_vllm_cannot_serve_is_none(store: ModelStore, tmp_path: Path, settings: dict[str, Any]) -> None:
    given: dict[str, Any] = {"rank": 2, "strength": 0, **settings}
    write_adapter(tmp_path / "m" / "adapters" / "odd", model_folders.LLAMA, **given)
    assert [adapter.name for adapter in adapters_of(store.find("m"))] == ["m:house"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 5000])
def test_settings_that_make_no_sense(store: ModelStore, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m" / "adapters" / "house" / "adapter_config.json").write_bytes(content)
    assert adapters_of(store.find("m")) == []


def test_names_are_plain(store: ModelStore, tmp_path: Path) -> None:
    for name in (".hidden", "with space", "a=b", "x" * 65):
        write_adapter(tmp_path / "m" / "adapters" / name, model_folders.LLAMA, rank=2, strength=0)
    assert [adapter.name for adapter in adapters_of(store.find("m"))] == ["m:house"]


def test_other_formats_have_none(tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "g.gguf").write_bytes(gguf_file.file(gguf_file.llama()))
    write_adapter(tmp_path / "g" / "adapters" / "house", model_folders.LLAMA, rank=2, strength=0)
    assert adapters_of(ModelStore(tmp_path).find("g")) == []


def test_rules_know_whose_they_are(store: ModelStore, tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "g.gguf").write_bytes(gguf_file.file(gguf_file.llama()))
    known = known_models(store)

    def wrong(**more: str) -> list[str]:
        rule = ", ".join(f"{key}: '{value}'" for key, value in more.items())
        found = read(f"rules: [{{name: a, {rule}}}]", known).problems
        return [each.key.removeprefix("error.routes.adapter_") for each in found]

    assert wrong(model="m", adapter="house") == wrong(model="M", adapter="House") == []
    assert wrong(model="m", adapter="huose") == ["near"]
    assert wrong(model="m", adapter="zzz") == ["other"]
    assert wrong(model="g", adapter="house") == ["runtime"]
    assert wrong(model="m:house", adapter="house") == ["twice"]
    assert store.find("M:HOUSE") == store.find("m")

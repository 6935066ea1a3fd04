"""Repositories of a hub, which is on loopback here, with models in every format."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ide_agent.config import InferenceSettings
from ide_agent.errors import DownloadError, ModelFileInvalid, ModelNotFound
from ide_agent.features.hub import fetch, fit, manifest
from ide_agent.features.hub.about import about, files_of
from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.download import Policy
from ide_agent.features.hub.fit import asked
from ide_agent.features.hub.formats import INDEX
from ide_agent.features.hub.progress import Progress
from ide_agent.features.hub.service import Hub
from support import gguf_file, model_folders
from support.fake_hub import FakeHub

HASTY = Policy(stall=20.0, attempts=3, first_wait=0.001, longest_wait=0.01)
SETTINGS = InferenceSettings()
GGUF = gguf_file.file(gguf_file.llama())
SHARD = model_folders.weights({"a": ("BF16", 2_000_000)})
CONFIG = json.dumps(model_folders.LLAMA).encode()
SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
EVIL = {"modeling.py": b"import os", "pytorch_model.bin": b"PK\x03\x04"}
FOLDER = {"config.json": CONFIG, "tokenizer.json": b"{}", "chat_template.jinja": b"x", "README.md": b"#"}
REPOSITORIES = {
    "me/hf": {
        **FOLDER,
        **EVIL,
        INDEX: json.dumps({"weight_map": {"a": SHARDS[0], "b": SHARDS[1]}}).encode(),
        SHARDS[0]: SHARD,
        SHARDS[1]: model_folders.weights({"b": ("BF16", 4)}),
        "consolidated.safetensors": b"x",
    },
    "me/embedder": {
        **FOLDER,
        "modules.json": b"[]",
        "1_Pooling/config.json": b'{"pooling_mode_cls_token": true}',
        "model.safetensors": SHARD,
        "onnx/model.onnx": bytes(900),
        "onnx/model_int8.onnx": bytes(300),
    },
    "me/whisper": {
        "model.bin": b"\x06" * 50,
        "config.json": b"{}",
        "vocabulary.json": b"[]",
        "tokenizer.json": b"{}",
    },
    "me/pickles": {"config.json": CONFIG, **EVIL},
    "me/disguised": {"model.bin": b"PK\x03\x04x", "config.json": b"{}", "vocabulary.txt": b"a"},
    "me/nothing": {"README.md": b"#"},
    "me/split": {f"big-0000{number}-of-00002.gguf": GGUF for number in (1, 2)},
    "me/sees-GGUF": {
        "sees-Q4_K_M.gguf": GGUF,
        "mmproj-sees-f16.gguf": GGUF,
        "sees-F16.gguf": GGUF + bytes(99),
    },
    "me/voices": {
        f"{name}.onnx{end}": content
        for name in ("tr/a", "en/b")
        for end, content in (("", b"x"), (".json", b"{}"))
    },
}


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    with FakeHub({name: dict(files) for name, files in REPOSITORIES.items()}).running() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


@pytest.fixture
def models(tmp_path: Path) -> Hub:
    return Hub(tmp_path / "models", entries={}, policy=HASTY)


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()} - {"model.json"}


def test_a_projector_counts_before_it_is_here_as_it_does_then(hub: FakeHub, models: Hub) -> None:
    clip = {"general.architecture": "clip", "clip.has_vision_encoder": True}
    hub.repositories["me/pictures"] = {"a.gguf": GGUF, "mmproj-a.gguf": gguf_file.file(clip)}
    [offered] = files_of("me/pictures", SETTINGS)
    entry = models.entry("me/pictures")
    judged = asked(models, entry, SETTINGS)
    assert asyncio.run(models.pull(entry)).name == "a"
    there = about(models, "a", SETTINGS)["memory"]
    assert there["need"] > 128 << 20
    assert offered["memory"]["need"] == judged["memory"]["need"] == there["need"]


async def test_a_folder_of_safetensors_without_anything_that_runs(models: Hub) -> None:
    reports: list[Progress] = []
    pulled = await models.pull("me/hf", reports.append)
    assert pulled.name == "hf"
    assert names(pulled.file.parent) == {
        *("config.json", "tokenizer.json", "chat_template.jinja", INDEX),
        *SHARDS,
    }
    [model] = models.list()
    assert (model.format, model.file) == ("safetensors", pulled.file)
    coming = [report.done for report in reports if report.phase in ("resolve", "download", "extract")]
    assert coming == sorted(coming)
    assert coming[-1] == pulled.size == reports[-1].total


async def test_a_pull_of_several_files_goes_on_where_it_stopped(hub: FakeHub, models: Hub) -> None:
    hub.allowed = 1_500_000
    part = models.folder / ".downloads" / "hf+1.file.part"
    pulling = asyncio.create_task(models.pull("me/hf"))
    async with asyncio.timeout(60):
        while not any(file.stat().st_size > 1_000_000 for file in part.parent.glob("hf+*.part")):
            await asyncio.sleep(0.005)
    pulling.cancel()
    await asyncio.wait([pulling])
    assert models.list() == []
    [left] = models.unfinished()
    assert left.entry.name == "hf" and 1_000_000 < left.done < left.total
    hub.allowed = None
    asked = len(hub.ranges)
    reports: list[Progress] = []
    pulled = await models.pull(left.entry, reports.append)
    assert any(wanted.startswith("bytes=1") for wanted in hub.ranges[asked:])
    assert reports[0].done > 0
    assert pulled.file.parent.joinpath(SHARDS[0]).read_bytes() == SHARD
    assert models.unfinished() == []


async def test_what_the_download_has_checked_is_not_read_once_more(
    models: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(file: Path) -> str:
        raise AssertionError(file)

    monkeypatch.setattr(fetch, "sha256_of", again)
    pulled = await models.pull("me/hf")
    noted = manifest.read(pulled.file.parent)
    assert noted is not None
    assert {each.file: each.sha256 for each in noted.files}[SHARDS[0]] == hashlib.sha256(SHARD).hexdigest()


async def test_an_embedder_comes_as_a_graph_in_eight_bits(models: Hub) -> None:
    pulled = await models.pull("me/embedder")
    assert pulled.file.name == "model_int8.onnx"
    [model] = models.list()
    assert model.format == "onnx" and model.header.pooling_type == 2
    assert (pulled.file.parent / "1_Pooling" / "config.json").stat().st_size == 32
    assert len(list((models.folder / ".downloads").iterdir())) == 1  # its lock
    other = models.entry("me/embedder", "other", file="onnx/model.onnx")
    assert (await models.pull(other)).file.name == "model.onnx"
    weights = models.entry("hf:me/embedder/model.safetensors", "weights")
    assert (await models.pull(weights)).file.name == "config.json"
    assert {model.name: model.format for model in models.list()} == {
        "embedder": "onnx",
        "other": "onnx",
        "weights": "safetensors",
    }
    assert [(file["path"], file["format"]) for file in files_of("me/embedder")] == [
        ("onnx/model_int8.onnx", "onnx"),
        ("onnx/model.onnx", "onnx"),
        ("model.safetensors", "safetensors"),
    ]


async def test_whisper(models: Hub) -> None:
    pulled = await models.pull("me/whisper")
    assert names(pulled.file.parent) == {"model.bin", "config.json", "vocabulary.json", "tokenizer.json"}
    assert models.list()[0].format == "ctranslate2"


async def test_of_several_voices_one_is_named(models: Hub) -> None:
    with pytest.raises(ModelNotFound) as caught:
        models.entry("me/voices")
    assert "tr/a.onnx" in str(caught.value)
    pulled = await models.pull("me/voices/tr/a.onnx")
    assert (pulled.name, models.list()[0].format) == ("a", "piper")


async def test_a_split_model_in_all_its_parts(models: Hub) -> None:
    pulled = await models.pull("me/split")
    assert pulled.name == "big"
    assert pulled.size == 2 * len(GGUF) == models.list()[0].bytes
    models.remove("big")
    assert not pulled.file.parent.exists()


async def test_a_model_that_sees_brings_its_projector(models: Hub) -> None:
    pulled = await models.pull("me/sees-GGUF")
    assert pulled.name == "sees-q4_k_m"  # not the one twice as large
    assert names(pulled.file.parent) == {"sees-Q4_K_M.gguf", "mmproj-sees-f16.gguf"}


async def test_a_model_of_the_catalogue_brings_its_projector(tmp_path: Path) -> None:
    row = {
        "name": "sees",
        "title": "Sees",
        "about": "hub.about.vision",
        "licence": "MIT",
        "kind": "image",
        "file": "sees-Q4_K_M.gguf",
        "about_bytes": 7,
        "source": {"type": "huggingface", "repository": "me/sees-GGUF", "path": "sees-Q4_K_M.gguf"},
    }
    models = Hub(tmp_path / "models", entries={"sees": Entry.model_validate(row)}, policy=HASTY)
    pulled = await models.pull("sees")
    assert (pulled.name, pulled.size) == ("sees", 2 * len(GGUF))
    assert "mmproj-sees-f16.gguf" in names(pulled.file.parent)


@pytest.mark.parametrize(
    ("name", "key"), [("me/pickles", "error.model.pickle"), ("me/nothing", "error.model.no_model")]
)
def test_what_cannot_be_had(models: Hub, name: str, key: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        models.entry(name)
    assert caught.value.key_used == key


async def test_a_pickle_with_another_name_is_thrown_away(models: Hub) -> None:
    with pytest.raises(ModelFileInvalid) as caught:
        await models.pull("me/disguised")
    assert caught.value.key_used == "error.model.pickle_inside"
    assert models.list() == []


async def test_another_file_than_was_promised(hub: FakeHub, models: Hub) -> None:
    entry = models.entry("me/hf")
    hub.repositories["me/hf"][SHARDS[0]] = SHARD[:-1] + b"x"
    with pytest.raises(DownloadError) as caught:
        await models.pull(entry)
    assert caught.value.key_used == "error.download.hash"
    assert models.list() == []


def test_where_nothing_fits_one_is_to_be_named(models: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "spare_memory", lambda: 1)
    with pytest.raises(ModelNotFound) as caught:
        models.entry("me/sees-GGUF")
    assert caught.value.key_used == "error.model.none_fits"

"""Models that are folders: which are found, what they say, what a hostile one costs."""

from __future__ import annotations

import contextlib
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.errors import ModelFileInvalid, ModelNotFound
from ide_agent.inference.folders import look, read_folder, text_limit
from ide_agent.inference.gguf import read_header
from ide_agent.inference.kinds import kind_of
from ide_agent.inference.models import ModelFile, ModelStore
from ide_agent.inference.running import format_of
from support import gguf_file, model_folders


def found(folder: Path, name: str = "m") -> ModelFile:
    return ModelStore(folder).find(name)


def test_each_format_is_found_by_its_files(tmp_path: Path) -> None:
    model_folders.llama(tmp_path / "hf")
    model_folders.embedder(tmp_path / "onnx")
    model_folders.whisper(tmp_path / "ct2")
    model_folders.voice(tmp_path / "piper")
    begins = {model.name: (model.format, model.file.name) for model in ModelStore(tmp_path).list()}
    assert begins == {
        "hf": ("safetensors", "config.json"),
        "onnx": ("onnx", "model_int8.onnx"),
        "ct2": ("ctranslate2", "model.bin"),
        "piper": ("piper", "joe.onnx"),
    }


@pytest.mark.parametrize(
    "files",
    [
        {"config__json": {}, "tokenizer__json": {}},
        {"model__safetensors": b"", "tokenizer__json": {}},
        {"config__json": {}, "model__safetensors": b""},
        {"model__onnx": b""},
        {"a__onnx": b"", "b__onnx": b"", "tokenizer__json": {}},
        {"model__bin": b"", "config__json": {}},
    ],
)
def test_half_a_model_is_none(tmp_path: Path, files: dict[str, Any]) -> None:
    model_folders.put(tmp_path / "m", **files)
    assert ModelStore(tmp_path).list() == []


def test_a_folder_with_gguf_in_it_is_gguf(tmp_path: Path) -> None:
    model_folders.llama(tmp_path / "m")
    (tmp_path / "m" / "m.gguf").write_bytes(gguf_file.file(gguf_file.llama()))
    (model,) = ModelStore(tmp_path).list()
    assert (model.format, model.header.name) == ("gguf", "Tiny")


def test_a_model_is_as_large_as_its_files_and_as_new_as_the_newest(tmp_path: Path) -> None:
    folder = model_folders.llama(tmp_path / "m")
    for file in folder.iterdir():
        os.utime(file, ns=(10**18,) * 2)
    os.utime(folder / "model.safetensors", ns=(10**18 + 5,) * 2)
    files = sum(file.stat().st_size for file in folder.iterdir())
    (folder / ".used").touch()
    (folder / "model.json").write_text("{}")
    model = found(tmp_path)
    assert (model.bytes, model.modified_ns) == (files, 10**18 + 5)


def test_what_a_model_of_hugging_face_says(tmp_path: Path) -> None:
    model_folders.llama(tmp_path / "m")
    (tmp_path / "m" / "chat_template.jinja").write_text("{{ messages }}")
    model = found(tmp_path)
    header = model.header
    assert (header.architecture, header.context_length, header.vocabulary) == ("llama", 512, 100)
    assert (header.kv_heads, header.key_length, header.value_length) == ((2, 2), 16, 16)
    assert (header.parameters, model.weights, header.quantisation) == (1001, 1001, "BF16")
    assert header.chat_template and not header.has_fim and not header.pooling_type
    assert format_of(model) == "hf/bf16"


def test_parts_count_together_and_quantised_ones_say_how(tmp_path: Path) -> None:
    folder = model_folders.llama(tmp_path / "m", quantization_config={"quant_method": "awq"})
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    (folder / "model-2.safetensors").write_bytes(model_folders.weights({"c": ("I32", 400)}))
    header = found(tmp_path).header
    assert (header.parameters, header.quantisation) == (1101, "AWQ")


@pytest.mark.parametrize("index", [b"", b"[]", b'{"weight_map": {"a": "../x.safetensors"}}'])
def test_what_is_there_in_other_forms_too_counts_once(tmp_path: Path, index: bytes) -> None:
    folder = model_folders.llama(tmp_path / "m")
    alone = found(tmp_path)
    twice = model_folders.weights({"c": ("I32", 4000)})
    for name in ("consolidated.safetensors", "pytorch_model.bin", "model-x.safetensors"):
        (folder / name).write_bytes(twice)
    (folder / "model.safetensors.index.json").write_bytes(index)
    model = found(tmp_path)
    assert (model.bytes, model.header.parameters) == (alone.bytes + len(index), 1001)


def test_the_index_says_which_files_count(tmp_path: Path) -> None:
    folder = model_folders.llama(tmp_path / "m")
    (folder / "model.safetensors").rename(folder / "part.safetensors")
    (folder / "model-1.safetensors").write_bytes(model_folders.weights({"c": ("I32", 4000)}))
    model_folders.put(folder, model__safetensors__index__json={"weight_map": {"a": "part.safetensors"}})
    model = found(tmp_path)
    assert model.header.parameters == 1001
    (folder / "part.safetensors").unlink()
    with pytest.raises(ModelFileInvalid):
        _ = found(tmp_path).header


def test_the_text_part_of_a_model_that_sees(tmp_path: Path) -> None:
    text = {"num_hidden_layers": 3, "max_position_embeddings": 99, "sliding_window": 7}
    model_folders.llama(tmp_path / "m", text_config=text, vision_config={})
    header = found(tmp_path).header
    assert (len(header.kv_heads), header.context_length, header.sliding_window) == (3, 99, 7)
    assert header.encoders == ("image",)


def test_what_an_embedder_says(tmp_path: Path) -> None:
    limits = {"tokenizer_config__json": {"model_max_length": 10**30}, "config__json": {"vocab_size": 9}}
    model_folders.embedder(tmp_path / "m", sentence_bert_config__json={"max_seq_length": 128}, **limits)
    model = found(tmp_path)
    assert (model.header.context_length, model.header.vocabulary) == (128, 9)
    assert (model.header.quantisation, model.header.parameters) == ("INT8", 1000)
    assert format_of(model) == "onnx/int8"


@pytest.mark.parametrize("said", [{}, {"model_max_length": 10**30}, {"model_max_length": "many"}])
def test_an_embedder_that_has_no_limit(tmp_path: Path, said: dict[str, Any]) -> None:
    assert text_limit(model_folders.put(tmp_path / "m", tokenizer_config__json=said)) == 0


@pytest.mark.parametrize(
    ("config", "more", "kind"),
    [
        ({"model_type": "qwen2"}, {}, "text"),
        ({"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"]}, {}, "text"),
        (
            {"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"]},
            {"modules__json": b"[]"},
            "embedding",
        ),
        ({"model_type": "new", "architectures": ["NewModel"]}, {}, "embedding"),
        ({"model_type": "bert", "architectures": ["BertLMHeadModel"]}, {}, "embedding"),
        ({}, {}, "embedding"),
    ],
)
def test_a_graph_is_an_embedder_unless_it_writes(
    tmp_path: Path, config: dict[str, Any], more: dict[str, Any], kind: str
) -> None:
    model_folders.embedder(tmp_path / "m", config__json=config, **more)
    assert kind_of(found(tmp_path)) == kind


@pytest.mark.parametrize("kind", ["roberta", "xlm-roberta", "camembert", "mpnet"])
def test_some_have_two_places_that_no_token_can_take(tmp_path: Path, kind: str) -> None:
    model_folders.embedder(tmp_path / "m", config__json={"model_type": kind, "max_position_embeddings": 514})
    assert found(tmp_path).header.context_length == 512


@pytest.mark.parametrize(
    "asked",
    [
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
        {"pooling_mode_cls_token": False},
        {"pooling_mode": "attention"},
        {"pooling_mode": ["cls", "mean"]},
        {"pooling_mode": [["cls"]]},
    ],
)
def test_an_unknown_pooling_is_told(tmp_path: Path, asked: dict[str, Any]) -> None:
    folder = model_folders.embedder(tmp_path / "m")
    model_folders.put(folder / "1_Pooling", config__json=asked)
    with pytest.raises(ModelFileInvalid) as caught:
        _ = found(tmp_path).header
    assert caught.value.key_used == "error.model.pooling"


def test_a_voice_has_a_name(tmp_path: Path) -> None:
    model_folders.voice(tmp_path / "m")
    model_folders.whisper(tmp_path / "w")
    assert found(tmp_path).header.name == "joe"
    assert found(tmp_path, "w").header.architecture == "whisper"


def test_the_path_of_a_folder_is_a_name(tmp_path: Path) -> None:
    folder = model_folders.llama(tmp_path / "elsewhere" / "mine")
    given = ModelStore(tmp_path / "models").find(str(folder))
    assert (given.name, given.file) == ("mine", folder / "config.json")
    with pytest.raises(ModelNotFound):
        ModelStore(tmp_path / "models").find(str(tmp_path / "elsewhere"))


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "error.model.corrupt"),
        (b"\xff" * 8, "error.model.corrupt"),
        (b"\xff" * 4 + bytes(4) + b"{}", "error.model.corrupt"),
        (model_folders.of_header(b"[]"), "error.model.corrupt"),
        (model_folders.of_header(b'{"a": 1}'), "error.model.corrupt"),
        (model_folders.of_header(b'{"a": {"dtype": "F32", "data_offsets": [4, 0]}}'), "error.model.corrupt"),
        (
            model_folders.of_header(b'{"a": {"dtype": "F32", "data_offsets": ["", 0]}}'),
            "error.model.corrupt",
        ),
        (model_folders.of_header(b"[" * 100_000), "error.model.corrupt"),
        (model_folders.weights({"a": ("F" * 1_000_000, 400)}), "error.model.corrupt"),
        (model_folders.of_header(b'{"a": {"dtype": {}, "data_offsets": [0, 0]}}'), "error.model.corrupt"),
        (model_folders.weights({"a": ("F32", 400)}, cut=1), "error.model.truncated"),
    ],
)
def test_damaged_weights_are_told(tmp_path: Path, content: bytes, key: str) -> None:
    (model_folders.llama(tmp_path / "m") / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelFileInvalid) as caught:
        _ = found(tmp_path).header
    assert caught.value.key_used == key


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_damaged_settings_are_told(tmp_path: Path, content: bytes) -> None:
    (model_folders.llama(tmp_path / "m") / "config.json").write_bytes(content)
    with pytest.raises(ModelFileInvalid):
        _ = found(tmp_path).header


def test_a_long_header_is_not_read(tmp_path: Path) -> None:
    file = model_folders.llama(tmp_path / "m") / "model.safetensors"
    with file.open("wb") as stream:
        stream.write((1 << 30).to_bytes(8, "little"))
        stream.truncate((1 << 30) + 99)  # a hole: no disk is used
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileInvalid):
            _ = found(tmp_path).header
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("file", "most"), [("config.json", 2 << 20), ("model.safetensors", 4 << 20)])
def test_what_the_longest_settings_cost(tmp_path: Path, file: str, most: int) -> None:
    path = model_folders.llama(tmp_path / "m") / file
    content = b'{"a":[' + b"{}," * ((most - 20) // 3) + b"{}]}"
    path.write_bytes(content if file == "config.json" else model_folders.of_header(content))
    tracemalloc.start()
    try:
        with contextlib.suppress(ModelFileInvalid):
            _ = found(tmp_path).header
        assert most < tracemalloc.get_traced_memory()[1] < 30 * most
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders here")
@pytest.mark.parametrize("name", ["config.json", "1_Pooling/config.json", "tokenizer_config.json"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    folder = model_folders.embedder(tmp_path / "m")
    pipe = folder / name
    pipe.parent.mkdir(exist_ok=True)
    os.mkfifo(pipe)
    with contextlib.suppress(ModelFileInvalid):
        assert found(tmp_path).header.architecture == "bert"
    with pytest.raises(ModelFileInvalid):
        read_header(pipe)


_NUMBERS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just([])
_KEYS = [*model_folders.LLAMA, "head_dim", "sliding_window", "use_sliding_window", "quantization_config"]


@given(st.dictionaries(st.sampled_from([*_KEYS, "text_config", "_name_or_path"]), _NUMBERS))
def test_any_settings_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, config: dict[str, Any]
) -> None:
    folder = model_folders.llama(tmp_path_factory.getbasetemp() / "wild")
    (folder / "config.json").write_text(json.dumps(config))
    header = read_folder("safetensors", folder / "config.json")
    assert len(header.kv_heads) <= 4096
    assert min(header.context_length, header.vocabulary, header.key_length, *header.kv_heads, 0) == 0


def test_what_cannot_be_looked_into_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        look(tmp_path / "none")
    assert ModelStore(tmp_path).list() == []

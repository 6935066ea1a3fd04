"""Which models a list of files holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.errors import ModelFileInvalid
from ide_agent.features.hub.formats import (
    INDEX,
    format_of,
    has_pickles,
    layouts,
    local_name,
    refuse_pickle,
)


def found(*paths: str, read: bytes = b"", **sizes: int) -> list[tuple[str, ...]]:
    return [each.files for each in layouts({path: sizes.get(path, 1) for path in paths}, lambda _: read)]


def index(*names: str) -> bytes:
    return json.dumps({"weight_map": {str(number): name for number, name in enumerate(names)}}).encode()


def test_a_split_model_is_one_and_only_whole() -> None:
    parts = [f"q4/big-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    assert found(*parts) == [tuple(parts)]
    assert found(*parts[:2]) == []


def test_a_projector_comes_along_the_smallest_one() -> None:
    names = ["m-Q4_K_M.gguf", "m-Q8_0.gguf", "mmproj-f16.gguf", "m.mmproj-q8.gguf", "other/mmproj-x.gguf"]
    sizes = {"mmproj-f16.gguf": 9, "m.mmproj-q8.gguf": 5}
    assert found(*names, **sizes) == [
        ("m-Q4_K_M.gguf", "m.mmproj-q8.gguf"),
        ("m-Q8_0.gguf", "m.mmproj-q8.gguf"),
    ]
    assert local_name("m.mmproj-q8.gguf") == "mmproj-m.mmproj-q8.gguf"
    assert local_name("a/mmproj-f16.gguf") == "mmproj-f16.gguf"


def test_what_transformers_load() -> None:
    files = [
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "merges.txt"),
        *("generation_config.json", "special_tokens_map.json", "chat_template.jinja", "vocab.json"),
    ]
    never = ["pytorch_model.bin", "modeling_evil.py", "tokenizer.py", "sub/config.json", "README.md", "a.pt"]
    [layout] = layouts(dict.fromkeys([*files, *never], 1), lambda _: b"")
    assert layout.format == "safetensors"
    assert layout.files[0] == "config.json" and set(layout.files) == set(files)
    assert layout.shown == "model.safetensors"
    assert found("model.safetensors") == []  # weights alone are no model


def test_the_index_says_which_parts() -> None:
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    names = ["config.json", INDEX, *shards, "consolidated.safetensors"]
    assert found(*names, read=index(*shards)) == [("config.json", INDEX, *shards)]


@pytest.mark.parametrize(
    "content",
    [index("gone.safetensors"), index("../x.safetensors"), index(), b"[]", b'{"weight_map": 1}', b"\xff"],
)
def test_an_index_that_makes_no_sense(content: bytes) -> None:
    with pytest.raises(ModelFileInvalid) as caught:
        found("config.json", INDEX, "model-00001-of-00001.safetensors", read=content)
    assert caught.value.key_used == "error.model.index"


def test_graphs_those_in_eight_bits_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    names = ["model.onnx", "model_fp16.onnx", "model_qint8_arm64.onnx", "model_quint8_avx2.onnx"]
    graphs = [f"onnx/{name}" for name in (*names, "model_quantized.onnx")]
    files = found(*graphs, "onnx/model.onnx_data", "tokenizer.json", "config.json")
    assert [each[0].removeprefix("onnx/") for each in files] == [
        "model_quantized.onnx",
        "model_quint8_avx2.onnx",
        "model.onnx",
        "model_fp16.onnx",
        "model_qint8_arm64.onnx",
    ]
    assert files[2] == ("onnx/model.onnx", "onnx/model.onnx_data", "config.json", "tokenizer.json")
    assert found("model.onnx") == []


@pytest.mark.parametrize("home", ["", "onnx/"])
def test_how_an_embedder_makes_one_vector_comes_along(home: str) -> None:
    names = ["onnx/model.onnx", f"{home}tokenizer.json", "1_Pooling/config.json", "2_Dense/config.json"]
    assert found(*names) == [("onnx/model.onnx", f"{home}tokenizer.json", "1_Pooling/config.json")]
    assert (
        local_name("1_Pooling/config.json")
        == local_name("a/1_Pooling/config.json")
        == "1_Pooling/config.json"
    )
    assert local_name("a1_Pooling/config.json") == "config.json"


def test_an_embedder_is_taken_as_a_graph_anything_else_as_weights() -> None:
    names = ["config.json", "model.safetensors", "tokenizer.json", "onnx/model.onnx"]
    assert layouts(dict.fromkeys(names, 1), lambda _: b"")[0].format == "safetensors"
    names.append("modules.json")
    assert layouts(dict.fromkeys(names, 1), lambda _: b"")[0].format == "onnx"


def test_whisper_and_voices() -> None:
    whisper = ["model.bin", "vocabulary.txt", "config.json", "tokenizer.json"]
    assert found(*whisper) == [tuple(whisper)]
    assert found("model.bin", "config.json") == []
    voice = "tr/tr_TR-dfki-medium.onnx"
    assert found(voice, f"{voice}.json", "MODEL_CARD") == [(voice, f"{voice}.json")]


@pytest.mark.parametrize(
    ("names", "form"),
    [
        (["a.gguf", "mmproj-a.gguf"], "gguf"),
        (["a.onnx", "a.onnx.json"], "piper"),
        (["a.onnx", "tokenizer.json"], "onnx"),
        (["model.bin", "config.json"], "ctranslate2"),
        (["config.json", "model.safetensors"], "safetensors"),
    ],
)
def test_the_format(names: list[str], form: str) -> None:
    assert format_of(names) == form


def test_pickles(tmp_path: Path) -> None:
    assert has_pickles(["a/pytorch_model.BIN"]) and has_pickles(["x.pt"]) and not has_pickles(["a.json"])
    file = tmp_path / "model.bin"
    for start in (b"PK\x03\x04", b"\x80\x04\x95"):
        file.write_bytes(start + b"x")
        with pytest.raises(ModelFileInvalid):
            refuse_pickle(file)
    file.write_bytes(b"\x06\0\0\0")
    refuse_pickle(file)


PATHS = st.sampled_from(
    [
        *("config.json", "tokenizer.json", "model.onnx", "a.onnx", "a.onnx.json", "model.bin"),
        *("vocabulary.txt", "model.safetensors", INDEX, "x.gguf", "mmproj.gguf", "d/m.onnx"),
        *("b-00001-of-00002.gguf", "x.py", "w.pt"),
    ]
)


@given(st.sets(PATHS))
def test_whatever_there_is_nothing_that_runs_is_taken(paths: set[str]) -> None:
    try:
        found = layouts(dict.fromkeys(paths, 1), lambda _: index("model.safetensors"))
    except ModelFileInvalid:
        return
    for layout in found:
        assert layout.shown in paths and set(layout.files) <= paths
        assert len(set(layout.files)) == len(layout.files)
        assert not {"x.py", "w.pt"} & set(layout.files)
        assert "model.bin" not in layout.files or layout.format == "ctranslate2"

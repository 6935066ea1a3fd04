"""Writes small models that are folders, good and bad ones."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "max_position_embeddings": 512,
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 100,
}


def weights(tensors: dict[str, tuple[str, int]], *, cut: int = 0) -> bytes:
    """A safetensors file: of each tensor its dtype and its bytes; `cut` bytes are missing at the end."""
    table: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (kind, size) in tensors.items():
        table[name] = {"dtype": kind, "shape": [size], "data_offsets": [at, at + size]}
        at += size
    return of_header(json.dumps(table).encode()) + bytes(at - cut)


def of_header(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


def put(folder: Path, **files: bytes | dict[str, Any]) -> Path:
    """Write `files`, whose names have ``__`` for a dot."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        raw = json.dumps(content).encode() if isinstance(content, dict) else content
        (folder / name.replace("__", ".")).write_bytes(raw)
    return folder


def llama(folder: Path, **config: Any) -> Path:
    """A tiny Llama of a thousand weights in bf16 and one of 32 bits."""
    parts = weights({"a": ("BF16", 2000), "b": ("F32", 4)})
    return put(folder, config__json={**LLAMA, **config}, model__safetensors=parts, tokenizer__json={})


def embedder(folder: Path, **more: bytes | dict[str, Any]) -> Path:
    return put(folder, **{"model_int8__onnx": bytes(1000), "tokenizer__json": {}, **more})


def whisper(folder: Path) -> Path:
    return put(folder, model__bin=bytes(9), config__json={}, vocabulary__json={}, tokenizer__json={})


def voice(folder: Path) -> Path:
    return put(folder, joe__onnx=bytes(9), joe__onnx__json={"dataset": "joe"})

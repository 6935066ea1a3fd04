"""Writes small GGUF files, good and bad ones."""

import struct
from collections.abc import Sequence
from typing import Any

STRING, ARRAY, U32, F32, BOOL = 8, 9, 4, 6, 7


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def entry(key: str, kind: int, payload: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + payload


def value(key: str, content: Any) -> bytes:
    """A key with its value: str, bool, int, float, or a list of one of these."""
    if isinstance(content, list):
        kind = _kind(content[0])
        items = b"".join(_pack(kind, item) for item in content)
        return entry(key, ARRAY, struct.pack("<IQ", kind, len(content)) + items)
    kind = _kind(content)
    return entry(key, kind, _pack(kind, content))


def tensor(name: str, shape: Sequence[int], kind: int, offset: int) -> bytes:
    dimensions = struct.pack(f"<{len(shape)}Q", *shape)
    return text(name) + struct.pack("<I", len(shape)) + dimensions + struct.pack("<IQ", kind, offset)


def head(tensors: int, keys: int, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys)


def file(values: dict[str, Any], tensors: Sequence[bytes] = (), data: int = 0) -> bytes:
    """A whole file with `data` bytes of weights."""
    body = head(len(tensors), len(values))
    body += b"".join(value(key, content) for key, content in values.items()) + b"".join(tensors)
    return body + b"\0" * (-len(body) % 32) + b"\1" * data


def with_values(whole: bytes, more: dict[str, Any]) -> bytes:
    """The file `whole` with more keys in its header."""
    version, tensors, keys = struct.unpack("<IQQ", whole[4:24])
    added = b"".join(value(key, content) for key, content in more.items())
    filler = -len(added + value("filler", "")) % 32  # the weights must begin at a multiple of that
    added += value("filler", "-" * filler)
    return head(tensors, keys + len(more) + 1, version) + added + whole[24:]


def llama(**more: Any) -> dict[str, Any]:
    """The keys of a tiny Llama."""
    return {
        "general.architecture": "llama",
        "general.name": "Tiny",
        "general.file_type": 3,
        "llama.context_length": 512,
        "llama.block_count": 2,
        "llama.embedding_length": 64,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": ["<s>", "a", "é", "<PRE>", "<SUF>", "<MID>"],
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 1,
        **more,
    }


def _kind(content: Any) -> int:
    return {str: STRING, bool: BOOL, int: U32, float: F32}[type(content)]


def _pack(kind: int, content: Any) -> bytes:
    if kind == STRING:
        return text(content)
    return struct.pack({U32: "<I", BOOL: "<?", F32: "<f"}[kind], content)

"""Writes tiny graphs of ONNX: each token has a vector of its own, and that is all there is to them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

INPUTS = ("input_ids", "attention_mask")
_FLOAT, _INT64, _HALF = 1, 7, 10


def graph(vectors: Sequence[Sequence[float]], *, half: bool = False, inputs: Sequence[str] = INPUTS) -> bytes:
    """A graph whose output is, for each token, the row of `vectors` with its id."""
    kind = _HALF if half else _FLOAT
    table = np.array(vectors, np.float16 if half else np.float32)
    stored = b"".join(_number(1, size) for size in table.shape) + _number(2, kind)
    stored += _piece(8, b"table") + _piece(9, table.tobytes())
    node = _piece(1, b"table") + _piece(1, b"input_ids") + _piece(2, b"hidden") + _piece(4, b"Gather")
    whole = _piece(1, node) + _piece(2, b"g") + _piece(5, stored)
    whole += b"".join(_piece(11, _value(name, _INT64, ("b", "n"))) for name in inputs)
    whole += _piece(12, _value("hidden", kind, ("b", "n", "h")))
    return _number(1, 7) + _piece(7, whole) + _piece(8, _number(2, 13))


def embedder(folder: Path, content: bytes, words: Sequence[str], **pooling: Any) -> Path:
    """Put a model into `folder` whose `words` have the ids 0, 1, …; returns its graph."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, words[0]))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    if pooling:
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    (folder / "model.onnx").write_bytes(content)
    return folder / "model.onnx"


def _value(name: str, kind: int, dimensions: Sequence[str]) -> bytes:
    shape = b"".join(_piece(1, _piece(2, each.encode())) for each in dimensions)
    return _piece(1, name.encode()) + _piece(2, _piece(1, _number(1, kind) + _piece(2, shape)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _piece(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    taken = bytearray()
    while value > 127:
        taken.append(value & 127 | 128)
        value >>= 7
    return bytes([*taken, value])

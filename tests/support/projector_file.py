"""Writes a projector that lets a model tell colours: what a picture is, as the model's own word for it.

A patch becomes the average of its reds, greens and blues, and those become the embeddings of “ red”, “ green”
and “ blue” of the very model that it is written for. It proves the way of a picture through the engine, not
understanding.
"""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path

import gguf
import numpy as np

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
_SIDE = 16  # of a picture, which is one patch
_WIDTH, _HEADS, _INNER, _BLOCKS = 32, 2, 32, 2
_SHARP = 8.0
_SPACE = "\u0120"  # as the tokenizer of GPT-2 spells it


def write_projector(file: Path, model: Path) -> Path:
    """Put one for `model`, a GGUF file, into `file`."""
    words = _embeddings(model)
    writer = gguf.GGUFWriter(file, "clip")
    writer.add_type(gguf.GGUFType.MMPROJ)
    writer.add_name("Colours")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_clip_has_vision_encoder(True)
    writer.add_clip_projector_type("mlp")
    writer.add_vision_image_size(_SIDE)
    writer.add_vision_patch_size(_SIDE)
    writer.add_vision_embedding_length(_WIDTH)
    writer.add_vision_feed_forward_length(_INNER)
    writer.add_vision_projection_dim(words.shape[1])
    writer.add_vision_block_count(_BLOCKS)
    writer.add_vision_head_count(_HEADS)
    writer.add_vision_attention_layernorm_eps(1e-5)
    writer.add_vision_image_mean([0.0, 0.0, 0.0])
    writer.add_vision_image_std([1.0, 1.0, 1.0])
    writer.add_vision_use_gelu(True)
    for name, weights in _weights(words).items():
        writer.add_tensor(name, np.ascontiguousarray(weights, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def picture(colour: tuple[int, int, int], side: int = _SIDE) -> str:
    """A PNG of one colour, as a ``data:`` address."""
    line = b"\0" + bytes(colour) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n"
    png += _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(line * side)) + _chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _embeddings(model: Path) -> np.ndarray:
    """Those of the colours' names, a row each."""
    reader = gguf.GGUFReader(model)
    tokens = reader.fields["tokenizer.ggml.tokens"]
    rows = []
    table = next(tensor for tensor in reader.tensors if tensor.name == "token_embd.weight")
    wanted = {f"{_SPACE}{name}".encode(): name for name in COLOURS}
    found = {}
    for place, part in enumerate(tokens.data):
        spelled = tokens.parts[part].tobytes()
        if spelled in wanted:
            found[wanted[spelled]] = place
    for name in COLOURS:
        row = table.data[found[name]][None]
        rows.append(gguf.quants.dequantize(row, table.tensor_type)[0])
    return np.stack(rows)


def _weights(words: np.ndarray) -> dict[str, np.ndarray]:
    size = len(COLOURS)
    patch = np.zeros((_WIDTH, 3, _SIDE, _SIDE))
    for channel in range(3):
        patch[channel, channel] = 1 / _SIDE**2
    first = np.zeros((size, _WIDTH))
    first[range(size), range(size)] = _SHARP  # between nothing and all of a colour
    weights = {
        "v.patch_embd.weight": patch,
        "v.position_embd.weight": np.zeros((1, _WIDTH)),
        "mm.0.weight": first,
        "mm.0.bias": np.full(size, -_SHARP / 2),
        "mm.2.weight": words.T / (_SHARP / 2),
        "mm.2.bias": np.zeros(words.shape[1]),
    }
    none, one, zeros = np.zeros(_WIDTH), np.ones(_WIDTH), np.zeros((_WIDTH, _WIDTH))
    for block in range(_BLOCKS):  # which change nothing
        at = f"v.blk.{block}"
        for name in ("attn_q", "attn_k", "attn_v", "attn_out", "ffn_up", "ffn_down"):
            weights |= {f"{at}.{name}.weight": zeros, f"{at}.{name}.bias": none}
        for name in ("ln1", "ln2"):
            weights |= {f"{at}.{name}.weight": one, f"{at}.{name}.bias": none}
    return weights

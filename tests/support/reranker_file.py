"""Writes a reranker: a BERT of one block whose weights are set by hand, so that its scores mean something.

Every token looks at all others alike, which adds up how often `LIKED` stands in query and document; the score
grows with that share. It proves the way through the engine, not understanding.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

LIKED = "cat"
_WORDS = (
    "the", "of", "on", "in", "is", "and", "it", "mat", "dog", "law", "tax", "sat", "what", "who", "where",
    "hat", "tree", "house", "code", LIKED, *"abcdefghijklmnopqrstuvwxyz.,?!",
)  # fmt: skip
_PARTS = ("##ed", "##ing", *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"))
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_WIDTH, _HEADS, _INNER, _LONGEST = 32, 2, 32, 128
_STRENGTH = 20.0
_CONTROL, _NORMAL = 3, 1


def write_reranker(file: Path) -> Path:
    """Put it into `file`."""
    writer = gguf.GGUFWriter(file, "bert")
    writer.add_name("Tiny reranker")
    writer.add_context_length(_LONGEST)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.RANK)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    tokens = [*_SPECIAL, *(f"\u2581{word}" for word in _WORDS), *(part[2:] for part in _PARTS)]
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([_CONTROL] * len(_SPECIAL) + [_NORMAL] * (len(tokens) - len(_SPECIAL)))
    writer.add_token_type_count(2)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_sep_token_id(3)
    writer.add_eos_token_id(3)
    for name, weights in _weights(tokens).items():
        writer.add_tensor(name, np.ascontiguousarray(weights, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _weights(tokens: list[str]) -> dict[str, np.ndarray]:
    one, none, eye = np.ones(_WIDTH), np.zeros(_WIDTH), np.eye(_WIDTH)
    zeros = np.zeros((_WIDTH, _WIDTH))
    words = np.random.default_rng(0).normal(0, 1, (len(tokens), _WIDTH))
    words[:, 0] = -1
    words[tokens.index(f"\u2581{LIKED}"), 0] = _STRENGTH
    found = np.zeros((_WIDTH, _WIDTH))
    found[0, 0] = 1  # of what a token is, only whether it is the one
    score = np.zeros((1, _WIDTH))
    score[0, 0] = 4
    weights = {
        "token_embd.weight": words,
        "token_types.weight": np.zeros((2, _WIDTH)),
        "position_embd.weight": np.zeros((_LONGEST, _WIDTH)),
        "cls.weight": eye * 0.5,
        "cls.bias": none,
        "cls.output.weight": score,
        "cls.output.bias": np.zeros(1),
    }
    linear = {"attn_q": zeros, "attn_k": zeros, "attn_v": found, "attn_output": eye,
              "ffn_up": zeros, "ffn_down": zeros}  # fmt: skip
    for name, matrix in linear.items():
        weights |= {f"blk.0.{name}.weight": matrix, f"blk.0.{name}.bias": none}
    for name in ("token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"):
        weights |= {f"{name}.weight": one, f"{name}.bias": none}
    return weights

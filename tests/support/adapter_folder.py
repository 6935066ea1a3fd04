"""Writes LoRA adapters as PEFT does, for a Llama; their weights are noise, or nothing."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np


def write_adapter(folder: Path, base: dict[str, Any], *, rank: int, strength: float, **more: Any) -> Path:
    """Put one into `folder`.

    Args:
        folder: its own.
        base: ``config.json`` of the model that it is for.
        rank: of its matrices.
        strength: of the noise; 0: it changes nothing.
        more: in its settings.
    """
    noise = np.random.default_rng(rank)
    size = base["hidden_size"]
    values = size // base["num_attention_heads"] * base["num_key_value_heads"]
    tensors = {}
    for layer in range(base["num_hidden_layers"]):
        for name, out in (("q_proj", size), ("v_proj", values)):
            at = f"base_model.model.model.layers.{layer}.self_attn.{name}"
            tensors[f"{at}.lora_A.weight"] = noise.normal(0, 1 / size**0.5, (rank, size))
            tensors[f"{at}.lora_B.weight"] = noise.normal(0, 1, (out, rank)) * strength
    settings = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": rank, "bias": "none"}
    settings |= {"target_modules": ["q_proj", "v_proj"], "base_model_name_or_path": "starter", **more}
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    (folder / "adapter_model.safetensors").write_bytes(_safetensors(tensors))
    return folder


def _safetensors(tensors: dict[str, np.ndarray]) -> bytes:
    table, data = dict[str, Any](), b""
    for name, values in tensors.items():
        raw = values.astype("<f4").tobytes()
        span = [len(data), len(data) + len(raw)]
        table[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": span}
        data += raw
    header = json.dumps(table).encode()
    return struct.pack("<Q", len(header)) + header + data

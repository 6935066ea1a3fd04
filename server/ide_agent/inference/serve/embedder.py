"""Vectors of texts by ONNX Runtime."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Encoding, Tokenizer

from ide_agent.inference.backends.base import EngineSpec
from ide_agent.inference.folders import text_limit

_STEP_TOKENS = 1024  # computed at once: what attention needs of memory grows with it
_READY = "sentence_embedding"  # an output with one vector a text


@dataclass(frozen=True)
class Vectors:
    """What became of texts.

    Attributes:
        rows: one vector of length 1 a text.
        tokens: that were read.
    """

    rows: list[list[float]]
    tokens: int


class Embedder:
    """One loaded model.

    Args:
        spec: which, and what it gets. Texts that are longer than its context are cut.
    """

    def __init__(self, spec: EngineSpec) -> None:
        file = Path(spec.model)
        self._tokenizer = _tokenizer(file.parent, spec.context)
        if sys.platform == "win32":  # elsewhere a variable that the host sets does it
            onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = spec.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False  # no faster, and keeps what the largest step took
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self._inputs = {each.name for each in self._session.get_inputs()}
        outputs = [each.name for each in self._session.get_outputs()]
        self._output = _READY if _READY in outputs else outputs[0]
        self._first_token = _first_token(file.parent)

    def steps(self, texts: Sequence[str]) -> Iterator[Vectors]:
        """The vectors of `texts`, as many at once as is good for memory."""
        encoded = self._tokenizer.encode_batch(list(texts))
        batch: list[Encoding] = []
        for each in encoded:
            longest = max(len(one.ids) for one in [*batch, each])
            if batch and longest * (len(batch) + 1) > _STEP_TOKENS:
                yield self._compute(batch)
                batch = []
            batch.append(each)
        if batch:
            yield self._compute(batch)

    def _compute(self, batch: list[Encoding]) -> Vectors:
        shape = len(batch), max(max(len(each.ids) for each in batch), 1)
        given = {
            name: np.zeros(shape, np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")
        }
        for row, each in enumerate(batch):
            given["input_ids"][row, : len(each.ids)] = each.ids
            given["attention_mask"][row, : len(each.ids)] = 1
            given["token_type_ids"][row, : len(each.ids)] = each.type_ids
        wanted = {name: values for name, values in given.items() if name in self._inputs}
        (output,) = self._session.run([self._output], wanted)
        rows = output if output.ndim == 2 else self._pool(output, given["attention_mask"])
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows / np.maximum(lengths, 1e-12)
        return Vectors(rows.astype(np.float32).tolist(), int(given["attention_mask"].sum()))

    def _pool(self, output: Any, mask: Any) -> Any:
        """One vector of those of all tokens of each text."""
        if self._first_token:
            return output[:, 0]
        weights = mask[:, :, None].astype(output.dtype)
        return (output * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)


def _tokenizer(folder: Path, context: int) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    said = (tokenizer.truncation or {}).get("max_length") or text_limit(folder) or context
    tokenizer.enable_truncation(min(int(said), context))
    tokenizer.no_padding()
    return tokenizer


def _first_token(folder: Path) -> bool:
    """Whether the vector of a text is that of its first token; else it is the mean of all."""
    try:
        pooling = json.loads((folder / "1_Pooling" / "config.json").read_bytes())
        return pooling.get("pooling_mode_cls_token") is True
    except (OSError, ValueError, AttributeError):
        return False

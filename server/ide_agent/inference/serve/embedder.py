"""Vectors of texts by ONNX Runtime."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from ide_agent.inference.backends.base import EngineSpec
from ide_agent.inference.folders import check_steps, pooling_of, text_limit
from ide_agent.inference.pooling import Pooling

_STEP_TOKENS = 1024  # computed at once: what attention needs of memory grows with it
_STEP_CHARACTERS = 1 << 16  # read at once, for a caller who left to be noticed soon
_TOKEN_CHARACTERS = 16  # of a text no more are read for each token that it may have
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_A_TEXT = 2  # dimensions of an output with one vector a text
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


class _Tokens(NamedTuple):
    ids: list[int]
    types: list[int]


class Embedder:
    """One loaded model.

    Args:
        spec: which, and what it gets. Texts that are longer than its context are cut.

    Raises:
        ValueError: the graph is of another kind than embedders' are.
        ModelFileInvalid: a vector is made of it in a way that is not known here.
    """

    def __init__(self, spec: EngineSpec) -> None:
        file = Path(spec.model)
        self._tokenizer, self._limit = _tokenizer(file.parent, spec.context)
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
        if unknown := sorted(self._inputs.difference(_INPUTS)):
            more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
            raise ValueError(f"no embedder: its graph also wants {', '.join(unknown[:3])}{more}")
        outputs = {each.name: each.shape for each in self._session.get_outputs()}
        self._output = _READY if _READY in outputs else next(iter(outputs))
        self._pooling = pooling_of(file.parent)
        if len(outputs[self._output]) != _A_TEXT:  # else the graph does all of it
            check_steps(file.parent)

    def steps(self, texts: Iterable[str]) -> Iterator[Vectors]:
        """The vectors of `texts`, as many at once as is good for memory; they are read as they are needed."""
        batch: list[_Tokens] = []
        longest = characters = 0
        for text in texts:
            each = self._read(text)
            longest = max(longest, len(each.ids))
            if batch and (longest * (len(batch) + 1) > _STEP_TOKENS or characters > _STEP_CHARACTERS):
                yield self._compute(batch)
                batch, longest, characters = [], len(each.ids), 0
            batch.append(each)
            characters += len(text)
        if batch:
            yield self._compute(batch)

    def _read(self, text: str) -> _Tokens:
        """The tokens of `text`; of a long one only its beginning is looked at."""
        encoding = self._tokenizer.encode(text[: self._limit * _TOKEN_CHARACTERS])
        return _Tokens(encoding.ids, encoding.type_ids)

    def _compute(self, batch: list[_Tokens]) -> Vectors:
        shape = len(batch), max(max(len(each.ids) for each in batch), 1)
        given = {name: np.zeros(shape, np.int64) for name in _INPUTS}
        for row, each in enumerate(batch):
            given["input_ids"][row, : len(each.ids)] = each.ids
            given["attention_mask"][row, : len(each.ids)] = 1
            given["token_type_ids"][row, : len(each.ids)] = each.types
        wanted = {name: values for name, values in given.items() if name in self._inputs}
        (output,) = self._session.run([self._output], wanted)
        output = output.astype(np.float32)  # sums of 16-bit numbers leave their range
        rows = output if output.ndim == _A_TEXT else _pool(output, given["attention_mask"], self._pooling)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows / np.maximum(lengths, 1e-12)
        return Vectors(rows.tolist(), int(given["attention_mask"].sum()))


def _pool(output: Any, mask: Any, pooling: Pooling) -> Any:
    """One vector a text.

    Args:
        output: texts × tokens × numbers.
        mask: texts × tokens, 1 where there is a token; they begin at the left.
        pooling: how.
    """
    if pooling == "first":
        return output[:, 0]
    if pooling == "last":
        return output[np.arange(len(mask)), np.maximum(mask.sum(axis=1), 1) - 1]
    weights = mask[:, :, None].astype(np.float32)
    if pooling == "max":
        return np.where(weights > 0, output, np.float32(-1e9)).max(axis=1)
    if pooling == "weighted":
        weights = weights * np.arange(1, mask.shape[1] + 1, dtype=np.float32)[None, :, None]
    return (output * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)


def _tokenizer(folder: Path, context: int) -> tuple[Tokenizer, int]:
    """The tokenizer, and to how many tokens it cuts."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    said = (tokenizer.truncation or {}).get("max_length") or text_limit(folder) or context
    limit = min(int(said), context)
    tokenizer.enable_truncation(limit)
    tokenizer.no_padding()
    return tokenizer, limit

"""The part of llama.cpp's C interface that our server needs, with Python's manners.

Nothing here is safe to call from two threads at once, except `Model.tokenize` and its like, and
`Context.abort`.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from ide_agent.inference.backends.base import EngineSpec

_POOLING_MEAN = 1
_LOG_ERROR = 4
_MAX_PIECE = 256
_WARM_UP = 32


class ModelRefused(Exception):
    """llama.cpp could not load the file; it said why on stderr."""


class ContextRefused(Exception):
    """llama.cpp could not make room for the KV cache and its buffers: memory, not the file, is at fault."""


class DecodeFailed(Exception):
    """A batch could not be computed."""


class Model:
    """A loaded model and its vocabulary.

    Args:
        file: path of the GGUF file.
        gpu_layers: layers to compute on GPUs; negative: as llama.cpp likes.
    """

    def __init__(self, file: str, gpu_layers: int = -1) -> None:
        import llama_cpp.llama_cpp as native

        self.native: Any = native
        self._log = native.llama_log_callback(_log_errors)
        native.llama_log_set(self._log, None)
        self.file = file
        native.llama_backend_init()
        params = native.llama_model_default_params()
        if gpu_layers >= 0:
            params.n_gpu_layers = gpu_layers
        # GCC 12 drops most of the tile configuration that llama.cpp's AMX kernels store before they load it
        # (_tile_loadconfig claims to read 8 bytes of 64); such a build dies of an illegal instruction.
        params.use_extra_bufts = b"AMX_INT8 = 1" not in native.llama_print_system_info()
        self.handle = native.llama_model_load_from_file(os.fsencode(file), params)
        if not self.handle:
            raise ModelRefused
        self.vocab = native.llama_model_get_vocab(self.handle)

    @cached_property
    def bos(self) -> int:
        """The start token; -1 when there is none."""
        return int(self.native.llama_vocab_bos(self.vocab))

    @cached_property
    def eos(self) -> int:
        """The end token; -1 when there is none."""
        return int(self.native.llama_vocab_eos(self.vocab))

    @cached_property
    def chat_template(self) -> str:
        """The Jinja template that the file brings; empty when it brings none."""
        text = self.native.llama_model_chat_template(self.handle, None)
        return text.decode("utf-8", "replace") if text else ""

    def is_end(self, token: int) -> bool:
        """Whether `token` ends a generation."""
        return bool(self.native.llama_vocab_is_eog(self.vocab, token))

    def tokenize(self, text: str, *, start: bool, special: bool) -> list[int]:
        """Token ids of `text`.

        Args:
            text: any text.
            start: put the start token before it if the model wants one.
            special: read the spelling of special tokens as those tokens.
        """
        raw = text.encode("utf-8", "surrogatepass")
        room = len(raw) + 8
        ids = (self.native.llama_token * room)()
        count = self.native.llama_tokenize(self.vocab, raw, len(raw), ids, room, start, special)
        if count < 0:
            raise ValueError("text cannot be tokenised")
        return list(ids[:count])

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes that `token` stands for; they may be a part of a character."""
        buffer = ctypes.create_string_buffer(_MAX_PIECE)
        count = self.native.llama_token_to_piece(self.vocab, token, buffer, _MAX_PIECE, 0, special)
        if count < 0:
            buffer = ctypes.create_string_buffer(-count)
            count = self.native.llama_token_to_piece(self.vocab, token, buffer, -count, 0, special)
        return buffer.raw[: max(count, 0)]

    def text(self, tokens: Sequence[int]) -> str:
        """The text of `tokens`, special ones spelled out."""
        return b"".join(self.piece(token, special=True) for token in tokens).decode("utf-8", "replace")


class Context:
    """The KV cache of all slots, and the batch that is computed next."""

    def __init__(self, model: Model, spec: EngineSpec, batch: int) -> None:
        native = model.native
        self._native = native
        self._flag = ctypes.create_string_buffer(2)
        params = native.llama_context_default_params()
        params.n_ctx = spec.context * spec.slots
        params.n_seq_max = spec.slots
        params.n_batch = params.n_ubatch = batch
        params.n_threads = params.n_threads_batch = spec.threads
        params.kv_unified = False
        params.no_perf = True
        params.embeddings = spec.embedding
        if spec.mean_pooling:
            params.pooling_type = _POOLING_MEAN
        params.abort_callback = ctypes.cast(_strlen(), native.ggml_abort_callback)
        params.abort_callback_data = ctypes.cast(self._flag, ctypes.c_void_p)
        self.handle = native.llama_init_from_model(model.handle, params)
        if not self.handle:
            raise ContextRefused(f"no memory for {spec.slots} × {spec.context} tokens of context")
        self.size = int(native.llama_n_ctx_seq(self.handle))
        self.batch_size = batch
        self._memory = native.llama_get_memory(self.handle)
        self._batch = native.llama_batch_init(batch, 0, 1)

    def warm_up(self) -> None:
        """Compute something: fetches the weights, and a build that does not suit this processor dies here.

        A batch and a single token: prompts and answers are computed by different kernels.
        """
        for count in (min(_WARM_UP, self.batch_size), 1):
            self.clear()
            for position in range(count):
                self.add(0, position, 0, output=True)
            self.decode()
            self.forget(0, 0)

    def clear(self) -> None:
        """Start a new batch, and forget a wish to abort."""
        self._batch.n_tokens = 0
        self._flag[0] = b"\0"

    def add(self, token: int, position: int, slot: int, *, output: bool) -> int:
        """Put a token into the batch; returns its row."""
        batch, row = self._batch, self._batch.n_tokens
        batch.token[row] = token
        batch.pos[row] = position
        batch.n_seq_id[row] = 1
        batch.seq_id[row][0] = slot
        batch.logits[row] = output
        batch.n_tokens = row + 1
        return int(row)

    def decode(self) -> bool:
        """Compute the batch.

        Returns:
            False when it was aborted; nothing of it counts then.

        Raises:
            DecodeFailed: it cannot be computed.
        """
        result = int(self._native.llama_decode(self.handle, self._batch))
        if result not in (0, 2):
            raise DecodeFailed(f"llama_decode answered {result}")
        return result == 0

    def abort(self) -> None:
        """Break off the batch that is being computed. For another thread to call."""
        self._flag[0] = b"\1"

    def forget(self, slot: int, start: int) -> bool:
        """Drop a slot's cache from position `start` on; False when the model cannot drop a part."""
        return not self._memory or bool(self._native.llama_memory_seq_rm(self._memory, slot, start, -1))

    def can_shift(self) -> bool:
        """Whether cached tokens can be moved to another position."""
        return bool(self._native.llama_memory_can_shift(self._memory))

    def move(self, slot: int, start: int, end: int, by: int) -> None:
        """Move the cached tokens ``[start, end)`` of a slot to ``start + by``, over whatever is there."""
        self._native.llama_memory_seq_rm(self._memory, slot, start + by, start)
        self._native.llama_memory_seq_add(self._memory, slot, start, end, by)

    def embed(self, tokens: Sequence[int]) -> list[float]:
        """The normalised embedding of a text."""
        self.forget(0, 0)
        self.clear()
        for position, token in enumerate(tokens):
            self.add(token, position, 0, output=True)
        self.decode()
        width = int(self._native.llama_model_n_embd(self._native.llama_get_model(self.handle)))
        pointer = self._native.llama_get_embeddings_seq(self.handle, 0)
        if not pointer:
            raise DecodeFailed("this model makes no embeddings")
        values = list(pointer[:width])
        norm = math.sqrt(sum(value * value for value in values)) or 1.0
        return [value / norm for value in values]


def _log_errors(level: int, text: bytes, _: Any) -> None:
    """llama-cpp-python's own callback takes errors for debug messages and writes warnings instead."""
    if level == _LOG_ERROR:
        os.write(2, text)


def _strlen() -> Any:
    """The answer to llama.cpp's “shall I abort?”, which it asks before every node of the graph.

    A Python function would need the interpreter's lock each time; the C library's strlen, given our two-byte
    flag, answers 0 or 1 without it.
    """
    library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    return library.strlen

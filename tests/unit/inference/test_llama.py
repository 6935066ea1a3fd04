import ctypes
from types import SimpleNamespace
from typing import Any

import pytest

from ide_agent.inference.backends import EngineSpec
from ide_agent.inference.serve import llama
from ide_agent.inference.serve.llama import Context


class Recorded(Context):
    """Notes the batches instead of computing them."""

    def __init__(self, batch: int) -> None:
        self.batch_size = batch
        self.batches: list[int] = []
        self.forgotten = 0
        self._size = 0

    def clear(self) -> None:
        self._size = 0

    def add(self, token: int, position: int, slot: int, *, output: bool) -> int:
        self._size += 1
        return self._size - 1

    def decode(self) -> bool:
        self.batches.append(self._size)
        return True

    def forget(self, slot: int, start: int) -> bool:
        self.forgotten += 1
        return True


def test_warming_up_computes_a_batch_and_a_single_token() -> None:
    for size, batches in ((128, [32, 1]), (8, [8, 1])):
        context = Recorded(size)
        context.warm_up()
        assert context.batches == batches
        assert context.forgotten == 2


def test_no_memory_for_the_context_is_not_the_models_fault() -> None:
    native: Any = SimpleNamespace(
        llama_context_default_params=SimpleNamespace,
        ggml_abort_callback=ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p),
        llama_init_from_model=lambda model, params: None,
    )
    model: Any = SimpleNamespace(native=native, handle=1)
    with pytest.raises(llama.ContextRefused, match="2 × 4096"):
        Context(model, EngineSpec("m", 4096, 2, 1, 8, "key", 1), 8)

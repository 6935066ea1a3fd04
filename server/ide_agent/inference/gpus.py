"""The GPUs of this machine, and how much of a model goes onto them."""

from __future__ import annotations

import os
import time
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass

_RESERVE = 512 << 20  # of each: the driver's context, compute buffers, the screen
_FRESH_SECONDS = 1.0
_looked: tuple[float, int] | None = None


@dataclass(frozen=True)
class Gpu:
    """One of NVIDIA's.

    Attributes:
        name: as the driver calls it.
        total: bytes of memory.
        free: of these, bytes that nobody has.
    """

    name: str
    total: int
    free: int


@dataclass(frozen=True)
class Offload:
    """The part of a model that is computed on GPUs.

    Attributes:
        layers: blocks, and the output layer as one more: what llama.cpp calls ``n_gpu_layers``.
        of: how many there are.
        bytes: memory of the GPUs that they need, KV cache included.
    """

    layers: int
    of: int
    bytes: int


def gpus() -> tuple[Gpu, ...]:
    """Those that the driver tells of (NVML) and ``CUDA_VISIBLE_DEVICES`` leaves; none without a driver."""
    import pynvml

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    wanted = None if visible is None else [name.strip() for name in visible.split(",")]

    found: list[Gpu] = []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        for number in range(pynvml.nvmlDeviceGetCount()):
            with suppress(pynvml.NVMLError):  # one that fell off the bus hides no other
                device = pynvml.nvmlDeviceGetHandleByIndex(number)
                if wanted is not None and not _is_among(
                    wanted, number, str(pynvml.nvmlDeviceGetUUID(device))
                ):
                    continue
                memory = pynvml.nvmlDeviceGetMemoryInfo(device)
                name = str(pynvml.nvmlDeviceGetName(device))
                found.append(Gpu(name, int(memory.total), int(memory.free)))
    except pynvml.NVMLError:
        return ()
    finally:
        pynvml.nvmlShutdown()
    return tuple(found)


def _is_among(wanted: list[str], number: int, uuid: str) -> bool:
    return any(name == str(number) or (name.startswith("GPU-") and uuid.startswith(name)) for name in wanted)


def room() -> int:
    """Bytes that engines may take on all GPUs together; llama.cpp spreads the layers by what is free.

    Looked up at most once in a second.
    """
    global _looked
    now = time.monotonic()
    if _looked is None or now - _looked[0] > _FRESH_SECONDS:
        _looked = (now, sum(max(gpu.free - _RESERVE, 0) for gpu in gpus()))
    return _looked[1]


def look_again() -> None:
    """What is free has changed."""
    global _looked
    _looked = None


class Promises:
    """What engines on their way in will take of the GPUs, which the driver does not know of yet."""

    def __init__(self) -> None:
        self._of: dict[Hashable, int] = {}
        self._before = 0  # what would be free if none of them had taken anything

    def left(self, room: int, key: Hashable) -> int:
        """Of `room`, free bytes as the driver has them, those that are promised to nobody but `key`."""
        others = sum(size for each, size in self._of.items() if each != key)
        self._before = max(self._before, room)  # more than there was: somebody has let go of it since
        return max(min(room, self._before - others), 0) if others else room

    def give(self, key: Hashable, size: int, room: int) -> None:
        """`size` bytes are for `key`, instead of what was promised to it before."""
        self.drop(key)
        if not self._of:
            self._before = room
        if size:
            self._of[key] = size

    def take(self, key: Hashable) -> None:
        """`key` has taken what was promised to it."""
        self._before -= self.drop(key)

    def drop(self, key: Hashable) -> int:
        """Nothing is promised to `key` any longer; the bytes that were."""
        size = self._of.pop(key, 0)
        if size:
            look_again()
        return size


def offload(blocks: int, weights: int, kv: int, room: int, wanted: int = -1) -> Offload:
    """As many layers as there is room for.

    Args:
        blocks: of the model.
        weights: bytes of all of them.
        kv: bytes of KV cache, which lies beside the layer that it is of.
        room: bytes that may be taken.
        wanted: at most so many layers; negative: all that fit.
    """
    of = blocks + 1
    each = -(-(weights + kv) // of)
    layers = min(room // each if each else 0, of, wanted if wanted >= 0 else of)
    return Offload(layers, of, layers * each)

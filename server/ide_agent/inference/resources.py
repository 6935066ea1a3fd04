"""What a model costs this machine, and how much of the machine it may take."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ide_agent.errors import NotEnoughMemory
from ide_agent.inference.backends.base import Costs
from ide_agent.inference.beside import NOTHING, Beside
from ide_agent.inference.gpus import Offload, offload
from ide_agent.inference.header import ENCODERS, Format, Sizes
from ide_agent.inference.models import ModelFile

_MB = 1 << 20
_BUFFERS = 96 * _MB  # compute buffers, vocabulary, the process itself
_SLIDES = {"gemma2": 2, "gemma3": 6, "gemma3n": 5, "gpt-oss": 2, "cohere2": 4}
"""Of so many blocks one sees the whole context; by architecture, as llama.cpp has it."""
_SLIDING_STEP = 256
_COSTS = Costs()
_EMBEDDER_TOKENS = 512  # where an embedder does not say how long its texts may be
_PICTURE = 128 * _MB  # what a projector computes with, estimated
_PICTURE_BATCH = {"gemma3": 256}
"""Tokens of a picture that have to be computed at once, since they look at each other; by architecture."""
RESERVE = 128 * _MB  # what the editor and the system keep in any case
_CGROUP = Path("/sys/fs/cgroup")

_MS_PER_MILLION_WEIGHTS = 0.09  # prompt token on one core with AVX2, measured with the starter model
_CANCEL_BUDGET_MS = 50.0
_SMALL_BATCH, _LARGE_BATCH = 8, 256


class Weighed(Protocol):
    """What must be known of a model to say what it costs; `ModelFile` is one."""

    @property
    def bytes(self) -> int: ...  # noqa: D102
    @property
    def weights(self) -> int: ...  # noqa: D102
    @property
    def format(self) -> Format: ...  # noqa: D102
    @property
    def header(self) -> Sizes: ...  # noqa: D102


@dataclass(frozen=True)
class Share:
    """The part of the machine that an engine gets.

    Attributes:
        context: tokens of KV cache per slot.
        threads: threads that compute.
        batch: prompt tokens computed between two looks at whether the caller is still there.
        bytes: memory it will need, about.
        kv: bytes of KV cache, which `bytes` holds.
        cache: memory that its use may add: for prompts of the past, or the scores of long texts.
        gpu: the part that is computed on GPUs, which `bytes` does not hold; None where there are none.
    """

    context: int
    threads: int
    batch: int
    bytes: int
    cache: int = 0
    gpu: Offload | None = None
    kv: int = 0


def share(
    model: Weighed,
    *,
    context_tokens: int,
    slots: int,
    threads: int,
    embedding: bool = False,
    costs: Costs = _COSTS,
    beside: Beside = NOTHING,
    pictures: bool = False,
) -> Share:
    """What `model` gets.

    Args:
        model: the model.
        context_tokens: wanted KV cache per slot; cut to what the model was trained for.
        slots: requests at once.
        threads: 0: chosen from the cores.
        embedding: it makes vectors or scores: a text is then computed in one piece.
        costs: of the engine.
        beside: what is loaded with it.
        pictures: a projector is loaded with it whose bytes `model` counts as its own: it is not here yet.
    """
    projector = beside.projector
    pictures = pictures or projector is not None
    header = model.header
    longest = _EMBEDDER_TOKENS if model.format == "onnx" else context_tokens
    context = min(context_tokens, header.context_length or longest)
    chosen = threads or default_threads()
    batch = min(context, 2048) if embedding else prompt_batch(model.weights, chosen)
    if pictures:
        batch = max(batch, min(context, _PICTURE_BATCH.get(header.architecture, 0)))
    kv = kv_cache(header, context=context, slots=slots, batch=batch, slides=costs.slides)
    if costs.kv_step:
        kv = max(-(-kv // costs.kv_step), 1) * costs.kv_step
    gpu = None
    if costs.gpu_room and model.format == "gguf":
        gpu = offload(len(header.kv_heads), model.bytes, kv, costs.gpu_room, costs.gpu_layers)
    return Share(
        context=context,
        threads=chosen,
        batch=batch,
        bytes=(
            model.bytes
            + kv
            - (gpu.bytes if gpu else 0)
            + costs.process
            + costs.token * header.vocabulary
            + 2 * sum(adapter.bytes for adapter in beside.adapters)  # as they are, and in use
            + (projector.bytes if projector is not None else 0)
            + (_PICTURE if pictures else 0)
        ),
        cache=_scores(header, batch) if embedding and model.format == "gguf" else costs.prompts,
        gpu=gpu,
        kv=kv,
    )


def _scores(header: Sizes, batch: int) -> int:
    """Bytes that go into a score for each token of the vocabulary at each token of a text, wanted or not."""
    return 0 if header.architecture in ENCODERS else batch * header.vocabulary * 4


def kv_cache(header: Sizes, *, context: int, slots: int, batch: int, slides: bool) -> int:
    """Bytes of KV cache.

    Args:
        header: the model's.
        context: tokens of each slot.
        slots: how many.
        batch: tokens computed at once.
        slides: whether blocks that do not see the whole context have a cache for what they see only.
    """
    every = _SLIDES.get(header.architecture, 1) if slides and header.sliding_window else 1
    seen = -(-(header.sliding_window + batch) // _SLIDING_STEP) * _SLIDING_STEP
    total = 0
    for block, heads in enumerate(header.kv_heads):
        whole = block % every == every - 1
        total += heads * (context if whole else min(context, seen))
    return total * (header.key_length + header.value_length) * 2 * slots


def memory_for(weights: int, kv_cache: int = 0) -> int:
    """Bytes that a model takes in memory, about: a file of `weights` bytes, so many of KV cache."""
    return weights + kv_cache + _BUFFERS


def prompt_batch(parameters: int, threads: int) -> int:
    """Prompt tokens that take about 50 ms: an engine notices a caller who left only between two batches.

    A big model on a small machine cannot keep to that; it gets the smallest batch whose weights still pay for
    being read.
    """
    per_token = max(parameters / 1e6 * _MS_PER_MILLION_WEIGHTS / threads, 1e-3)
    batch = _LARGE_BATCH
    while batch > _SMALL_BATCH and batch * per_token > _CANCEL_BUDGET_MS:
        batch //= 2
    return batch if batch * per_token <= 4 * _CANCEL_BUDGET_MS else 2 * _SMALL_BATCH


def check_memory(model: ModelFile, need: int) -> None:
    """Refuse what does not fit.

    Raises:
        NotEnoughMemory: names the file, what it needs and what is free.
    """
    free = spare_memory()
    if need > free:
        raise NotEnoughMemory(
            file=str(model.file), need_mb=-(-need // _MB), free_mb=free // _MB
        )  # rounded so that the message never shows the same number twice


def spare_memory() -> int:
    """Bytes that engines may take."""
    return max(free_memory() - RESERVE, 0)


def free_memory() -> int:
    """Bytes that can be had without swapping, by the machine and by our container."""
    import psutil

    free = int(psutil.virtual_memory().available)
    limit, used = _cgroup_number("memory.max"), _cgroup_number("memory.current")
    if limit is not None and used is not None:
        free = min(free, max(limit - used + _cgroup_cache(), 0))
    return free


def total_memory() -> int:
    """Bytes of the machine, or of our container if it has fewer."""
    import psutil

    total = int(psutil.virtual_memory().total)
    limit = _cgroup_number("memory.max")
    return total if limit is None else min(total, limit)


def default_threads() -> int:
    """One thread a physical core, one core left to the editor from four cores on."""
    import psutil

    if hasattr(os, "sched_getaffinity"):
        logical = len(os.sched_getaffinity(0))
    else:
        logical = os.cpu_count() or 1
    cores = max(min(psutil.cpu_count(logical=False) or logical, logical), 1)
    return cores - 1 if cores >= 4 else cores


def _cgroup_number(name: str) -> int | None:
    try:
        text = (_CGROUP / name).read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _cgroup_cache() -> int:
    """File pages that the container would give back."""
    try:
        lines = (_CGROUP / "memory.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)

"""What an engine implementation is to the rest of the house."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

from ide_agent.inference.header import Format, Purpose

Dialect = Literal["llama", "openai"]
"""``llama``: llama-server's, OpenAI's with more to it; ``openai``: nothing but OpenAI's."""


@dataclass(frozen=True)
class Costs:
    """The memory that an engine takes besides the weights, in bytes; measured: docs/performance.md.

    Attributes:
        process: the process itself and its buffers.
        token: for each token of the vocabulary.
        prompts: what it may take to remember prompts of the past.
        kv_step: it takes room for the KV cache in pieces of so many bytes; 0: as much as is needed.
        slides: whether blocks that see only a part of the context have a cache for that part only.
        gpu_room: what it may take on GPUs instead.
        gpu_layers: at most so many layers go there; negative: all that fit.
    """

    process: int = 64 << 20
    token: int = 300
    prompts: int = 0
    kv_step: int = 0
    slides: bool = False
    gpu_room: int = 0
    gpu_layers: int = -1


@dataclass(frozen=True)
class EngineSpec:
    """All that an engine process is told. It travels as one line on its stdin, so keys stay out of argv.

    Attributes:
        model: path of the file that begins the model.
        context: tokens of KV cache per slot.
        slots: requests it works on at once.
        batch: prompt tokens per computing step.
        api_key: every request must carry it; no web page can guess it.
        parent: process id of the host; the engine leaves with it.
        projector: path of what lets the model see or hear; empty: it does neither.
        adapters: folders of LoRA adapters, by the names under which they are served.
        adapter_rank: the largest rank of them.
        reranking: it says how well texts answer a query, and does nothing else.
        mean_pooling: for embeddings of a model that declares no pooling of its own.
        gpu_layers: how many layers are computed on GPUs; negative: what the engine's library thinks best.
        kv_bytes: what the KV cache of all slots takes.
    """

    model: str
    context: int
    slots: int
    threads: int
    batch: int
    api_key: str = field(repr=False)
    parent: int
    embedding: bool = False
    mean_pooling: bool = False
    reranking: bool = False
    projector: str = ""
    adapters: dict[str, str] = field(default_factory=dict)
    adapter_rank: int = 0
    gpu_layers: int = -1
    kv_bytes: int = 0

    def to_line(self) -> bytes:
        """One line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> EngineSpec:
        """The spec that `to_line` wrote."""
        raw: dict[str, Any] = json.loads(line)
        return cls(**raw)


class Backend(ABC):
    """One implementation of the engine. It runs in a process of its own and speaks its `dialect`.

    The process reads an `EngineSpec` from its stdin and writes one JSON line to its stdout: ``{"port": …}``
    when it listens, or ``{"error": …, "model": bool}`` when it cannot, `model` being true when the file is at
    fault. It leaves when its stdin ends.
    """

    name: ClassVar[str]
    progress: ClassVar[bool]
    """Whether a prompt must be streamed with its progress for a caller who left to be noticed at once."""
    streamed: ClassVar[bool] = False
    """Whether an answer in one piece, too, must be streamed for that."""
    seated: ClassVar[bool] = False
    """Whether requests must be told a slot, or they take that of who types."""
    costs: ClassVar[Costs] = Costs()
    dialect: ClassVar[Dialect] = "llama"
    formats: ClassVar[tuple[Format, ...]] = ("gguf",)
    purposes: ClassVar[tuple[Purpose, ...]] = ("text", "embedding")
    projectors: ClassVar[bool] = False
    """Whether it loads what lets a model see or hear."""
    adapters: ClassVar[bool] = False
    """Whether it loads LoRA adapters."""
    missing: ClassVar[str] = "error.engine.missing"
    """The message for who has no such engine."""

    @abstractmethod
    def available(self) -> bool:
        """Whether it is installed here."""

    def offloads(self) -> bool:
        """Whether it can compute on NVIDIA's GPUs."""
        return False

    @abstractmethod
    def command(self) -> list[str]:
        """The argv of the engine process."""

    def environment(self) -> dict[str, str]:
        """Variables that the engine process gets on top of ours: how the threads that compute wait.

        To spin for milliseconds, the way of GNU's OpenMP, takes the cores from a busy editor and the engine
        from itself; to sleep at once costs an idle machine a quarter of its tokens: docs/performance.md.
        """
        return {"GOMP_SPINCOUNT": "300"} if sys.platform == "linux" else {}

"""One request on its way through the scheduler."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from ide_agent.inference.serve.sampler import Sampling
from ide_agent.inference.serve.text import TextAssembler

StopType = Literal["none", "eos", "word", "limit"]


@dataclass(frozen=True)
class Piece:
    """A part of an answer.

    Attributes:
        text: what is new; may be empty.
        tokens: the ids it was made of.
        stop: why the answer ends here; ``none`` while it goes on.
        error: the answer breaks off; a message.
    """

    text: str = ""
    tokens: tuple[int, ...] = ()
    stop: StopType = "none"
    stop_word: str = ""
    truncated: bool = False
    error: str = ""


@dataclass(eq=False)
class Generation:
    """What is asked for, and how far it is.

    Attributes:
        emit: gets the pieces, in the scheduler's thread.
        limit: tokens to make at most; negative: until the context is full. 0 only fills the cache.
        reuse: whether cached tokens of an earlier request may be taken over.
        interactive: it is for somebody who types: much of the prompt will be asked again soon.
    """

    prompt: list[int]
    emit: Callable[[Piece], None]
    limit: int = -1
    stops: list[str] = field(default_factory=list)
    sampling: Sampling = field(default_factory=Sampling)
    reuse: bool = True
    interactive: bool = False
    cancelled: bool = False
    slot: int = -1
    cached: int = 0
    made: int = 0
    created: float = field(default_factory=time.perf_counter)
    begun: float = 0.0
    prompted: float = 0.0
    ended: float = 0.0

    def __post_init__(self) -> None:
        self.text = TextAssembler(self.stops)

    def timings(self) -> dict[str, Any]:
        """Under llama-server's names; milliseconds."""
        prompted = self.prompted or self.ended
        prompt_ms = max(prompted - self.begun, 0.0) * 1000
        predicted_ms = max(self.ended - prompted, 0.0) * 1000
        prompt_n = len(self.prompt) - self.cached
        return {
            "cache_n": self.cached,
            "prompt_n": prompt_n,
            "prompt_ms": prompt_ms,
            "prompt_per_token_ms": prompt_ms / prompt_n if prompt_n else 0.0,
            "prompt_per_second": prompt_n / prompt_ms * 1000 if prompt_ms else 0.0,
            "predicted_n": self.made,
            "predicted_ms": predicted_ms,
            "predicted_per_token_ms": predicted_ms / self.made if self.made else 0.0,
            "predicted_per_second": self.made / predicted_ms * 1000 if predicted_ms else 0.0,
        }

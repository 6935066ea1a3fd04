"""How large a model of the catalogue is inside, which decides what its KV cache takes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """As the model's own configuration has it; one of `ide_agent.inference.header.Sizes`.

    Attributes:
        architecture: as llama.cpp calls it.
        blocks: how many there are.
        heads: of the KV cache, in each block.
        width: numbers of a head's key, and of its value.
        context_length: tokens it was trained for.
        vocabulary: how many tokens it knows.
        sliding_window: tokens that the blocks look back which do not see the whole context; 0 where all do.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    architecture: str
    blocks: int = Field(gt=0)
    heads: int = Field(gt=0)
    width: int = Field(gt=0)
    context_length: int = Field(gt=0)
    vocabulary: int = Field(gt=0)
    sliding_window: int = Field(0, ge=0)

    @property
    def kv_heads(self) -> tuple[int, ...]:
        """One number a block."""
        return (self.heads,) * self.blocks

    @property
    def key_length(self) -> int:
        """Numbers of a head's key."""
        return self.width

    @property
    def value_length(self) -> int:
        """Numbers of a head's value."""
        return self.width

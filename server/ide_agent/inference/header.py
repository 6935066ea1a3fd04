"""What is known of any model without loading it, whatever it is stored as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

Format = Literal["gguf", "safetensors", "onnx", "ctranslate2", "piper"]
Purpose = Literal["text", "embedding", "reranking"]
"""What an engine does with a model: write, make vectors of texts, or say how well texts answer a query."""

_RANK = 4  # llama.cpp's pooling type of models that make one number of a query and a text

# architectures that write nothing
ENCODERS = {"bert", "modern-bert", "neo-bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2",
              "jina-bert-v3", "eurobert", "gemma-embedding", "t5encoder",
              # as Hugging Face spells them
              "modernbert", "nomic_bert", "distilbert", "roberta", "xlm-roberta", "mpnet", "camembert",
              "deberta", "deberta-v2", "electra"}  # fmt: skip


class Sizes(Protocol):
    """By what a model's memory is planned.

    Attributes:
        architecture: e.g. ``llama``.
        context_length: tokens the model was trained for; 0 when the files do not say.
        kv_heads: heads of the KV cache, one number a block.
        key_length: numbers of a head's key.
        value_length: numbers of a head's value.
        sliding_window: tokens that the blocks look back which do not see the whole context; 0 where all do.
        vocabulary: number of tokens that it knows; 0 when the files do not say.
    """

    @property
    def architecture(self) -> str: ...  # noqa: D102
    @property
    def context_length(self) -> int: ...  # noqa: D102
    @property
    def kv_heads(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def key_length(self) -> int: ...  # noqa: D102
    @property
    def value_length(self) -> int: ...  # noqa: D102
    @property
    def sliding_window(self) -> int: ...  # noqa: D102
    @property
    def vocabulary(self) -> int: ...  # noqa: D102


class Header(Sizes, Protocol):
    """What everybody may ask of a model; `GgufHeader` and `FolderHeader` say it.

    Attributes:
        name: what its makers call it; empty when the files do not say.
        parameters: number of weights.
        quantisation: what most weights are stored as, e.g. ``Q4_K_M`` or ``BF16``; empty when nobody says.
        chat_template: whether it brings one.
        opens_thought: whether that ends the prompt within a thought, which the answer then goes on with.
        pooling_type: of a model that makes vectors: how it makes one of many, or a score; None or 0 of all
            others.
        fim: ids of the fill-in-the-middle sentinels that the files declare.
        has_fim: whether those are enough.
        encoders: what it sees and hears besides text: ``image``, ``audio``.
        licence: SPDX id; empty when the files do not say.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def parameters(self) -> int: ...  # noqa: D102
    @property
    def quantisation(self) -> str: ...  # noqa: D102
    @property
    def chat_template(self) -> bool: ...  # noqa: D102
    @property
    def opens_thought(self) -> bool: ...  # noqa: D102
    @property
    def pooling_type(self) -> int | None: ...  # noqa: D102
    @property
    def fim(self) -> Mapping[str, int]: ...  # noqa: D102
    @property
    def has_fim(self) -> bool: ...  # noqa: D102
    @property
    def encoders(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def licence(self) -> str: ...  # noqa: D102


def opens_thought(template: str) -> bool:
    """Whether prompts by this chat template end with a thought that has begun.

    Templates are programs; what they write last stands behind the last question whether an answer is to come.
    One that closes the thought there, too, does as it is told.
    """
    _, _, end = template.rpartition("add_generation_prompt")
    return "<think>" in end and "</think>" not in end


def made_for(header: Header) -> Purpose:
    """What the model was made for."""
    if header.pooling_type == _RANK:
        return "reranking"
    return "embedding" if header.architecture in ENCODERS or header.pooling_type else "text"

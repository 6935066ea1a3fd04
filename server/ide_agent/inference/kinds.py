"""What a model is for: text, pictures, speech, embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from ide_agent.errors import ModelFileInvalid
from ide_agent.inference.backends import Purpose
from ide_agent.inference.gguf import read_header
from ide_agent.inference.models import PROJECTOR, ModelFile

Kind = Literal["text", "image", "audio", "multi", "embedding"]
"""``text`` reads and writes text; ``image`` has to do with pictures, too, ``audio`` with sound, ``multi``
with both; ``embedding`` makes vectors of text."""

KINDS: tuple[Kind, ...] = get_args(Kind)

# `general.architecture` of models that are for one thing only; those of `ENCODERS` write nothing
ENCODERS = {"bert", "modern-bert", "neo-bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2",
              "jina-bert-v3", "eurobert", "gemma-embedding", "t5encoder"}  # fmt: skip
_AUDIO = {"whisper", "wavtokenizer-dec"}
_IMAGE = {"flux", "sd1", "sd3", "sdxl", "qwen2vl", "qwen3vl", "qwen3vlmoe", "cogvlm"}


def kind_of(model: ModelFile) -> Kind:
    """What `model` is for, by its header and by the projector that may lie beside it.

    Raises:
        ModelFileInvalid: its header cannot be read.
    """
    header = model.header
    if header.architecture in ENCODERS or header.pooling_type:
        return "embedding"
    senses = {"image"} if header.architecture in _IMAGE else set()
    senses |= {"audio"} if header.architecture in _AUDIO else set()
    for projector in model.file.parent.glob(f"{PROJECTOR}*.gguf"):
        senses |= _senses(projector)
    if len(senses) > 1:
        return "multi"
    return "audio" if "audio" in senses else "image" if senses else "text"


def purpose_of(model: ModelFile) -> Purpose:
    """What an engine for `model` is to do when nobody says."""
    return "embedding" if kind_of(model) == "embedding" else "text"


def _senses(projector: Path) -> set[str]:
    """What a projector brings; a vision one unless it says otherwise, as they did before there was sound."""
    try:
        return set(read_header(projector).encoders) or {"image"}
    except ModelFileInvalid:
        return set()

"""What a model is for: text, pictures, speech, embeddings, reranking."""

from __future__ import annotations

from typing import Literal, get_args

from ide_agent.errors import ModelError, ModelFileInvalid
from ide_agent.inference.backends import Purpose
from ide_agent.inference.gguf import GgufHeader
from ide_agent.inference.header import made_for
from ide_agent.inference.models import ModelFile, projectors

Kind = Literal["text", "image", "audio", "multi", "embedding", "reranking"]
"""``text`` reads and writes text; ``image`` has to do with pictures, too, ``audio`` with sound, ``multi``
with both; ``embedding`` makes vectors of text, ``reranking`` scores of a query and texts."""

KINDS: tuple[Kind, ...] = get_args(Kind)

# architectures of models that are for one thing only
_AUDIO = {"whisper", "wavtokenizer-dec"}
_IMAGE = {"flux", "sd1", "sd3", "sdxl", "qwen2vl", "qwen3vl", "qwen3vlmoe", "cogvlm"}


def kind_of(model: ModelFile) -> Kind:
    """What `model` is for, by its header and by the projector that may lie beside it.

    Raises:
        ModelFileInvalid: its header cannot be read.
    """
    header = model.header
    if (purpose := made_for(header)) != "text":
        return purpose
    senses = set(header.encoders)
    senses |= {"image"} if header.architecture in _IMAGE else set()
    senses |= {"audio"} if header.architecture in _AUDIO else set()
    for projector in projectors(model):
        senses |= _senses(projector) if _fits(projector, model) else set()
    if len(senses) > 1:
        return "multi"
    return "audio" if "audio" in senses else "image" if senses else "text"


def purpose_of(model: ModelFile) -> Purpose:
    """What an engine for `model` is to do when nobody says."""
    return made_for(model.header)


def check_purpose(model: ModelFile, purpose: Purpose) -> None:
    """Refuse what `model` cannot do at all.

    Raises:
        ModelError: says what it is for.
        ModelFileInvalid: its header cannot be read.
    """
    if model.format in ("ctranslate2", "piper"):
        raise ModelError("error.model.for_speech", name=model.name)
    reranker = purpose_of(model) == "reranking"
    if reranker != (purpose == "reranking"):
        raise ModelError(
            "error.model.for_ranking" if reranker else "error.model.no_reranker", name=model.name
        )
    if purpose == "text" and model.format != "gguf" and purpose_of(model) == "embedding":
        raise ModelError("error.model.for_vectors", name=model.name)


def projector_of(model: ModelFile) -> ModelFile | None:
    """What lets `model` see or hear, by which an engine is to load it: one that sees, if there is any.

    One that was made for another model is none.
    """
    able = [each for each in projectors(model) if _senses(each) and _fits(each, model)]
    return next((each for each in able if "image" in _senses(each)), able[0] if able else None)


def sees(model: ModelFile, projector: ModelFile | None) -> bool:
    """Whether pictures can be shown to `model`, loaded with `projector`.

    Raises:
        ModelFileInvalid: its header cannot be read.
    """
    if model.format == "gguf":
        return projector is not None and "image" in _senses(projector)
    return "image" in model.header.encoders


def _fits(projector: ModelFile, model: ModelFile) -> bool:
    """Whether what `projector` makes is as wide as what `model` reads, as far as their headers say."""
    try:
        made, read = projector.header, model.header
    except ModelFileInvalid:
        return False
    if not (isinstance(made, GgufHeader) and isinstance(read, GgufHeader)):
        return False
    return not (made.widths and read.embedding_length) or read.embedding_length in made.widths


def _senses(projector: ModelFile) -> set[str]:
    """What a projector brings; a vision one unless it says otherwise, as they did before there was sound."""
    try:
        return set(projector.header.encoders) or {"image"}
    except ModelFileInvalid:
        return set()

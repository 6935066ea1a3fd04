"""Models that are folders, as Hugging Face, ONNX, CTranslate2 and Piper lay them out, and what they say.

Weights are never read. What is read has a limit: a hostile file costs an error and, for a moment, at most 30
times that limit of memory.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ide_agent.errors import ModelFileInvalid
from ide_agent.inference.header import ENCODERS, Format, opens_thought
from ide_agent.inference.pooling import POOLING, Pooling, check_modules, pooling_in
from ide_agent.inference.reader import reading
from ide_agent.inference.safetensors import tensors

_MAX_JSON = 2 << 20  # settings; the longest are those of tokenizers
_MAX_TEMPLATE = 1 << 18
_MAX_COUNT = 1 << 40
_MAX_BLOCKS = 4096
_MAX_NAME = 200
INDEX = "model.safetensors.index.json"
_WHOLE = "model.safetensors"
_SHARD = re.compile(r"[\w.-]+\.safetensors")
_WEIGHTS = {".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx"}
# as GGUF counts them; what it has no number for counts as the mean
_MEAN = 1
_POOLINGS: dict[Pooling, int] = {"mean": _MEAN, "weighted": _MEAN, "max": _MEAN, "first": 2, "last": 3}
_MODULES = "modules.json"
_OF_VECTORS = (POOLING, _MODULES, "sentence_bert_config.json")  # as sentence-transformers writes them
_WRITES = re.compile(r"(ForCausalLM|LMHeadModel|ForConditionalGeneration)$")
_LIKE_ROBERTA = ("roberta", "xlm-roberta", "camembert", "mpnet")
_UNUSED_PLACES = 2  # their first token has the place after that of the padding, which is 1
_NOT_ITS_OWN = "model.json"  # what the hub notes beside a model
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "vocab.txt")
_SENSES = {"vision_config": "image", "audio_config": "audio"}
_TOKENIZER_LIMIT = 1 << 20  # "no limit" is written as 1e30 there
# safetensors' dtype → (what we call it, bits of a weight)
_TYPES = {
    "F64": ("F64", 64), "F32": ("F32", 32), "BF16": ("BF16", 16), "F16": ("F16", 16), "F8_E4M3": ("FP8", 8),
    "F8_E5M2": ("FP8", 8), "I64": ("I64", 64), "I32": ("I32", 32), "I16": ("I16", 16), "I8": ("INT8", 8),
    "U8": ("U8", 8), "BOOL": ("BOOL", 8),
}  # fmt: skip
# how a file or a folder spells what its weights are stored as
_NAMES = {
    "uint8": "INT8", "qint8": "INT8", "int8": "INT8", "quantized": "INT8", "q8": "INT8", "int4": "INT4",
    "q4": "INT4", "q4f16": "INT4", "bnb4": "INT4", "fp16": "F16", "f16": "F16", "bf16": "BF16",
    "fp32": "F32", "f32": "F32",
}  # fmt: skip
_NAMED = re.compile(rf"(?:^|[-_.])({'|'.join(_NAMES)})(?=$|[-_.])")
_BITS = {"INT8": 8, "INT4": 4, "F16": 16, "BF16": 16}


@dataclass(frozen=True)
class Folder:
    """A model that is a folder.

    Attributes:
        begins: the file that stands for the model.
        files: all of its files.
        weighs: those of them that are read to run it.
    """

    format: Format
    begins: Path
    files: tuple[Path, ...]
    weighs: tuple[Path, ...]


@dataclass(frozen=True)
class FolderHeader:
    """What such a model says of itself; see `Header`."""

    architecture: str = ""
    name: str = ""
    context_length: int = 0
    kv_heads: tuple[int, ...] = ()
    key_length: int = 0
    value_length: int = 0
    sliding_window: int = 0
    vocabulary: int = 0
    parameters: int = 0
    quantisation: str = ""
    chat_template: bool = False
    opens_thought: bool = False
    pooling_type: int | None = None
    fim: dict[str, int] = field(default_factory=dict)
    has_fim: bool = False
    encoders: tuple[str, ...] = ()
    licence: str = ""


def look(folder: Path) -> Folder | None:
    """The model that `folder` is; None where it is none, or one in GGUF.

    Raises:
        OSError: it cannot be read.
    """
    files = {file.name: file for file in sorted(folder.iterdir()) if _belongs(file)}
    voices = [name for name in files if name.endswith(".onnx") and f"{name}.json" in files]
    graphs = [name for name in files if name.endswith(".onnx")]
    weights = [name for name in files if name.endswith(".safetensors")]
    every = (*files.values(), *(file for file in (folder / POOLING,) if file.is_file()))
    if any(name.endswith(".gguf") for name in files):
        return None
    if voices:
        return Folder("piper", files[voices[0]], every, every)
    if len(graphs) == 1 and "tokenizer.json" in files:
        apart = tuple(file for file in every if file.suffix != ".safetensors")
        return Folder("onnx", files[graphs[0]], apart, apart)
    if "config.json" not in files:
        return None
    if "model.bin" in files and any(name.startswith("vocabulary.") for name in files):
        return Folder("ctranslate2", files["model.bin"], every, every)
    if weights and any(name in files for name in _TOKENIZERS):
        read = set(_weights(folder, weights))
        weighs = tuple(file for file in every if file.name in read or file.suffix not in _WEIGHTS)
        return Folder("safetensors", files["config.json"], every, weighs)
    return None


def read_folder(form: Format, begins: Path) -> FolderHeader:
    """What the model says of itself whose first file is `begins`.

    Raises:
        ModelFileInvalid: a file of it is missing, corrupt or truncated; the message says which.
    """
    if form == "safetensors":
        return _safetensors(begins.parent)
    if form == "onnx":
        return _onnx(begins)
    if form == "piper":
        voice = _json(begins.parent / f"{begins.name}.json")
        return FolderHeader(architecture="vits", name=_text(voice.get("dataset")), encoders=("audio",))
    return FolderHeader(architecture="whisper", encoders=("audio",))


def _belongs(file: Path) -> bool:
    return not file.name.startswith(".") and file.name != _NOT_ITS_OWN and file.is_file()


def _safetensors(folder: Path) -> FolderHeader:
    config = _json(folder / "config.json")
    text = config.get("text_config")
    inner: dict[str, Any] = {**config, **text} if isinstance(text, dict) else config
    kinds: Counter[str] = Counter()
    parameters = 0
    for name in _weights(folder, sorted(file.name for file in folder.glob("*.safetensors"))):
        for kind, size in tensors(folder / name):
            said, bits = _TYPES.get(kind, (kind, 8))
            kinds[said] += size
            parameters += size * 8 // bits
    quantised = config.get("quantization_config")
    method = _text(quantised.get("quant_method")).upper() if isinstance(quantised, dict) else ""
    heads = _count(inner.get("num_attention_heads"))
    size = _count(inner.get("hidden_size"))
    head = _count(inner.get("head_dim")) or (size // heads if heads else 0)
    blocks = min(_count(inner.get("num_hidden_layers")), _MAX_BLOCKS)
    vectors = (folder / _MODULES).is_file()  # as sentence-transformers writes it
    slides = inner.get("use_sliding_window") is not False
    template = _chat_template(folder)
    return FolderHeader(
        architecture=_text(config.get("model_type")),
        name=_text(config.get("_name_or_path")).rpartition("/")[2],
        context_length=_positions(inner),
        kv_heads=(_count(inner.get("num_key_value_heads")) or heads,) * blocks,
        key_length=head,
        value_length=head,
        sliding_window=_count(inner.get("sliding_window")) if slides else 0,
        vocabulary=_count(inner.get("vocab_size")),
        parameters=parameters,
        quantisation=method or (kinds.most_common(1)[0][0] if kinds else ""),
        chat_template=template is not None,
        opens_thought=opens_thought(template or ""),
        pooling_type=_MEAN if vectors else None,
        encoders=tuple(sense for key, sense in _SENSES.items() if isinstance(config.get(key), dict)),
    )


def _weights(folder: Path, there: list[str]) -> list[str]:
    """Which of the files of weights in `folder` make the model; the same may be `there` in other forms."""
    index = folder / INDEX
    if _WHOLE in there:
        return [_WHOLE]
    try:
        stat = index.stat()
        named = _indexed(index, stat.st_size, stat.st_mtime_ns)
    except OSError:
        named = ()
    return list(named) or [name for name in there if name.startswith("model")] or there


@lru_cache(maxsize=64)
def _indexed(index: Path, size: int, modified_ns: int) -> tuple[str, ...]:
    """The files that an index names; none where it makes no sense."""
    named = _optional(index).get("weight_map")
    files = {_text(each) for each in named.values()} if isinstance(named, dict) else set()
    return tuple(sorted(files)) if all(_SHARD.fullmatch(file) for file in files) else ()


def _chat_template(folder: Path) -> str | None:
    """The chat template; empty where there is one that cannot be read, None where there is none."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        with suppress(ModelFileInvalid, OSError), reading(file) as reader:
            return reader.take(min(reader.size, _MAX_TEMPLATE)).decode("utf-8", "replace")
        return ""
    for other in ("chat_template.json", "tokenizer_config.json"):
        said = _optional(folder / other)
        if "chat_template" in said:
            return _text(said["chat_template"])
    return "" if (folder / "chat_template.json").is_file() else None


def _onnx(file: Path) -> FolderHeader:
    folder = file.parent
    config = _optional(folder / "config.json")
    said = _NAMED.search(file.stem.lower()) or _NAMED.search(folder.name.lower())
    quantisation = _NAMES[said[1]] if said else ""
    try:
        size = sum(part.stat().st_size for part in folder.glob("*.onnx*"))
    except OSError as failure:
        raise ModelFileInvalid(file=str(file), reason=failure.strerror or str(failure)) from failure
    return FolderHeader(
        architecture=_text(config.get("model_type")) or "bert",
        context_length=text_limit(folder),
        vocabulary=_count(config.get("vocab_size")),
        parameters=size * 8 // _BITS.get(quantisation, 32),
        quantisation=quantisation,
        pooling_type=None if _writes(folder, config) else _POOLINGS[pooling_of(folder)],
    )


def _writes(folder: Path, config: dict[str, Any]) -> bool:
    """Whether a graph is that of a model that writes text, by its settings."""
    kind, heads = _text(config.get("model_type")), config.get("architectures")
    if not kind or kind in ENCODERS or any((folder / name).is_file() for name in _OF_VECTORS):
        return False
    return not isinstance(heads, list) or any(_WRITES.search(_text(head)) for head in heads)


def pooling_of(folder: Path) -> Pooling:
    """How an embedder makes one vector of many; the mean where its files do not say.

    Raises:
        ModelFileInvalid: in a way that is not known here, or the file that says it makes no sense.
    """
    file = folder / POOLING
    return pooling_in(_json(file), str(file)) if file.exists() else "mean"


def check_steps(folder: Path) -> None:
    """Refuse an embedder that makes more of that vector by layers of its own: they are not computed here.

    Raises:
        ModelFileInvalid: names the first such step, or the file that says it makes no sense.
    """
    modules = folder / _MODULES
    if modules.exists():
        check_modules(_parsed(modules), str(modules))


def text_limit(folder: Path) -> int:
    """The longest text, in tokens, that an embedder was made for; 0 when its files do not say."""
    said = (
        _optional(folder / "sentence_bert_config.json").get("max_seq_length"),
        _optional(folder / "tokenizer_config.json").get("model_max_length"),
        _positions(_optional(folder / "config.json")),
    )
    return min((count for count in map(_count, said) if 0 < count < _TOKENIZER_LIMIT), default=0)


def _positions(config: dict[str, Any]) -> int:
    """How many tokens have a place; 0 when nobody says."""
    said = _count(config.get("max_position_embeddings"))
    unused = _UNUSED_PLACES if config.get("model_type") in _LIKE_ROBERTA else 0
    return max(said - unused, 0)


def _optional(file: Path) -> dict[str, Any]:
    """What is in a file that need not be there, nor make sense."""
    try:
        return _json(file)
    except ModelFileInvalid:
        return {}


def _json(file: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        ModelFileInvalid: there is none, or it is too long.
    """
    content = _parsed(file)
    if not isinstance(content, dict):
        raise ModelFileInvalid(file=str(file), reason=f"{file.name} is no JSON object")
    return content


def _parsed(file: Path) -> Any:
    with reading(file) as reader:
        if reader.size > _MAX_JSON:
            raise reader.corrupt(f"{file.name} of {reader.size} bytes")
        try:
            return json.loads(reader.take(reader.size))
        except (ValueError, RecursionError) as failure:
            raise reader.corrupt(f"{file.name} is no JSON") from failure


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MAX_COUNT else 0


def _text(value: object) -> str:
    return value[:_MAX_NAME] if isinstance(value, str) else ""

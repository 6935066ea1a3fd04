"""Which models a list of files holds, and which of the files belong to each.

What can run code when it is loaded is never taken: no pickles (``pytorch_model.bin``, ``*.pt``, …), no
``*.py``.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ide_agent.errors import ModelFileInvalid
from ide_agent.inference.header import Format
from ide_agent.inference.models import PROJECTOR
from ide_agent.inference.pooling import POOLING

INDEX = "model.safetensors.index.json"
_CONFIG, _TOKENIZER, _MODEL_BIN = "config.json", "tokenizer.json", "model.bin"
_BESIDE = re.compile(
    r"(config|generation_config|special_tokens_map|added_tokens|tokenizer[\w.-]*|vocab[\w.-]*|preprocessor_config"
    r"|processor_config|modules|sentence_bert_config|config_sentence_transformers|chat_template)\.json"
    r"|(tokenizer[\w.-]*|spiece|sentencepiece[\w.-]*)\.model|(merges|vocab[\w.-]*)\.txt|chat_template[\w.-]*\.jinja"
)
_SPLIT = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
_SHARD = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors")
_PICKLES = re.compile(r"\.(bin|pt|pth|pkl|pickle|ckpt|joblib)$", re.IGNORECASE)
_SMALL = re.compile(r"int8|uint8|quantized", re.IGNORECASE)
_FOR_ONE_CPU = re.compile(r"avx\d*|vnni|arm64|ppc64", re.IGNORECASE)
MAX_INDEX = 16 << 20
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


@dataclass(frozen=True)
class Layout:
    """A model in a list of files.

    Attributes:
        format: how it is stored.
        files: paths of its files; first the one that stands for the model, see `ModelFile.file`.
    """

    format: Format
    files: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The path that people know it by."""
        weights = (path for path in self.files if path.endswith(".safetensors"))
        return next(weights, self.files[0]) if self.format == "safetensors" else self.files[0]


def layouts(sizes: Mapping[str, int], read: Callable[[str], bytes]) -> list[Layout]:
    """The models that there are; of several folders of one, the one that runs best here first.

    Args:
        sizes: bytes of each file, by path with ``/``.
        read: the content of one of them, which must not be long.

    Raises:
        ModelFileInvalid: the index of a model in several files makes no sense.
    """
    if ggufs := _ggufs(sizes):
        return ggufs
    found = [*_voices(sizes), *_graphs(sizes), *_whisper(sizes)]
    if (weights := _weights(sizes, read)) is None:
        return found
    makes_vectors = "modules.json" in sizes  # of sentence-transformers: its graph is quicker, and smaller
    return [*found, weights] if makes_vectors or not found else [weights, *found]


def has_pickles(paths: Collection[str]) -> bool:
    """Whether a model may be in there that runs code when it is loaded."""
    return any(_PICKLES.search(path) for path in paths)


def refuse_pickle(file: Path) -> None:
    """Raise `ModelFileInvalid` where `file` is a pickle, whatever it is called."""
    with file.open("rb") as stream:
        if stream.read(4).startswith(_PICKLE_STARTS):
            raise ModelFileInvalid("error.model.pickle_inside", file=file.name)


def format_of(names: Collection[str]) -> Format:
    """How a model is stored that has files of these names."""
    if any(name.endswith(".gguf") for name in names):
        return "gguf"
    if any(name.endswith(".onnx.json") for name in names):
        return "piper"
    if any(name.endswith(".onnx") for name in names):
        return "onnx"
    return "ctranslate2" if _MODEL_BIN in names else "safetensors"


def local_name(path: str) -> str:
    """What a file is called once it is here, on whatever system.

    A projector is found by its name, `POOLING` by its path.
    """
    if f"/{path}".endswith(f"/{POOLING}"):
        return POOLING
    name = re.sub(r"[^\w.-]+", "-", PurePosixPath(path).name).lstrip("-.")
    return name if not is_projector(path) or name.startswith(PROJECTOR) else f"{PROJECTOR}-{name}"


def _ggufs(sizes: Mapping[str, int]) -> list[Layout]:
    projectors = [path for path in sizes if path.endswith(".gguf") and is_projector(path)]
    found = []
    for path in sorted(sizes):
        split = _SPLIT.search(path)
        if not path.endswith(".gguf") or path in projectors or (split and int(split[1]) != 1):
            continue
        parts = [path]
        if split:
            start, count = path[: split.start()], int(split[2])
            parts = [f"{start}-{number:05}-of-{count:05}.gguf" for number in range(1, count + 1)]
        if all(part in sizes for part in parts):
            beside = [each for each in projectors if _folder(each) in ("", _folder(path))]
            best = sorted(beside, key=lambda each: (sizes[each], each))[:1]
            found.append(Layout("gguf", (*parts, *best)))
    return found


def _voices(sizes: Mapping[str, int]) -> list[Layout]:
    return [
        Layout("piper", (path, f"{path}.json"))
        for path in sorted(sizes)
        if path.endswith(".onnx") and f"{path}.json" in sizes
    ]


def _graphs(sizes: Mapping[str, int]) -> list[Layout]:
    """ONNX graphs with their tokenizer, which may lie above them."""
    found = []
    graphs = [path for path in sizes if path.endswith(".onnx") and f"{path}.json" not in sizes]
    for path in sorted(graphs, key=_graph_rank):
        home = _folder(path) if _join(_folder(path), _TOKENIZER) in sizes else ""
        if _join(home, _TOKENIZER) not in sizes:
            continue
        apart = [each for each in (f"{path}_data", f"{path}.data") if each in sizes]
        pooling = [each for each in (_join(home, POOLING), POOLING) if each in sizes][:1]
        found.append(Layout("onnx", (path, *apart, *_beside(sizes, home), *pooling)))
    return found


def _graph_rank(path: str) -> tuple[int, int, str]:
    """Those in eight bits first, those for some other processor last."""
    name = PurePosixPath(path).name
    made_for = _FOR_ONE_CPU.search(name)
    arm = platform.machine().lower() in ("arm64", "aarch64")
    foreign = made_for is not None and (made_for[0].lower() == "arm64") != arm
    small = _SMALL.search(name) is not None
    plain = name == "model.onnx"
    rank = 9 if foreign else (0 if small and not made_for else 1 if small else 2 if plain else 3)
    return rank, len(path), path


def _whisper(sizes: Mapping[str, int]) -> list[Layout]:
    words = [path for path in sorted(sizes) if re.fullmatch(r"vocabulary\.(json|txt)", path)]
    if not words or _MODEL_BIN not in sizes or _CONFIG not in sizes:
        return []
    return [Layout("ctranslate2", (_MODEL_BIN, *words, *_beside(sizes, "", but=words)))]


def _weights(sizes: Mapping[str, int], read: Callable[[str], bytes]) -> Layout | None:
    """What Hugging Face's own programs load: safetensors, in one file or as many as the index names."""
    if _CONFIG not in sizes:
        return None
    if INDEX in sizes:
        shards = _indexed(read(INDEX)) if sizes[INDEX] <= MAX_INDEX else []
        if not shards or not all(shard in sizes for shard in shards):
            raise ModelFileInvalid("error.model.index", file=INDEX)
        weights = [INDEX, *shards]
    else:
        roots = [path for path in sorted(sizes) if path.endswith(".safetensors") and not _folder(path)]
        weights = [path for path in roots if _SHARD.fullmatch(path)] or roots[:1]
    if not weights:
        return None
    return Layout("safetensors", (_CONFIG, *weights, *_beside(sizes, "", but=[_CONFIG, INDEX])))


def _indexed(content: bytes) -> list[str]:
    try:
        names = sorted({str(name) for name in json.loads(content)["weight_map"].values()})
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []
    return names if all(re.fullmatch(r"[\w.-]+\.safetensors", name) for name in names) else []


def _beside(sizes: Mapping[str, int], home: str, *, but: Collection[str] = ()) -> list[str]:
    """The tokenizer and what else a model needs, out of folder `home`."""
    return [
        path
        for path in sorted(sizes)
        if _folder(path) == home and path not in but and _BESIDE.fullmatch(PurePosixPath(path).name)
    ]


def is_projector(path: str) -> bool:
    """Whether the file there lets a model see or hear."""
    return PROJECTOR in PurePosixPath(path).name.lower()


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name

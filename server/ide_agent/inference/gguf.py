"""What the header of a GGUF file says of a model.

Only what we decide by is kept: arrays are walked over, never loaded, so a vocabulary of any size costs no
memory. The tensor table tells where the file must end, so a truncated download is recognised before an engine
is started on it. The bytes come from a `Reader`, which no header leads astray.
"""

from __future__ import annotations

import math
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from ide_agent.errors import ModelFileInvalid
from ide_agent.inference.header import opens_thought
from ide_agent.inference.reader import Reader, reading

_MAGIC = b"GGUF"
_MAX_KEYS = 1 << 16
_MAX_TENSORS = 1 << 17
_MAX_NAME = 1 << 16
_MAX_TEXT = 4096
_MAX_TEMPLATE = 1 << 18
_MAX_LIST = 4096

_STRING, _ARRAY = 8, 9
_SCALARS = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip

# ggml type → (elements in a block, bytes of a block)
TENSOR_TYPES = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
    34: (256, 54), 35: (256, 66), 39: (32, 17), 40: (64, 36), 41: (128, 18), 42: (64, 18),
}  # fmt: skip

# `general.file_type` (llama.cpp's llama_ftype)
FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K",
    19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL",
    26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0",
    37: "TQ2_0", 38: "MXFP4_MOE", 39: "NVFP4", 40: "Q1_0", 41: "Q2_0",
}  # fmt: skip

_FIM_KEYS = {
    "prefix": ("fim_pre_token_id", "prefix_token_id"),
    "suffix": ("fim_suf_token_id", "suffix_token_id"),
    "middle": ("fim_mid_token_id", "middle_token_id"),
    "pad": ("fim_pad_token_id",),
    "repository": ("fim_rep_token_id",),
    "separator": ("fim_sep_token_id",),
}
_WIDTHS = ("clip.vision.projection_dim", "clip.audio.projection_dim")
_ENCODER_TENSORS = ("v.", "a.", "t.")
_ENCODERS = {"has_vision_encoder": "image", "has_audio_encoder": "audio"}
_TOKENIZER = "tokenizer.ggml."
_TEMPLATE = "tokenizer.chat_template"


@dataclass(frozen=True)
class GgufHeader:
    """What we know of a model without loading it.

    Attributes:
        architecture: ``general.architecture``, e.g. ``llama``.
        context_length: tokens the model was trained for; 0 when the file does not say.
        kv_heads: heads of the KV cache, one number a block.
        fim: ids of the fill-in-the-middle sentinels that the file declares: ``prefix``, ``suffix``,
            ``middle``, ``pad``, ``repository``, ``separator``.
        parameters: number of weights.
        data_end: bytes that a whole file has at least.
        file_bytes: bytes that this one has.
        add_bos: whether a prompt is to start with `bos_id`.
        tokens_at: where the vocabulary's texts start in the file; 0 when there is none.
        types_at: where their types start, four bytes each; 0 when there are none.
        sliding_window: tokens that the blocks look back which do not see the whole context; 0 where all do.
        encoders: of a projector: what it lets a model see or hear, ``image`` and ``audio``.
        widths: of a projector: how wide what it makes may be, by all that the file says; a model has to be as
            wide (`embedding_length`).
    """

    file: Path
    version: int
    architecture: str
    name: str
    context_length: int
    block_count: int
    embedding_length: int
    head_count: int
    kv_heads: tuple[int, ...]
    key_length: int
    value_length: int
    tokenizer: str
    vocabulary: int
    add_bos: bool
    bos_id: int | None
    eos_id: int | None
    eot_id: int | None
    fim: dict[str, int]
    chat_template: bool
    opens_thought: bool
    pooling_type: int | None
    file_type: int | None
    licence: str
    parameters: int
    data_end: int
    file_bytes: int
    tokens_at: int = field(repr=False)
    types_at: int = field(repr=False)
    encoders: tuple[str, ...] = ()
    sliding_window: int = 0
    widths: frozenset[int] = frozenset()

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of KV cache that one token of context costs, as f16."""
        return sum(self.kv_heads) * (self.key_length + self.value_length) * 2

    @property
    def quantisation(self) -> str:
        """What most weights are stored as, e.g. ``Q4_K_M``; empty when the file does not say."""
        return FILE_TYPES.get(self.file_type, "") if self.file_type is not None else ""

    @property
    def has_fim(self) -> bool:
        """Whether the file declares the three tokens that fill-in-the-middle needs."""
        return all(part in self.fim for part in ("prefix", "suffix", "middle"))


def read_header(file: Path) -> GgufHeader:
    """Read the header of `file`.

    Raises:
        ModelFileInvalid: it is missing, not GGUF, corrupt or truncated; the message says which.
    """
    with reading(file) as reader:
        return _Parser(reader).header()


def read_start(content: bytes) -> GgufHeader | None:
    """What the first bytes of a file say of the model, as far as they go.

    Writers put how large a model is before its vocabulary, which is megabytes.

    Args:
        content: 64 KiB do, as a rule.

    Returns:
        A header that knows neither weights nor tensors; None where `content` is no GGUF, or too little of it
        to know the size of the KV cache.
    """
    try:
        header = _Parser(Reader(Path(), BytesIO(content), len(content))).start()
    except ModelFileInvalid:
        return None
    return header if header.kv_heads and header.key_length else None


class _Parser:
    """Reads a header from front to back."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._tokens_at = 0
        self._types_at = 0
        self._vocabulary = 0
        self._widths: set[int] = set()

    def header(self) -> GgufHeader:
        version, tensors, keys = self._counts()
        values: dict[str, Any] = {}
        for _ in range(keys):
            self._key(values)
        parameters, data_end = self._tensors(tensors, values)
        if data_end > self._reader.size:
            raise ModelFileInvalid(
                "error.model.truncated",
                file=str(self._reader.file),
                have_mb=round(self._reader.size / 1e6, 1),
                need_mb=round(data_end / 1e6, 1),
            )
        return self._describe(version, values, parameters, data_end)

    def start(self) -> GgufHeader:
        version, _, keys = self._counts()
        values: dict[str, Any] = {}
        with suppress(ModelFileInvalid):  # where it ends
            for _ in range(keys):
                self._key(values)
        return self._describe(version, values, 0, 0)

    def _counts(self) -> tuple[int, int, int]:
        """Version, and how many tensors and keys there are."""
        if self._reader.size < 4 or self._reader.take(4) != _MAGIC:
            raise ModelFileInvalid("error.model.not_gguf", file=str(self._reader.file))
        version = self._reader.number("<I")
        if version not in (2, 3):
            raise ModelFileInvalid("error.model.version", file=str(self._reader.file), version=version)
        tensors, keys = self._reader.number("<Q"), self._reader.number("<Q")
        if tensors > _MAX_TENSORS or keys > _MAX_KEYS:
            raise self._reader.corrupt(f"{tensors} tensors and {keys} keys cannot be true")
        return version, tensors, keys

    def _key(self, values: dict[str, Any]) -> None:
        key = self._reader.text(_MAX_NAME)
        value = self._value(key, self._reader.number("<I"))
        if value is not None:
            values[key] = value

    def _describe(self, version: int, values: dict[str, Any], parameters: int, data_end: int) -> GgufHeader:
        architecture = _as_text(values.get("general.architecture"))
        # the one key that a file must have (GGUF specification, “Required”), but for later parts of one
        if not (architecture or values.get("split.no")):
            raise ModelFileInvalid("error.model.nothing", file=str(self._reader.file))

        def own(key: str) -> Any:
            return values.get(f"{architecture}.{key}")

        def token(key: str) -> int | None:
            return _as_id(values.get(_TOKENIZER + key))

        blocks = min(_as_count(own("block_count")), _MAX_LIST)
        heads = _as_list(own("attention.head_count"), blocks)
        kv_heads = _as_list(own("attention.head_count_kv"), blocks) or heads
        embedding = _as_count(own("embedding_length"))
        most_heads = max(heads, default=0)
        head_size = embedding // most_heads if most_heads else 0
        fim: dict[str, int] = {}
        for part, names in _FIM_KEYS.items():
            found = next((i for i in map(token, names) if i is not None), None)
            if found is not None:
                fim[part] = found
        return GgufHeader(
            file=self._reader.file,
            version=version,
            architecture=architecture,
            name=_as_text(values.get("general.name")),
            context_length=_as_count(own("context_length")),
            block_count=blocks,
            embedding_length=embedding,
            head_count=most_heads,
            kv_heads=kv_heads,
            key_length=_as_count(own("attention.key_length")) or head_size,
            value_length=_as_count(own("attention.value_length")) or head_size,
            tokenizer=_as_text(values.get(f"{_TOKENIZER}model")),
            vocabulary=self._vocabulary,
            add_bos=values.get(f"{_TOKENIZER}add_bos_token") is True,
            bos_id=token("bos_token_id"),
            eos_id=token("eos_token_id"),
            eot_id=token("eot_token_id"),
            fim=fim,
            chat_template=_TEMPLATE in values,
            opens_thought=opens_thought(_as_text(values.get(_TEMPLATE))),
            pooling_type=_as_id(own("pooling_type")),
            file_type=_as_id(values.get("general.file_type")),
            licence=_as_text(values.get("general.license")),
            parameters=parameters,
            data_end=data_end,
            file_bytes=self._reader.size,
            tokens_at=self._tokens_at,
            types_at=self._types_at,
            sliding_window=_as_count(own("attention.sliding_window")),
            encoders=tuple(sense for key, sense in _ENCODERS.items() if values.get(f"clip.{key}") is True),
            widths=frozenset(self._widths | {_as_count(values.get(key)) for key in _WIDTHS} - {0}),
        )

    def _tensors(self, count: int, values: dict[str, Any]) -> tuple[int, int]:
        """Number of weights, and the file offset at which the last tensor ends."""
        parameters = end = 0
        projector = values.get("general.architecture") == "clip"
        for _ in range(count):
            name = self._reader.text(_MAX_NAME)
            dimensions = self._reader.number("<I")
            if dimensions > 8:
                raise self._reader.corrupt(f"a tensor with {dimensions} dimensions")
            shape = [self._reader.number("<Q") for _ in range(dimensions)]
            if projector and not name.startswith(_ENCODER_TENSORS):  # the key is wrong in old files
                self._widths.update(shape)
            elements = math.prod(shape)
            kind, offset = self._reader.number("<I"), self._reader.number("<Q")
            block, size = TENSOR_TYPES.get(kind, (1, 0))
            parameters += elements
            end = max(end, offset + elements // block * size)
        alignment = _as_count(values.get("general.alignment")) or 32
        here = self._reader.position
        return parameters, -(-here // alignment) * alignment + end if count else here

    def _value(self, key: str, kind: int) -> Any:
        """The value that follows; None where it is of no interest to us."""
        if kind in _SCALARS:
            return self._reader.number(_SCALARS[kind])
        if kind == _STRING:
            length = self._reader.number("<Q")
            if length <= (_MAX_TEMPLATE if key == _TEMPLATE else _MAX_TEXT):
                return self._reader.take(length).decode("utf-8", "replace")
            self._reader.skip(length)
            return ""
        if kind == _ARRAY:
            return self._array(key)
        raise self._reader.corrupt(f"value type {kind} of {key[:80]!r}")

    def _array(self, key: str) -> list[Any] | None:
        kind, count = self._reader.number("<I"), self._reader.number("<Q")
        if kind == _STRING:
            if key == f"{_TOKENIZER}tokens":
                self._tokens_at, self._vocabulary = self._reader.position, count
            self._reader.skip_strings(count)
            return None
        if kind not in _SCALARS:
            raise self._reader.corrupt(f"array of type {kind} in {key[:80]!r}")
        code = _SCALARS[kind]
        if ".attention.head_count" in key and count <= _MAX_LIST:
            return [self._reader.number(code) for _ in range(count)]
        if key == f"{_TOKENIZER}token_type" and struct.calcsize(code) == 4:
            self._types_at = self._reader.position
        self._reader.skip(struct.calcsize(code) * count)
        return None


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _as_count(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 1 << 40 else 0


def _as_id(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 1 << 31 else None


def _as_list(value: Any, blocks: int) -> tuple[int, ...]:
    if isinstance(value, list):
        return tuple(_as_count(item) for item in value)
    count = _as_count(value)
    return (count,) * blocks if count else ()

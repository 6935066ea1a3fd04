"""What the header of a safetensors file says of its tensors."""

from __future__ import annotations

import json
from pathlib import Path

from ide_agent.errors import ModelFileInvalid
from ide_agent.inference.reader import reading

_MAX_TENSORS = 4 << 20  # bytes of the header of a file that has 30,000
_MAX_DTYPE = 32
_MOST_BYTES = 1 << 40


def tensors(file: Path) -> list[tuple[str, int]]:
    """The dtype of each tensor in `file` and its bytes.

    Raises:
        ModelFileInvalid: it is missing, corrupt or truncated.
    """
    with reading(file) as reader:
        length = reader.number("<Q") if reader.size >= 8 else 0
        if not 2 <= length <= min(_MAX_TENSORS, reader.size - 8):
            raise reader.corrupt(f"a header of {length} bytes")
        try:
            table = json.loads(reader.take(length))
            entries = [entry for name, entry in table.items() if name != "__metadata__"]
            kinds = [_dtype(entry["dtype"]) for entry in entries]
            spans = [_span(*entry["data_offsets"]) for entry in entries]
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError, OverflowError) as failure:
            raise reader.corrupt("its header makes no sense") from failure
        ends = 8 + length + max((end for _, end in spans), default=0)
        if ends > reader.size:
            raise ModelFileInvalid(
                "error.model.truncated",
                file=str(file),
                have_mb=round(reader.size / 1e6, 1),
                need_mb=round(min(ends, _MOST_BYTES) / 1e6, 1),
            )
    return [(kind, end - start) for kind, (start, end) in zip(kinds, spans, strict=True)]


def _dtype(said: object) -> str:
    if isinstance(said, str) and len(said) <= _MAX_DTYPE:
        return said
    raise ValueError


def _span(start: object, end: object) -> tuple[int, int]:
    if isinstance(start, int) and isinstance(end, int) and 0 <= start <= end:
        return start, end
    raise ValueError

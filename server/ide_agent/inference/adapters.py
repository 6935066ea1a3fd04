"""LoRA adapters of a model: folders as PEFT writes them, ``adapters/<name>/`` below the model's own.

Only what vLLM can serve counts: LoRA in safetensors, without DoRA, whole modules or biases.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ide_agent.errors import ModelFileInvalid
from ide_agent.inference.reader import reading

if TYPE_CHECKING:
    from ide_agent.inference.models import ModelFile

FOLDER = "adapters"
_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_NAME = re.compile(r"[\w-][\w.-]{0,63}")
_MOST_RANK = 512  # that vLLM takes
_MAX_JSON = 1 << 20


@dataclass(frozen=True)
class Adapter:
    """An adapter.

    Attributes:
        name: what clients and vLLM call it: ``MODEL:ADAPTER``.
        folder: where it lies.
        rank: of its matrices.
        bytes: of its weights.
        modified_ns: when they were changed last.
    """

    name: str
    folder: Path
    rank: int
    bytes: int
    modified_ns: int


def adapters_of(model: ModelFile) -> list[Adapter]:
    """Those of `model`, by name; what is no adapter, or none that can be served, is left out."""
    if model.format != "safetensors":
        return []
    try:
        folders = sorted((model.file.parent / FOLDER).iterdir())
    except OSError:
        return []
    return [found for folder in folders if (found := _adapter(model.name, folder)) is not None]


def _adapter(model: str, folder: Path) -> Adapter | None:
    try:
        with reading(folder / _CONFIG) as reader:
            config = json.loads(reader.take(reader.size)) if reader.size <= _MAX_JSON else None
        weights = (folder / _WEIGHTS).stat()
        changed_ns = max(weights.st_mtime_ns, (folder / _CONFIG).stat().st_mtime_ns)
    except (ModelFileInvalid, OSError, ValueError, RecursionError):
        return None
    if not (isinstance(config, dict) and _NAME.fullmatch(folder.name) and config.get("peft_type") == "LORA"):
        return None
    ranks = _ranks(config)
    if not all(type(rank) is int and 1 <= rank <= _MOST_RANK for rank in ranks):
        return None
    if config.get("use_dora") or config.get("modules_to_save") or config.get("bias") not in (None, "none"):
        return None
    rank = max(ranks)
    return Adapter(f"{model}:{folder.name}", folder, rank, weights.st_size, changed_ns)


def _ranks(config: dict[str, Any]) -> list[Any]:
    """That of all matrices, and those of some that have another one."""
    others = config.get("rank_pattern")
    return [config.get("r"), *(others.values() if isinstance(others, dict) else [])]

"""How an embedder makes one vector of those of all tokens, as sentence-transformers writes it down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ide_agent.errors import ModelFileInvalid

POOLING = "1_Pooling/config.json"
"""The file that says it, below the model's folder."""

Pooling = Literal["mean", "first", "last", "max", "weighted"]
"""``weighted``: the mean, later tokens counting more."""

# a mean over the root of the length has the direction of the mean, and vectors get length 1
_MODES: dict[str, Pooling] = {
    "cls": "first", "cls_token": "first", "mean": "mean", "mean_tokens": "mean", "mean_sqrt_len": "mean",
    "mean_sqrt_len_tokens": "mean", "max": "max", "max_tokens": "max", "lasttoken": "last",
    "weightedmean": "weighted", "weightedmean_tokens": "weighted",
}  # fmt: skip
_MODE = "pooling_mode"
_COMPUTED = ("Transformer", "Pooling", "Dropout", "Normalize")  # a vector has length 1 in any case
_MAX_SHOWN = 200


def pooling_in(config: Mapping[str, Any], file: str) -> Pooling:
    """What `config`, the content of `file`, asks for.

    Raises:
        ModelFileInvalid: several modes at once, none, or an unknown one.
    """
    said = config.get(_MODE)
    modes = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    modes = modes or [
        key.removeprefix(f"{_MODE}_") for key, on in config.items() if on is True and _MODE in key
    ]
    asked = modes[0] if len(modes) == 1 and isinstance(modes[0], str) else ""
    if asked not in _MODES:
        shown = ", ".join(map(str, modes))[:_MAX_SHOWN] or "–"
        raise ModelFileInvalid("error.model.pooling", file=file, mode=shown)
    return _MODES[asked]


def check_modules(modules: object, file: str) -> None:
    """Refuse a model with steps that are not computed here: its vectors would be others than it means.

    Args:
        modules: a list of steps, each with the Python class that computes it.
        file: where they are from.

    Raises:
        ModelFileInvalid: names the first such step.
    """
    for module in modules if isinstance(modules, list) else []:
        said = module.get("type") if isinstance(module, dict) else None
        step = said.rpartition(".")[2] if isinstance(said, str) else "–"
        if step not in _COMPUTED:
            raise ModelFileInvalid("error.model.module", file=file, module=step[:_MAX_SHOWN])

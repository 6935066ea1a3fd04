"""Rules whose adapter is none of their model's."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Any

from ide_agent.inference.adapters import FOLDER
from ide_agent.inference.models import folded
from ide_agent.inference.routing.known import Known, is_remote
from ide_agent.inference.routing.nodes import Node
from ide_agent.inference.routing.problems import Problem
from ide_agent.inference.routing.rules import DEFAULT_MODELS, Rule, WorkspaceRoutes

_TAKES = "safetensors"
"""The format of models that engines load adapters onto."""


def unfit(routes: WorkspaceRoutes, root: Node, known: Collection[str] | None) -> Iterator[Problem]:
    """An error for each adapter that makes no sense where it stands, a warning for one that is not here.

    Args:
        routes: the rules.
        root: where they stand.
        known: the models there are, and their adapters; None: nobody looked.
    """
    for index, rule in enumerate(routes.rules):
        if rule.adapter is None:
            continue
        at = root.find(("rules", index, "adapter"))
        params = {"model": rule.model, "adapter": rule.adapter}
        if rule.model in DEFAULT_MODELS:  # another one tomorrow, with other adapters
            yield Problem("error.routes.adapter_default", at, params=params)
        elif known is None:
            continue
        elif is_remote(rule.model, known):
            yield Problem("error.routes.adapter_remote", at, params=params)
        elif (base := rule.model.rpartition(":")[0]) and base in known:
            yield Problem("error.routes.adapter_twice", at, params=params | {"base": base})
        elif rule.enabled and rule.target not in known:
            key, more = _absent(rule, known)
            if key:
                yield Problem(f"error.routes.{key}", at, "warning", params | more)


def adapters_among(model: str, names: Collection[str]) -> list[str]:
    """The adapters of `model` among `names` of models, without its name in front."""
    begin = folded(f"{model}:")
    return sorted(name.partition(":")[2] for name in names if model and folded(name).startswith(begin))


def _absent(rule: Rule, known: Collection[str]) -> tuple[str, dict[str, Any]]:
    """Why the adapter is not there; an empty key where its model is not either."""
    file = known.model(rule.model) if isinstance(known, Known) else None
    if rule.model.endswith(".gguf") or (file is not None and file.format != _TAKES):
        return "adapter_runtime", {}
    if rule.model not in known:
        return "", {}
    there = adapters_among(rule.model, known)
    if not there:
        return "adapter_none", {"folder": FOLDER}
    near = get_close_matches(rule.adapter or "", there, 1)
    if near:
        return "adapter_near", {"near": near[0]}
    return "adapter_other", {"names": ", ".join(there)}

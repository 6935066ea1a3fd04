"""Which models rules may name, and which of them are on this machine."""

from __future__ import annotations

from ide_agent.errors import ModelNotFound
from ide_agent.inference.models import ModelStore


def known_models(store: ModelStore) -> set[str]:
    """Names of the models on this machine, and those of the folders that hold them."""
    models = store.list()
    return {model.name for model in models} | {model.file.parent.name for model in models}


def is_here(store: ModelStore, name: str) -> bool:
    """Whether it is a model of this machine."""
    try:
        store.find(name)
    except ModelNotFound:
        return False
    return True

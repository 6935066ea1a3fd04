"""Which names of models rules may hold."""

from __future__ import annotations

from ide_agent.inference.models import ModelStore


def known_models(store: ModelStore) -> set[str]:
    """Names of the models on this machine, and those of the folders that hold them."""
    models = store.list()
    return {model.name for model in models} | {model.file.parent.name for model in models}

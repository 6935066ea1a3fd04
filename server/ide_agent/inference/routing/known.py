"""Which names of models rules may hold."""

from __future__ import annotations

from collections.abc import Iterable

from ide_agent.inference.models import ModelStore


def known_models(store: ModelStore, endpoints: Iterable[str] = ()) -> set[str]:
    """Names of the models on this machine, those of the folders that hold them, and where others begin.

    Args:
        store: the models folder.
        endpoints: names of the APIs in the settings; ``NAME/`` stands for all of its models.
    """
    models = store.list()
    here = {model.name for model in models} | {model.file.parent.name for model in models}
    return here | {f"{endpoint}/" for endpoint in endpoints}

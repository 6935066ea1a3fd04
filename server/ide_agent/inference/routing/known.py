"""Which models rules may name, and which of them are on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ide_agent.config import RemoteEndpoint
from ide_agent.errors import ModelNotFound
from ide_agent.inference.adapters import adapters_of
from ide_agent.inference.models import ModelStore
from ide_agent.safety.network import NetworkPolicy


def known_models(store: ModelStore, endpoints: Iterable[str] = ()) -> set[str]:
    """Names of the models on this machine, those of the folders that hold them and of
    their adapters, and where others begin.

    Args:
        store: the models folder.
        endpoints: names of the APIs in the settings; ``NAME/`` stands for all of its models.
    """
    models = store.list()
    here = {model.name for model in models} | {model.file.parent.name for model in models}
    here |= {adapter.name for model in models for adapter in adapters_of(model)}
    return here | {f"{endpoint}/" for endpoint in endpoints}


def is_here(
    store: ModelStore, name: str, endpoints: Mapping[str, RemoteEndpoint], network: NetworkPolicy
) -> bool:
    """Whether it is a model of this machine: in its models folder, or of an API that runs on it.

    A name that begins with that of an API is the API's, whatever lies in the models folder.
    """
    endpoint, slash, model = name.partition("/")
    if slash and model and endpoint in endpoints:
        return network.is_local(endpoints[endpoint])
    try:
        store.find(name)
    except ModelNotFound:
        return False
    return True

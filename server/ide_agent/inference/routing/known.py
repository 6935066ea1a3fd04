"""Which models rules may name, and which of them are on this machine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Set

from ide_agent.config import RemoteEndpoint
from ide_agent.errors import ModelNotFound
from ide_agent.inference.adapters import adapters_of
from ide_agent.inference.models import ModelFile, ModelStore, folded
from ide_agent.safety.network import NetworkPolicy


class Known(Set[str]):
    """Names of the models on this machine, those of the folders that hold them and of their
    adapters, and where others begin.

    Models are known by their names in upper and lower case.

    Args:
        models: of this machine.
        endpoints: names of the APIs in the settings; ``NAME/`` stands for all of its models.
    """

    def __init__(self, models: Iterable[ModelFile], endpoints: Iterable[str] = ()) -> None:
        named = [(name, model) for model in models for name in _names(model)]
        self._models = {folded(name): model for name, model in reversed(named)}
        self._names = {name for name, _ in named} | {f"{endpoint}/" for endpoint in endpoints}

    def __contains__(self, name: object) -> bool:
        """Whether there is a model of that name, or an API where it ends in ``/``."""
        return name in self._names or (isinstance(name, str) and folded(name) in self._models)

    def __iter__(self) -> Iterator[str]:
        """All names."""
        return iter(self._names)

    def __len__(self) -> int:
        """How many names there are."""
        return len(self._names)

    def model(self, name: str) -> ModelFile | None:
        """The model of this machine that is called `name`."""
        return self._models.get(folded(name))


def _names(model: ModelFile) -> Iterator[str]:
    yield model.name
    yield model.file.parent.name
    yield from (adapter.name for adapter in adapters_of(model))


def known_models(store: ModelStore, endpoints: Iterable[str] = ()) -> Known:
    """What rules may name; the arguments are those of `Known`, of the models in the folder."""
    return Known(store.list(), endpoints)


def suggested(known: Collection[str], runs: Collection[str]) -> frozenset[str]:
    """Those of `known` that are of use: what nothing here runs is not.

    Args:
        known: names of the models there are, and of APIs.
        runs: the formats that some engine on this machine runs.
    """
    if not isinstance(known, Known):
        return frozenset(known)
    models = ((name, known.model(name)) for name in known)
    return frozenset(name for name, model in models if model is None or model.format in runs)


def is_remote(name: str, known: Collection[str]) -> bool:
    """Whether it is an API's, by the names of the models there are, whatever lies in the models folder."""
    endpoint, slash, model = name.partition("/")
    return bool(slash and model) and f"{endpoint}/" in known


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

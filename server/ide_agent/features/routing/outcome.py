"""What would become of a request: the rules' decision, and which of its models would answer as things are."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

from ide_agent.locale import translate

if TYPE_CHECKING:
    from ide_agent.config import RemoteEndpoint
    from ide_agent.inference.routing.router import Decision
    from ide_agent.safety.network import NetworkPolicy

_MISSING = ("not_here", "no_endpoint")


def sentence(
    decision: Decision,
    task: str,
    endpoints: Mapping[str, RemoteEndpoint],
    known: Container[str] | None,
    network: NetworkPolicy,
    language: str,
) -> str:
    """Where a request would go and why, what keeps it from there and who would answer then.

    Of ghost text also how each model of an API would be asked.

    Args:
        decision: the rules' one.
        task: of the request.
        endpoints: those of the settings, by name.
        known: names of the models here; None: nobody looked.
        network: what may be reached.
        language: of the reader.
    """
    said = [decision.sentence(language)]
    if decision.refused:
        return said[0]
    completion = task == "completion"
    answers: str | None = None
    asked: list[str] = []  # what keeps each model that is not passed over from answering
    names = dict.fromkeys((decision.model, *decision.fallbacks))
    for name in names:
        owner, slash, model = name.partition("/")
        endpoint = endpoints.get(owner) if slash and model else None
        words = {"model": name, "endpoint": owner, "setting": endpoint.completion if endpoint else ""}
        over = completion and endpoint is not None and endpoint.completion == "off"
        if endpoint is not None:
            obstacle = "passed_over" if over else _kept_back(endpoint, network)
        else:
            adapter = name == decision.model and bool(decision.adapter)
            obstacle = (
                "" if known is None or _is_known(name, endpoints, known) else _missing(name, adapter, known)
            )
        if not over:
            asked.append(obstacle)
        if obstacle:
            if over or answers is None:
                said.append(translate(f"routes.{obstacle}", language, **words))
            continue
        answers = name if answers is None else answers
        if completion and endpoint is not None:
            said.append(translate("routes.asked", language, **words))
    # As for ghost text itself: whether the default model stands in, the first one that is asked decides.
    if not asked or (completion and answers is None and asked[0] in _MISSING):
        answers = ""
    if answers is None:
        said.append(translate("routes.nobody", language))
    elif answers != decision.model:
        said.append(
            translate("routes.instead", language, model=answers or translate("routes.default", language))
        )
    return " ".join(said)


def _missing(name: str, adapter: bool, known: Container[str]) -> str:
    """What a model that is not here is: most names with a slash are meant to be one of an endpoint."""
    owner, slash, model = name.partition("/")
    if adapter:
        return "adapter_not_here"
    return "no_endpoint" if slash and model and owner not in known else "not_here"


def _kept_back(endpoint: RemoteEndpoint, network: NetworkPolicy) -> str:
    """Why nothing would be sent there, as far as that is known without asking anybody."""
    if network.is_local(endpoint):
        return ""
    if not network.remote:
        return "kept_back"
    return "in_clear" if network.in_clear(endpoint) else ""


def _is_known(model: str, endpoints: Mapping[str, RemoteEndpoint], known: Container[str]) -> bool:
    """A path of a file is one, as in `is_known` of the rules: whether it leads anywhere the request shows."""
    here = model in ("default", "") or model in known or model.endswith(".gguf")
    return here or model.partition("/")[0] in endpoints

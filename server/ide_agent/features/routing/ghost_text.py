"""What a decision means for ghost text, where it names models of APIs."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

from ide_agent.locale import translate

if TYPE_CHECKING:
    from ide_agent.config import RemoteEndpoint
    from ide_agent.inference.routing.router import Decision


def sentence(
    decision: Decision,
    task: str,
    endpoints: Mapping[str, RemoteEndpoint],
    known: Container[str] | None,
    language: str,
) -> str:
    """Where a request would go and why, and whether its model is here; of ghost text also how each model of
    an API would be asked.

    Args:
        decision: the rules' one.
        task: of the request.
        endpoints: those of the settings, by name.
        known: names of the models here; None: nobody looked.
        language: of the reader.
    """
    said = [decision.sentence(language)]
    if known is not None and decision.model and not _is_known(decision.model, endpoints, known):
        said.append(translate("routes.not_here", language, model=decision.model))
    names = (decision.model, *decision.fallbacks) if task == "completion" and not decision.refused else ()
    for name in names:
        owner, slash, model = name.partition("/")
        endpoint = endpoints.get(owner) if slash and model else None
        if endpoint is not None:
            key = "routes.passed_over" if endpoint.completion == "off" else "routes.asked"
            said.append(translate(key, language, model=name, endpoint=owner, setting=endpoint.completion))
    return " ".join(said)


def _is_known(model: str, endpoints: Mapping[str, RemoteEndpoint], known: Container[str]) -> bool:
    """A path of a file is one, as in `is_known` of the rules: whether it leads anywhere the request shows."""
    here = model in ("default", "") or model in known or model.endswith(".gguf")
    return here or model.partition("/")[0] in endpoints

"""What may be told to a model on another machine.

The editor's process leaves private files out of everything it sends to the host; it knows the settings of
each workspace folder. Here, in the host, all is looked at once more before it leaves the machine, by the
user's own settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ide_agent.errors import ModelNotFound
from ide_agent.safety.redaction import secrets_in

from .wire import CompletionRequest, SnippetBody

if TYPE_CHECKING:
    from .policy import Policy


def fit_to_leave(request: CompletionRequest, policy: Policy) -> CompletionRequest:
    """`request` without pieces of private files.

    Raises:
        ModelNotFound: the document itself is private.
    """
    place = _path_of(request.document)
    if policy.is_private(request.path) or policy.is_private(place):
        raise ModelNotFound("error.routes.private")
    folder = place.removesuffix(request.path) if request.path and place.endswith(f"/{request.path}") else ""

    def open_ones(pieces: list[SnippetBody]) -> list[SnippetBody]:
        return [
            each
            for each in pieces
            if not (policy.is_private(each.path) or (folder and policy.is_private(folder + each.path)))
        ]

    return request.model_copy(
        update={
            "snippets": open_ones(request.snippets),
            "declarations": open_ones(request.declarations),
        }
    )


def in_secret(request: CompletionRequest) -> bool:
    """Whether the cursor stands in what looks like a secret, or right behind it: it may not be whole yet, and
    in two halves it would not be known again."""
    before = request.prefix.rpartition("\n")[2]
    line = before + request.suffix.partition("\n")[0]
    spans = [*secrets_in(line), *secrets_in(before)]
    return any(start < len(before) <= end for start, end in spans)


def _path_of(uri: str) -> str:
    try:
        return unquote(urlsplit(uri).path)
    except ValueError:  # brackets that are not closed
        return ""

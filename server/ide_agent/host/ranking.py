"""What a request for a ranking must look like: ``{query, documents, top_n?}``, as Jina and Cohere have it."""

from __future__ import annotations

from typing import Any

from ide_agent.host.errors import BadRequest

_MOST = 1000


def check_ranking(payload: dict[str, Any]) -> None:
    """Whether it makes sense; engines say less clearly what is wrong, and take some of it in silence.

    Raises:
        BadRequest: it does not; says what is wrong with which field.
    """
    query, documents, best = (payload.get(name) for name in ("query", "documents", "top_n"))
    if not isinstance(query, str) or not query.strip():
        raise BadRequest(problem="query: not a text, or empty")
    if not isinstance(documents, list) or not documents:
        raise BadRequest(problem="documents: not a list of texts")
    if len(documents) > _MOST:
        raise BadRequest(problem=f"documents: more than {_MOST}")
    for place, document in enumerate(documents):
        if not isinstance(document, str):
            raise BadRequest(problem=f"documents.{place}: not a text")
    if best is not None and (not isinstance(best, int) or isinstance(best, bool) or best < 1):
        raise BadRequest(problem="top_n: not a whole number above 0")
    if payload.get("stream"):
        raise BadRequest(problem="stream: a ranking comes in one piece")

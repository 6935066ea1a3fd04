"""What may be told to a model on another machine.

The editor's process leaves private files out of everything it sends to the host; it knows the settings of
each workspace folder. Here, in the host, all is looked at once more before it leaves the machine, by the
user's own settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ide_agent.errors import ModelNotFound
from ide_agent.safety.keys import key_lines

from .wire import CompletionRequest, SnippetBody

if TYPE_CHECKING:
    from ide_agent.safety.placeholders import Placeholders

    from .policy import Policy

_PASSES = 8
_CHARACTERS_A_TOKEN = 8
"""More than a prompt ever holds for each token of its budget."""
_MARGIN = 4000
_STEP = 512
_AT_END = 4000
"""Characters before the cursor that are looked at without those behind it."""


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
            if not any(map(policy.is_private, (each.path, each.file, folder and folder + each.path)))
        ]

    return request.model_copy(
        update={
            "snippets": open_ones(request.snippets),
            "declarations": open_ones(request.declarations),
        }
    )


def without_secrets(request: CompletionRequest, placeholders: Placeholders) -> CompletionRequest | None:
    """`request` with each secret replaced, before anything of it is cut: half a secret is not known as one.

    Takes its time with a long text: call it in a thread. What no prompt has room for is left out.

    Returns:
        None where the cursor stands in what looks like a secret, or right behind it: it may not be whole yet.
    """
    request = _near(request)

    def closed(pieces: list[SnippetBody]) -> list[SnippetBody]:
        hidden = (_around("", each.text, placeholders) for each in pieces)
        return [
            each.model_copy(update={"text": both[1]})
            for each, both in zip(pieces, hidden, strict=True)
            if both is not None
        ]

    # what is found in a piece is replaced in the document, too
    snippets, declarations = closed(request.snippets), closed(request.declarations)
    typed = request.prefix[-_AT_END:]
    if any(end == len(typed) for _, end in _spans(typed, placeholders)):
        return None
    both = _around(request.prefix, request.suffix, placeholders)
    if both is None:
        return None
    prefix, suffix = both
    return request.model_copy(
        update={"prefix": prefix, "suffix": suffix, "snippets": snippets, "declarations": declarations}
    )


def _around(before: str, after: str, placeholders: Placeholders) -> tuple[str, str] | None:
    """Two texts that meet at a cursor, searched as one; None where that stands in a secret."""
    for _ in range(_PASSES):  # a secret may hide what another one is known by
        at = len(before)
        spans = _spans(before + after, placeholders)
        if any(start < at <= _end(before, start, end) for start, end in spans):
            return None
        left = placeholders.replace(before, [span for span in spans if span[1] < at])
        right = placeholders.replace(after, [(start - at, end - at) for start, end in spans if start >= at])
        if (left, right) == (before, after):
            break
        before, after = left, right
    return before, after


def _spans(text: str, placeholders: Placeholders) -> list[tuple[int, int]]:
    """Start and end of each secret, in order, none within another."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted([*placeholders.find(text), *key_lines(text)]):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return spans


def _end(text: str, start: int, end: int) -> int:
    """Where a secret ends; of a key that goes on as far as can be seen, where its next line does."""
    key = text[start:end]
    if not ("\n" in key or "PRIVATE KEY" in key) or "-----END" in key:
        return end
    line = text.find("\n", end) + 1
    behind = text.find("\n", line) if line else -1
    return len(text) if behind < 0 else behind


def _near(request: CompletionRequest) -> CompletionRequest:
    """Without what is so far from the cursor that no prompt has room for it."""
    most = request.prompt_tokens * _CHARACTERS_A_TOKEN + _MARGIN
    prefix, cut = request.prefix, 0
    if len(prefix) > most:
        cut = prefix.find("\n", len(prefix) - most, len(prefix) - most + _MARGIN) + 1
        if not cut:  # in steps, so that the cut does not move with every keystroke
            start = prefix.rfind("\n", 0, len(prefix) - most) + 1
            cut = start + (len(prefix) - most - start) // _STEP * _STEP
    return request.model_copy(
        update={
            "prefix": prefix[cut:],
            "prefix_line": request.prefix_line + prefix.count("\n", 0, cut),
            "suffix": request.suffix[:most],
        }
    )


def _path_of(uri: str) -> str:
    try:
        return unquote(urlsplit(uri).path)
    except ValueError:  # brackets that are not closed
        return ""

"""The messages of our own, `ideAgent/…`, as docs/protocol.md describes them.

The converter turns field names into camelCase and leaves out what has its default.
"""

from __future__ import annotations

from typing import Any

import attrs
from lsprotocol import types

INLINE_COMPLETION_MORE = "ideAgent/inlineCompletion/more"
INLINE_COMPLETION_EVENT = "ideAgent/inlineCompletion/event"
STATUS = "ideAgent/status"
PANEL_SHOW = "ideAgent/panel/show"
PANEL_PATCH = "ideAgent/panel/patch"
PANEL_EVENT = "ideAgent/panel/event"
PANEL_CLOSE = "ideAgent/panel/close"


@attrs.define
class InlineCompletionMoreParams:
    """Server to client: a suggestion that is on the screen has grown.

    Attributes:
        text_document: the document and the version that the text belongs to.
        completion_id: which suggestion.
        insert_text: the whole suggestion so far.
        range: what it replaces; that of the item.
        done: no more will come.
    """

    text_document: types.VersionedTextDocumentIdentifier
    completion_id: str
    insert_text: str
    range: types.Range
    done: bool


@attrs.define
class InlineCompletionEventParams:
    """Client to server: what became of a suggestion.

    Attributes:
        completion_id: which suggestion.
        kind: ``shown``, ``hidden``, ``acceptedPartly`` or ``dismissed``.
        accepted_length: UTF-16 code units taken so far, for ``acceptedPartly``.
    """

    completion_id: str
    kind: str
    accepted_length: int | None = None


@attrs.define
class StatusParams:
    """Server to client: what the status item shows.

    Attributes:
        state: ``starting``, ``ready``, ``waiting``, ``loading``, ``downloading``, ``noModel``, ``off`` or
            ``error``.
        model: the model in use; empty: none is, left out: as before.
        engine: the engine that runs it.
        message: text in the user's language.
        progress: percent.
        text: the model and its state in one line, e.g. ``Mistral-7B (gguf/q4) 🟢 Running``.
    """

    state: str
    model: str | None = None
    engine: str | None = None
    message: str | None = None
    progress: int | None = None
    text: str | None = None


@attrs.define
class PanelOpenParams:
    """Argument of `ideAgent.panels.open`.

    Attributes:
        name: which panel, as `ideAgent.panels.list` names them.
    """

    name: str


@attrs.define
class PanelEventParams:
    """Client to server, a request: what the user did in a panel.

    Attributes:
        panel: its id.
        event: ``action``, and what belongs to it: ``block``, ``row``, ``args``, ``values``.
    """

    panel: str
    event: dict[str, Any]


@attrs.define
class PanelCloseParams:
    """Client to server: the panel shows no longer.

    Attributes:
        panel: its id.
    """

    panel: str

"""What the client at the other end can do."""

from __future__ import annotations

from typing import Any

import attrs
from lsprotocol import types
from pygls.capabilities import get_capability


@attrs.frozen
class ClientAbilities:
    """Abilities that this server asks about, all off until `initialize`.

    Attributes:
        inline_completion_more: shows suggestions that grow.
        status: shows `ideAgent/status`.
        panels: draws panels.
        show_document: opens addresses in the browser.
        configuration: can be asked for its settings.
        dynamic_configuration: says when its settings change, if asked to.
        dynamic_watchers: watches files, if asked to.
        relative_patterns: watches files outside the workspace.
        work_done_progress: shows progress that the server begins.
    """

    inline_completion_more: bool = False
    status: bool = False
    panels: bool = False
    show_document: bool = False
    configuration: bool = False
    dynamic_configuration: bool = False
    dynamic_watchers: bool = False
    relative_patterns: bool = False
    work_done_progress: bool = False

    @classmethod
    def of(cls, declared: types.ClientCapabilities) -> ClientAbilities:
        """The abilities that a client declared."""
        experimental: Any = declared.experimental
        ours = experimental.get("ideAgent") if isinstance(experimental, dict) else None
        ours = ours if isinstance(ours, dict) else {}

        def has(path: str) -> bool:
            return get_capability(declared, path) not in (None, False)

        return cls(
            inline_completion_more=ours.get("inlineCompletionMore") is True,
            status=ours.get("status") is True,
            panels=ours.get("panels") is True,
            show_document=has("window.show_document.support"),
            configuration=has("workspace.configuration"),
            dynamic_configuration=has("workspace.did_change_configuration.dynamic_registration"),
            dynamic_watchers=has("workspace.did_change_watched_files.dynamic_registration"),
            relative_patterns=has("workspace.did_change_watched_files.relative_pattern_support"),
            work_done_progress=has("window.work_done_progress"),
        )

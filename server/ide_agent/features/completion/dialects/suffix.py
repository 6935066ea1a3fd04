"""``/completions`` with the parameter ``suffix``: the API knows how its model wants a hole written."""

from __future__ import annotations

from typing import Any

from ide_agent.features.completion.dialects.base import Hole, Way


class Suffix(Way):
    """For APIs that have it: Ollama, DeepSeek, Mistral."""

    path = "/v1/completions"

    def fields(self, hole: Hole) -> dict[str, Any]:
        """Prompt and suffix. With an empty one Ollama would talk, and others end at once (case 24)."""
        return {"prompt": hole.before + hole.prefix, "suffix": hole.suffix or "\n"}

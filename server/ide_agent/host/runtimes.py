"""What runs models in other formats than GGUF, and which nothing here runs, as this process sees it.

The host's PATH need not be that of the shell that asks: an editor may have started it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ide_agent.errors import IdeAgentError

if TYPE_CHECKING:
    from ide_agent.config import InferenceSettings
    from ide_agent.inference.models import ModelStore

_FOR_SPEECH = ("ctranslate2", "piper")


def survey(settings: InferenceSettings, store: ModelStore) -> dict[str, Any]:
    """Look at them all. Reads the header of each model in such a format.

    Returns:
        What ``GET /engine/runtimes`` answers: the names of the engines that are ``here`` and of those
        ``lacking``, the models ``for_speech``, which have no engine yet, and ``problems``: what keeps others
        from being run, as on the wire.
    """
    from ide_agent.inference.backends import runtimes, suited
    from ide_agent.inference.kinds import purpose_of

    able = {each.name: each.available() for each in runtimes(settings)}
    models = [model for model in store.list() if model.format != "gguf"]
    problems: list[dict[str, Any]] = []
    for model in models:
        if model.format not in _FOR_SPEECH:
            try:
                suited(settings, model.name, model.format, purpose_of(model))
            except IdeAgentError as error:
                problems.append(error.as_wire())
    return {
        "here": [name for name, available in able.items() if available],
        "lacking": [name for name, available in able.items() if not available],
        "for_speech": [model.name for model in models if model.format in _FOR_SPEECH],
        "problems": problems,
    }

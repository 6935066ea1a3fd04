"""Which way a model is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from ide_agent.features.completion.dialects.base import Way
from ide_agent.features.completion.dialects.chat import Chat
from ide_agent.features.completion.dialects.fim import Fim, Prefix
from ide_agent.features.completion.dialects.suffix import Suffix
from ide_agent.features.completion.templates import FimTemplate, choose

Setting = Literal["auto", "fim", "suffix", "chat"]
_TALKS = re.compile(r"(?:^|[-_.:/ ])(?:instruct|chat|it)(?:$|[-_.:/ ])")
_OLLAMA_PORT = 11434
"""Ollama puts what ``/completions`` gets into the template of a chat, unless it has a suffix."""


@dataclass(frozen=True)
class Asked:
    """A model, as far as the way depends on it.

    Attributes:
        id: as its API calls it.
        url: base address of the API; empty for an engine of ours.
        setting: what the user set for the API.
        endpoint: the API; other settings make another one.
    """

    id: str
    url: str = ""
    setting: Setting = "auto"
    endpoint: object = None

    @property
    def template(self) -> FimTemplate | None:
        """That of the model's family, by its name."""
        return choose(self.id, {})


def named(asked: Asked) -> Literal["fim", "suffix", "chat"]:
    """What the setting comes to."""
    if asked.setting != "auto":
        return asked.setting
    if asked.template is None or _TALKS.search(asked.id.lower()):
        return "chat"
    return "suffix" if asked.url and urlsplit(asked.url).port == _OLLAMA_PORT else "fim"


def ways(asked: Asked) -> list[Way]:
    """How to ask, the best way first; the next one is for an API that refuses it."""
    match named(asked):
        case "suffix":
            way: Way = Suffix()
        case "fim":
            template = asked.template
            way = Prefix() if template is None else Fim(template)
        case "chat":
            return [Chat()]
    return [way, Chat()] if asked.setting == "auto" else [way]

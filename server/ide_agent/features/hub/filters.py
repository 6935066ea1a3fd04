"""Which models a person wants to see: by words, by where they come from, by what they are for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ide_agent.features.hub.catalogue import Entry
from ide_agent.inference.kinds import KINDS
from ide_agent.inference.models import folded
from ide_agent.locale import LANGUAGES, translate

SOURCES = ("pypi", "hub", "web", "file")
_PREFIXES = (("pypi:", "pypi"), ("hf:", "hub"), ("file:", "file"), ("http:", "web"), ("https:", "web"))


def source_of(origin: str) -> str:
    """One of `SOURCES`; ``file`` where nothing was noted: somebody put it there."""
    return next((source for start, source in _PREFIXES if origin.startswith(start)), "file")


def kind_meant(given: str) -> str:
    """The kind of model that somebody calls `given`, in any language; empty where that is not known."""
    for kind in KINDS:
        others = " ".join(translate(f"hub.kind_words.{kind}", each) for each in LANGUAGES)
        if folded(given) in map(folded, (kind, *others.split())):
            return kind
    return ""


@dataclass(frozen=True)
class Filter:
    """What is shown.

    Attributes:
        words: parts of the name, or of what the catalogue says that it is for in any language, in lower
            case; empty: all.
        source: one of `SOURCES`; empty: all.
        kind: see `ide_agent.inference.kinds`; empty: all.
    """

    words: str = ""
    source: str = ""
    kind: str = ""

    def of_model(self, model: Mapping[str, Any]) -> bool:
        """Whether a model of `listing.described` is."""
        return self._fits(model["name"], model["source"], model["kind"])

    def of_entry(self, entry: Entry) -> bool:
        """Whether one of the catalogue is."""
        known = f"{entry.name} {entry.title} {_purpose(entry)}"
        return self._fits(known, source_of(entry.origin), entry.kind)

    def _fits(self, known: str, source: str, kind: str) -> bool:
        lowered = known.lower()
        named = all(_stem(word) in lowered for word in self.words.split())
        return named and self.source in ("", source) and self.kind in ("", kind)


def _purpose(entry: Entry) -> str:
    """What `entry` is for, as people of any language may call it; the key's own last word is one, too."""
    keys = (entry.about, f"hub.kind.{entry.kind}")
    return " ".join([entry.about, *(translate(key, each) for key in keys for each in LANGUAGES)])


def _stem(word: str) -> str:
    """Without what is likely to be an ending: who looks for “completion” means what “completes”, too."""
    return word[: max(len(word) - 3, 5)]

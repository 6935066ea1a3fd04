"""Which models a person wants to see: by words, by where they come from, by what they are for."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ide_agent.features.hub.catalogue import Entry
from ide_agent.inference.kinds import KINDS
from ide_agent.inference.models import folded
from ide_agent.locale import LANGUAGES, catalogue, translate

SOURCES = ("pypi", "hub", "web", "file")
_PREFIXES = (("pypi:", "pypi"), ("hf:", "hub"), ("file:", "file"), ("http:", "web"), ("https:", "web"))

_ABOUT, _SYNONYMS = "hub.about.", "hub.synonyms."
_LONG = 4


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
        words: parts of the name, or of what the catalogue says that it is for in any language; upper and
            lower case are one; empty: all.
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
        return self._fits(_known(entry), source_of(entry.origin), entry.kind, _synonyms(entry))

    def _fits(self, known: str, source: str, kind: str, others: str = "") -> bool:
        there, others = folded(known), folded(others)
        words = [_stem(word) for word in folded(self.words).split()]
        named = all(word in there or _starts(word, others) for word in words)
        return named and self.source in ("", source) and self.kind in ("", kind)


def meant(words: str) -> str:
    """`words` without those that say nothing of a model in any language; all where nothing else is left."""
    counting = [word for word in words.split() if _bare(word) and _bare(word) not in _unmeant()]
    return " ".join(counting) if counting else words


def ranked(entries: Iterable[Entry], words: str) -> list[Entry]:
    """Those of `entries` that any of `words` fits: where more of them do stands first, then rarer ones.

    A word such as “small” only orders what the others found: of those that are otherwise alike the smallest
    stand first. Without a word all of them.
    """
    known = {entry.name: (entry, folded(f"{_known(entry)} {_synonyms(entry)}")) for entry in entries}
    bare = (_bare(word) for word in meant(_joined(words)).split())
    looked_for = list(dict.fromkeys(_stem(word) for word in bare if word))
    if not looked_for:
        return [entry for entry, _ in known.values()]
    fitting = {
        word: {name for name, (_, there) in known.items() if _begins(word, there)} for word in looked_for
    }

    small = {word for word in looked_for if word in _small()}
    named = set[str]().union(*(names for word, names in fitting.items() if word not in small))

    def worth(name: str) -> tuple[int, bool, int, float]:
        counts = {word: len(names) for word, names in fitting.items() if name in names}
        rare = sum(math.log(1 + len(known) / count) for count in counts.values())
        writes = known[name][0].kind == "text" and not named  # who wants just something small wants that
        return len(counts.keys() - small), writes, -known[name][0].expected if small else 0, rare

    found = named or set[str]().union(*fitting.values())
    return sorted(
        (entry for name, (entry, _) in known.items() if name in found),
        key=lambda entry: worth(entry.name),
        reverse=True,
    )


def _begins(word: str, there: str) -> bool:
    """Whether `word` is in it; a short one where a word begins, for its letters are within many others."""
    return word in there if len(word) >= _LONG else _starts(word, there)


def _starts(word: str, there: str) -> bool:
    """Whether a word of it starts like that."""
    return bool(word) and re.search(rf"(?<![^\W_]){re.escape(word)}", there) is not None


def _joined(words: str) -> str:
    """`words`, folded, with a dash between those that are one synonym, such as “text to speech”."""
    known = " ".join(folded(words).split())
    for several in _several():
        known = re.sub(rf"\b{re.escape(several.replace('-', ' '))}", several, known)
    return known


@cache
def _several() -> tuple[str, ...]:
    """The synonyms of several words, with dashes between them; the longest first."""
    all_words = " ".join(
        text for each in LANGUAGES for key, text in catalogue(each).items() if key.startswith(_SYNONYMS)
    )
    return tuple(sorted({word for word in folded(all_words).split() if "-" in word}, key=len, reverse=True))


def _bare(word: str) -> str:
    """`word` folded, without the signs of the sentence around it."""
    return re.sub(r"^\W+|\W+$", "", folded(word))


@cache
def _unmeant() -> frozenset[str]:
    return frozenset(folded(" ".join(translate("hub.unmeant", each) for each in LANGUAGES)).split())


@cache
def _small() -> frozenset[str]:
    words = folded(" ".join(translate("hub.small", each) for each in LANGUAGES)).split()
    return frozenset(map(_stem, words))


def _known(entry: Entry) -> str:
    return f"{entry.name} {entry.title} {_purpose(entry)}"


def _purpose(entry: Entry) -> str:
    """What `entry` is for, as people of any language may call it; the key's own last word is one, too."""
    keys = (entry.about, f"hub.kind.{entry.kind}")
    return " ".join([entry.about, *(translate(key, each) for key in keys for each in LANGUAGES)])


def _synonyms(entry: Entry) -> str:
    """Other words for what it is for."""
    key = entry.about.replace(_ABOUT, _SYNONYMS)
    return " ".join(translate(key, each) for each in LANGUAGES)


def _stem(word: str) -> str:
    """Without what is likely to be an ending: who looks for “completion” means what “completes”, too."""
    return word[: max(len(word) - 3, 5)]

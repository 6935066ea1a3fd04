"""Searching: in the catalogue, and on a Hugging Face hub."""

from __future__ import annotations

from typing import Any

from ide_agent.config import InferenceSettings
from ide_agent.errors import DownloadError
from ide_agent.features.hub.about import repositories
from ide_agent.features.hub.filters import Filter, meant, ranked, source_of
from ide_agent.features.hub.fit import all_expected
from ide_agent.features.hub.service import Hub
from ide_agent.inference.backends import runnable

_SETTINGS = InferenceSettings()
PLACES = ("catalogue", "hub")


def search(
    hub: Hub, words: str, kind: str = "", place: str = "", settings: InferenceSettings = _SETTINGS
) -> dict[str, Any]:
    """What there is for `words`: in the catalogue for any of them, on a hub for all. Blocks.

    What nothing here runs comes last.

    Args:
        hub: whose catalogue.
        words: what people type.
        kind: only what is for that; empty: all.
        place: one of `PLACES`; empty: both.
        settings: how much context there is to be.

    Returns:
        ``catalogue``: ``name``, ``title``, ``bytes``, ``download`` (bytes to come), ``licence``, ``kind``,
        ``format``, ``about`` (a message key), ``source``, ``memory``, ``instead`` and ``repository`` (see
        `fit`) of each; ``repositories``: see `about.repositories`; ``problem``: why the hub was not asked, an
        error as on the wire, or None.

    Raises:
        DownloadError: only the hub was meant, and it cannot be asked.
    """
    runs = runnable(settings)

    def unrun(each: dict[str, Any]) -> bool:
        return bool(each["format"]) and each["format"] not in runs

    found: dict[str, Any] = {"catalogue": [], "repositories": [], "problem": None}
    if place != "hub":
        wanted = Filter(kind=kind)
        takes = all_expected(list(hub.catalogue()), settings)
        found["catalogue"] = [
            {
                "name": entry.name,
                "title": entry.title,
                "bytes": entry.expected,
                "download": entry.to_fetch,
                "licence": entry.licence,
                "kind": entry.kind,
                "format": entry.format,
                "about": entry.about,
                "source": source_of(entry.origin),
                **takes[entry.name],
            }
            for entry in ranked(filter(wanted.of_entry, hub.catalogue()), words)
        ]
        found["catalogue"].sort(key=unrun)
    if place != "catalogue":
        try:
            found["repositories"] = sorted(repositories(meant(words), kind), key=unrun)
        except DownloadError as failure:
            if place == "hub":
                raise
            found["problem"] = failure.as_wire()
    return found

"""What the hub's panel shows of models that can be had: the catalogue, and what a search found."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.filters import source_of
from ide_agent.features.hub.words import echoed, fit, fits, form, no_engine, no_hub, size, too_big
from ide_agent.locale import translate, translator
from ide_agent.panels.blocks import Action, ActionsBlock, Block, Column, Row, TableBlock, TextBlock, plain

THERE, FOUND, FILES, UNASKED, CLEAR, UNFIT = "catalogue", "found", "files", "unasked", "clear", "unfit"


def there(
    offered: list[Entry],
    busy: set[str],
    runs: Collection[str],
    takes: Mapping[str, Mapping[str, Any]],
    language: str,
) -> TableBlock:
    """What the catalogue offers besides.

    Args:
        offered: of the catalogue.
        busy: names of those on their way.
        runs: see `listing.runnable`.
        takes: see `fit.all_expected`.
        language: of the reader.
    """
    words = translator(language)
    return TableBlock(
        id=THERE,
        title=words("hub.panel.there"),
        empty=words("hub.panel.all_here"),
        columns=[
            Column(key="name", label=words("hub.panel.name")),
            Column(key="size", label=words("hub.panel.to_download"), align="end"),
            Column(key="memory", label=words("hub.fact.memory")),
            Column(key="kind", label=words("hub.fact.kind")),
            Column(key="licence", label=words("hub.panel.licence")),
            Column(key="about", label=words("hub.panel.for")),
        ],
        rows=[
            _entry(entry, entry.name in busy, runs, takes[entry.name], language)
            for entry in sorted(offered, key=lambda each: each.format not in runs)
        ],
    )


def _entry(entry: Entry, busy: bool, runs: Collection[str], takes: Mapping[str, Any], language: str) -> Row:
    words = translator(language)
    return Row(
        id=entry.name,
        cells={
            "name": f"{entry.name}: {entry.title}{no_hub(source_of(entry.origin), language)}",
            "size": size(entry.to_fetch, language),
            "memory": fit(takes["memory"], entry.format, runs, language),
            "kind": words(f"hub.kind.{entry.kind}"),
            "licence": entry.licence,
            "about": words(entry.about) + no_engine(entry.format, runs, language),
        },
        actions=[
            _download("pull", entry.name, entry.format, runs, takes, language, enabled=not busy),
            *quantisations(takes, language),
            Action(name="about", label=words("hub.panel.details"), args={"name": entry.name}),
        ],
    )


def _download(
    action: str,
    name: str,
    form: str,
    runs: Collection[str],
    takes: Mapping[str, Any],
    language: str,
    *,
    enabled: bool = True,
) -> Action:
    """The button that gets a model, which asks where it does not fit, or nothing here could run it."""
    words = translator(language)
    why = [words("hub.panel.pull_idle", name=name)] if no_engine(form, runs, language) else []
    why += [tight] if (tight := too_big(name, takes, language)) else []
    sure = " ".join([*why, words("hub.panel.pull_sure")]) if why else ""
    args = {"name": name}
    label = words("hub.panel.pull")
    return Action(name=action, label=label, style="primary", confirm=sure, args=args, enabled=enabled)


def quantisations(takes: Mapping[str, Any], language: str) -> list[Action]:
    """The button that shows what else there is of a model that does not fit."""
    if not takes["repository"]:
        return []
    label = translate("hub.panel.others", language)
    return [Action(name="files", label=label, args={"name": takes["repository"]})]


def found(
    known: dict[str, Any], asked: str, runs: Collection[str], language: str, taken: Collection[str] = ()
) -> TableBlock:
    """What `finding.search` found; those in `taken` are here or on their way."""
    words = translator(language)
    return TableBlock(
        id=FOUND,
        title=words("hub.panel.found" if asked else "hub.panel.found_all", words=echoed(asked)),
        empty=words("hub.panel.nothing" if asked else "hub.panel.nothing_so", words=echoed(asked)),
        columns=[
            Column(key="name", label=words("hub.panel.name")),
            Column(key="size", label=words("hub.panel.to_download"), align="end"),
            Column(key="memory", label=words("hub.fact.memory")),
            Column(key="format", label=words("hub.fact.format")),
            Column(key="licence", label=words("hub.panel.licence")),
            Column(key="about", label=words("hub.panel.for")),
        ],
        rows=[
            *(_known(each, each["name"] in taken, runs, language) for each in known["catalogue"]),
            *(_repository(each, runs, language) for each in known["repositories"]),
        ],
    )


def unasked(why: str) -> TextBlock:
    """That only the catalogue was searched, above what was found there."""
    return TextBlock(id=UNASKED, markdown=plain(why), level="warning")


def unfitting(said: str, address: str, name: str, sha256: str, language: str) -> list[Block]:
    """That what is at `address` does not fit, and whether it is to come all the same."""
    words = translator(language)
    args = {"address": address, "name": name, "sha256": sha256, "sure": "yes"}
    actions = [
        Action(name="add", label=words("hub.panel.pull_anyway"), args=args),
        Action(name="clear", label=words("hub.panel.forget")),
    ]
    return [
        TextBlock(id=UNFIT, markdown=plain(said), level="warning"),
        ActionsBlock(id=f"{UNFIT}.actions", actions=actions),
    ]


def clear(language: str) -> ActionsBlock:
    """Takes away what was found."""
    return ActionsBlock(
        id=CLEAR, actions=[Action(name="clear", label=translate("hub.panel.clear", language))]
    )


def _known(each: dict[str, Any], taken: bool, runs: Collection[str], language: str) -> Row:
    """A model of the catalogue."""
    words = translator(language)
    args = {"name": each["name"]}
    return Row(
        id=each["name"],
        cells={
            "name": f"{each['name']}: {each['title']}{no_hub(each['source'], language)}",
            "size": size(each["download"], language),
            "memory": fit(each["memory"], each["format"], runs, language),
            "format": form(each["format"], language),
            "licence": each["licence"],
            "about": words(each["about"]) + no_engine(each["format"], runs, language),
        },
        actions=[
            _download("get", each["name"], each["format"], runs, each, language, enabled=not taken),
            *quantisations(each, language),
            Action(name="about", label=words("hub.panel.details"), args=args),
        ],
    )


def _repository(each: dict[str, Any], runs: Collection[str], language: str) -> Row:
    words = translator(language)
    unrun = no_engine(each["format"], runs, language)
    return Row(
        id=each["name"],
        cells={
            "name": each["name"] + (words("hub.gated") if each["gated"] else ""),
            "format": form(each["format"], language),
            "licence": each["licence"],
            "about": words("hub.panel.downloads", count=each["downloads"]) + (f".{unrun}" if unrun else ""),
        },
        actions=[Action(name="files", label=words("hub.panel.files"), args={"name": each["name"]})],
    )


def offered(repository: str, files: list[dict[str, Any]], runs: Collection[str], language: str) -> TableBlock:
    """The files of a repository."""
    words = translator(language)
    best = next((file["path"] for file in files if file["best"]), "")
    return TableBlock(
        id=FILES,
        title=repository,
        columns=[
            Column(key="path", label=words("hub.fact.file")),
            Column(key="size", label=words("hub.panel.to_download"), align="end"),
            Column(key="memory", label=words("hub.fact.memory")),
        ],
        rows=[
            Row(
                id=file["name"],
                cells={
                    "path": file["path"],
                    "size": size(file["bytes"], language),
                    "memory": _verdict(file, runs, language),
                },
                actions=[
                    _download("get", file["name"], file["format"], runs, {**file, "instead": best}, language)
                ],
            )
            for file in files
        ],
    )


def _verdict(file: dict[str, Any], runs: Collection[str], language: str) -> str:
    """Whether a file of a repository fits, and whether it is the best that does."""
    if unrun := no_engine(file["format"], runs, language):
        return f"{fit(file['memory'], file['format'], runs, language)}.{unrun}"
    best = translate("hub.best", language) if file["best"] else ""
    return fits(file["memory"], language) + best

"""What the hub's panel shows of models that can be had: the catalogue, and what a search found."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ide_agent.features.hub.catalogue import Entry
from ide_agent.features.hub.filters import source_of
from ide_agent.features.hub.words import echoed, fits, form, no_engine, no_hub, size
from ide_agent.locale import translate, translator
from ide_agent.panels.blocks import Action, ActionsBlock, Column, Row, TableBlock, TextBlock, plain

THERE, FOUND, FILES, UNASKED, CLEAR = "catalogue", "found", "files", "unasked", "clear"


def there(offered: list[Entry], busy: set[str], runs: Collection[str], language: str) -> TableBlock:
    """What the catalogue offers besides, of which `busy` are on their way; `runs`: see `listing.runnable`."""
    words = translator(language)
    return TableBlock(
        id=THERE,
        title=words("hub.panel.there"),
        empty=words("hub.panel.all_here"),
        columns=[
            Column(key="name", label=words("hub.panel.name")),
            Column(key="size", label=words("hub.panel.size"), align="end"),
            Column(key="kind", label=words("hub.fact.kind")),
            Column(key="licence", label=words("hub.panel.licence")),
            Column(key="about", label=words("hub.panel.for")),
        ],
        rows=[_entry(entry, entry.name in busy, runs, language) for entry in offered],
    )


def _entry(entry: Entry, busy: bool, runs: Collection[str], language: str) -> Row:
    words = translator(language)
    return Row(
        id=entry.name,
        cells={
            "name": f"{entry.name}: {entry.title}{no_hub(source_of(entry.origin), language)}",
            "size": size(entry.expected, language),
            "kind": words(f"hub.kind.{entry.kind}"),
            "licence": entry.licence,
            "about": words(entry.about) + no_engine(entry.format, runs, language),
        },
        actions=[
            _download("pull", entry.name, entry.format, runs, language, enabled=not busy),
            Action(name="about", label=words("hub.panel.details"), args={"name": entry.name}),
        ],
    )


def _download(
    action: str, name: str, form: str, runs: Collection[str], language: str, *, enabled: bool = True
) -> Action:
    """The button that gets a model, which asks where nothing here could run it."""
    words = translator(language)
    sure = words("hub.panel.pull_idle", name=name) if no_engine(form, runs, language) else ""
    args = {"name": name}
    label = words("hub.panel.pull")
    return Action(name=action, label=label, style="primary", confirm=sure, args=args, enabled=enabled)


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
            Column(key="size", label=words("hub.panel.size"), align="end"),
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
            "size": size(each["bytes"], language),
            "format": form(each["format"], language),
            "licence": each["licence"],
            "about": words(each["about"]) + no_engine(each["format"], runs, language),
        },
        actions=[
            _download("get", each["name"], each["format"], runs, language, enabled=not taken),
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
    return TableBlock(
        id=FILES,
        title=repository,
        columns=[
            Column(key="path", label=words("hub.fact.file")),
            Column(key="size", label=words("hub.panel.size"), align="end"),
            Column(key="memory", label=words("hub.fact.memory")),
        ],
        rows=[
            Row(
                id=file["name"],
                cells={
                    "path": file["path"],
                    "size": size(file["bytes"], language),
                    "memory": fits(file["memory"], language)
                    + (words("hub.best") if file["best"] else "")
                    + (f".{unrun}" if (unrun := no_engine(file["format"], runs, language)) else ""),
                },
                actions=[_download("get", file["name"], file["format"], runs, language)],
            )
            for file in files
        ],
    )

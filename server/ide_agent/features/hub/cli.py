"""``ide-agent models pull|import|list``, and the group of commands. Works without the host."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ide_agent.errors import from_wire
from ide_agent.features.hub.progress_cli import shown_progress
from ide_agent.features.hub.removal_cli import make_room
from ide_agent.features.hub.running_cli import in_memory
from ide_agent.features.hub.search_cli import kind_of
from ide_agent.locale import language
from ide_agent.terminal import App, confirmed, show, text

if TYPE_CHECKING:
    from ide_agent.config import InferenceSettings
    from ide_agent.features.hub.catalogue import Entry
    from ide_agent.features.hub.service import Hub

_INTERRUPTED = 130


def app() -> typer.Typer:
    """The group of commands."""
    from ide_agent.features.hub import answers_cli, login_cli, removal_cli, running_cli, search_cli

    models = App(name="models", help=text("hub.help"), epilog=text("hub.begin"))
    models.command("pull", help=text("hub.pull"))(_pull)
    models.command("list", help=text("hub.list"))(_list)
    models.command("default", help=text("hub.default"))(_default)
    search_cli.add_to(models)
    models.command("import", help=text("hub.import"))(_import)
    removal_cli.add_to(models)
    running_cli.add_to(models)
    answers_cli.add_to(models)
    login_cli.add_to(models)
    return models


def _pull(
    name: str = typer.Argument(help=text("hub.what")),
    called: str = typer.Option("", "--name", help=text("hub.called")),
    sha256: str = typer.Option("", "--sha256", help=text("hub.sha256")),
    file: str = typer.Option("", "--file", help=text("hub.file")),
    yes: bool = typer.Option(False, "--yes", "-y", help=text("hub.pull_yes")),
) -> None:
    _get(name, called, sha256, file, sure=yes)


def _import(
    file: Path = typer.Argument(help=text("hub.path")),
    called: str = typer.Option("", "--name", help=text("hub.called")),
) -> None:
    from ide_agent.features.hub.sources.url import of_path

    _get(of_path(file), called, "", sure=True)


def _get(what: str, called: str, sha256: str, file: str = "", *, sure: bool = False) -> None:
    from ide_agent.features.hub.defaults import after_pull, defaults
    from ide_agent.features.hub.place import is_model
    from ide_agent.features.hub.service import Hub
    from ide_agent.features.hub.sources.url import shown
    from ide_agent.features.hub.words import no_engine, pull_told

    hub = Hub()
    entry = hub.entry(what, called, sha256, file)
    is_here = is_model(hub.folder / entry.name)
    if unrun := no_engine(entry.format, _runs(), language()):
        typer.echo(unrun.strip(), err=True)
    if not is_here:
        _check_fit(hub, entry, sure=sure)
    before = defaults(hub.folder, _settings())
    make_room(entry, 0 if is_here else entry.total)
    try:
        with shown_progress(entry.name) as report:
            model = asyncio.run(hub.pull(entry, report))
    except KeyboardInterrupt:
        _stopped(hub, entry.name)
        typer.echo(text("hub.kept", name=shown(what)), err=True)
        raise typer.Exit(_INTERRUPTED) from None
    _stopped(hub, entry.name)
    if not entry.size:  # nobody said how big it would be
        make_room(entry, 0)
    typer.echo(text("hub.ready", name=model.name, file=model.file))
    outcome = {} if is_here else after_pull(hub, model.name, before, _settings())
    if said := pull_told(model.name, outcome, language()):
        typer.echo(said, err=True)


def _check_fit(hub: Hub, entry: Entry, *, sure: bool) -> None:
    """Say so where `entry` does not fit, and ask whether to go on where there is somebody to be asked."""
    from ide_agent.features.hub.fit import asked, smaller
    from ide_agent.features.hub.words import unfit

    settings = _settings()
    takes = asked(hub, entry, settings)
    said = unfit(entry.name, takes["memory"], takes, language())
    if not said:
        return
    if (fitting := smaller(entry, settings)) is not None:
        said = unfit(entry.name, takes["memory"], {"instead": fitting.name}, language())
    typer.echo(said, err=True)
    hopeless = takes["memory"]["verdict"] == "too_big"
    if hopeless and not sure and _is_asked() and not confirmed(text("hub.panel.pull_sure")):
        raise typer.Exit(1)


def _is_asked() -> bool:
    """Whether there is somebody to be asked."""
    return sys.stdin.isatty()


def _stopped(hub: Hub, name: str) -> None:
    """No host goes on with the pull of model `name` by itself, unless one is at it."""
    from ide_agent.features.hub import kept

    if not hub.drafts.is_locked(name):
        kept.pull_ends(name)


def _settings() -> InferenceSettings:
    from ide_agent import config
    from ide_agent.paths import config_file

    return config.load(user=config_file())[0].inference


def _runs() -> frozenset[str]:
    """The formats that some engine on this machine runs."""
    from ide_agent.features.hub.listing import runnable

    return runnable(_settings())


def _default(name: str = typer.Argument(help=text("hub.name"))) -> None:
    from ide_agent.features.hub.defaults import make_default
    from ide_agent.features.hub.service import Hub

    made, purpose = make_default(Hub(), name, _settings())
    typer.echo(text("hub.default_made", name=made, task=text(f"hub.row.{purpose}")))


def _list(
    as_json: bool = typer.Option(False, "--json", help=text("cli.json")),
    kind: str = typer.Option("", "--type", help=text("hub.type"), callback=kind_of),
) -> None:
    from ide_agent.features.hub.defaults import defaults
    from ide_agent.features.hub.filters import source_of
    from ide_agent.features.hub.listing import described, runnable
    from ide_agent.features.hub.service import Hub
    from ide_agent.features.hub.words import form, no_engine, no_hub, size

    hub = Hub()
    settings = _settings()
    described_all = [described(model, settings) for model in hub.list()]
    models = [model for model in described_all if kind in ("", model["kind"])]
    if not (described_all or as_json):
        typer.echo(text("hub.none"))
    here = {model["name"] for model in described_all}
    unfinished = hub.unfinished()
    listed = here | {each.entry.name for each in unfinished}
    offered = [entry for entry in hub.catalogue() if entry.name not in listed and kind in ("", entry.kind)]
    loaded, runs = in_memory(), runnable(settings)
    default = defaults(hub.folder, settings).values()
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "models": [
                        {**each, "loaded": each["name"] in loaded, "default": each["name"] in default}
                        for each in models
                    ]
                },
                indent=2,
            )
        )
        return
    column = max((len(name) for name in (*listed, *(entry.name for entry in offered))), default=0)
    for model in models:
        problem = model.get("problem")
        about = from_wire(problem).message(language()) if problem else model["file"]
        marks = [
            *([text("hub.panel.default")] if model["name"] in default else []),
            *([text("hub.in_memory")] if model["name"] in loaded else []),
        ]
        if marks:
            about += f" ({', '.join(marks)})"
        held = text("hub.fact.on_disk", size=size(model["bytes"], language()))
        how = form(model["format"], language())
        show(f"{model['name']:<{column}} {held:>18}  {how:<16}  {about}")
    for each in unfinished:
        entry = each.entry
        stopped = text(
            "hub.stopped_at",
            done=size(each.done, language()),
            total=size(each.total, language()) if each.total else "?",
            what=entry.name,
        )
        show(f"{entry.name:<{column}} {stopped}")
    for entry in sorted(offered, key=lambda each: each.format not in runs):
        about = text(
            "hub.available",
            title=entry.title + no_hub(source_of(entry.origin), language()),
            size=size(entry.to_fetch, language()),
            licence=entry.licence,
            about=text(entry.about) + no_engine(entry.format, runs, language()),
        )
        show(f"{entry.name:<{column}} {about}")

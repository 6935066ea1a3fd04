"""``ide-agent models rm|gc``."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from ide_agent.errors import IdeAgentError, ModelNotFound
from ide_agent.features.hub.running_cli import in_memory
from ide_agent.locale import language
from ide_agent.terminal import confirmed, text

if TYPE_CHECKING:
    from ide_agent.config import InferenceSettings
    from ide_agent.features.hub.catalogue import Entry
    from ide_agent.features.hub.defaults import Defaults
    from ide_agent.features.hub.gc import Held

_RELEASE_SECONDS = 150.0  # an engine may be loading, or at work


def add_to(models: typer.Typer) -> None:
    """Add the commands to ``ide-agent models``."""
    models.command("rm", help=text("hub.rm"))(_rm)
    models.command("gc", help=text("hub.gc"))(_gc)


def _rm(
    name: str = typer.Argument(help=text("hub.name")),
    yes: bool = typer.Option(False, "--yes", "-y", help=text("hub.yes")),
    adapters: bool = typer.Option(False, "--adapters", help=text("hub.adapters_too")),
) -> None:
    from ide_agent.features.hub import kept
    from ide_agent.features.hub.calling import proper
    from ide_agent.features.hub.service import Hub
    from ide_agent.features.hub.words import size

    hub = Hub()
    name = proper(hub, name)
    own = hub.trained(name)
    try:
        held = hub.size(name)
    except ModelNotFound:
        if not (own and adapters):
            raise
        held = 0  # the model went before
    if own:
        key = "hub.adapters_go" if adapters else "hub.adapters_stay"
        about = text(key, count=own.count, size=size(own.bytes, language()), folder=own.folder)
        typer.echo(about, err=True)
    freed = size(held + (own.bytes if own and adapters else 0), language())
    if not yes:
        if name in in_memory():
            typer.echo(text("hub.confirm_running", name=name))
        if not confirmed(text("hub.confirm", name=name, size=freed)):
            raise typer.Exit(1)
    before = _defaults()
    _let_go(name)
    if held:
        hub.remove(name)
    if adapters:
        hub.forget_adapters(name)
    kept.drop(name)
    typer.echo(text("hub.removed", name=name, size=freed))
    _tell_default(before)


def _gc(
    dry_run: bool = typer.Option(False, "--dry-run", help=text("hub.dry_run")),
    as_json: bool = typer.Option(False, "--json", help=text("cli.json")),
) -> None:
    from ide_agent.features.hub.words import size
    from ide_agent.runtime import call, find_host

    before = _defaults()
    if (info := find_host()) is not None:  # which knows what is in memory
        removed = call(info, "POST", "/models/gc", {"dry_run": dry_run}, timeout=_RELEASE_SECONDS)["removed"]
    else:
        removed = [each.as_wire() for each in _collect(dry_run=dry_run)]
    if as_json:
        typer.echo(json.dumps({"removed": removed}, indent=2))
        return
    for each in removed:
        key = "hub.would_go" if dry_run else "hub.removed"
        typer.echo(text(key, name=each["name"], size=size(each["bytes"], language())))
    if not removed:
        typer.echo(text("hub.nothing_to_remove"))
    _tell_default(before)


def _settings() -> InferenceSettings:
    from ide_agent import config
    from ide_agent.paths import config_file

    return config.load(user=config_file())[0].inference


def _defaults() -> Defaults:
    """The default models of now."""
    from ide_agent.features.hub.defaults import defaults
    from ide_agent.paths import models_dir

    return defaults(models_dir(), _settings())


def _tell_default(before: Defaults) -> None:
    """Say who answers now where that was another one `before`."""
    from ide_agent.features.hub.defaults import changed
    from ide_agent.features.hub.words import removal_told

    if said := removal_told(changed(before, _defaults(), _settings()), language()):
        typer.echo(said, err=True)


def _collect(*, dry_run: bool = False, need: int = 0, keep: str = "") -> list[Held]:
    """Remove what the user's limits leave no room for, or say what would go."""
    from ide_agent import config
    from ide_agent.features.hub import gc
    from ide_agent.features.hub.service import Hub
    from ide_agent.paths import config_file
    from ide_agent.runtime import call, find_host

    active: list[str] = []
    if (info := find_host()) is not None:
        active = [row["name"] for row in call(info, "GET", "/models/running")["models"]]
    hub, settings = Hub(), config.load(user=config_file())[0].hub
    due = gc.due(hub, settings, active, need=need, keep=keep)
    return due if dry_run else gc.remove(hub, due)


def make_room(entry: Entry, need: int) -> None:
    """Before a pull: keep the user's limits, and say what had to go."""
    from ide_agent.features.hub.words import size

    for each in _collect(need=need, keep=entry.name):
        typer.echo(text("hub.removed", name=each.name, size=size(each.bytes, language())), err=True)


def _let_go(name: str) -> None:
    """Have a host that runs end the engines of model `name`: they would keep the space of its files."""
    from ide_agent.runtime import call, find_host

    with suppress(IdeAgentError):  # it cannot be asked: it notices when it is asked for something itself
        if (info := find_host()) is not None:
            call(info, "POST", "/engine/release", {"model": name}, timeout=_RELEASE_SECONDS)

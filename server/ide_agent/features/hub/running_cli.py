"""``ide-agent models activate|deactivate|running``: what the host has in memory."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import typer

from ide_agent.errors import HostUnavailable, IdeAgentError, from_wire
from ide_agent.locale import language
from ide_agent.terminal import show, text

_INTERRUPTED = 130
_DAY = 86_400.0  # somebody else's model may stay for long
_RELEASE_SECONDS = 150.0  # an engine may be loading, or at work


def add_to(models: typer.Typer) -> None:
    """Add the commands to ``ide-agent models``."""
    models.command("activate", help=text("hub.activate"))(_activate)
    models.command("deactivate", help=text("hub.deactivate"))(_deactivate)
    models.command("running", help=text("hub.running"))(_running)


def in_memory() -> set[str]:
    """Names of the models that a host which runs has in memory."""
    from ide_agent.runtime import call, find_host

    with suppress(IdeAgentError):  # it cannot be asked
        if (info := find_host()) is not None:
            rows = call(info, "GET", "/models/running")["models"]
            return {row["name"] for row in rows if row["state"] != "waiting"}
    return set()


def _activate(name: str = typer.Argument(help=text("hub.name"))) -> None:
    from ide_agent.paths import config_file
    from ide_agent.runtime import ensure_host, stream

    last: dict[str, Any] = {}
    told: set[str] = set()
    try:
        for last in stream(ensure_host(), "/models/activate", {"name": name}, timeout=_DAY):
            if last["phase"] == "waiting":
                why = from_wire(last["reason"])
                typer.echo(why.message(language()), err=True)
                hints = ["hub.stop_waiting", *(["hub.more_at_once"] if "limit" in why.params else [])]
                for hint in hints:
                    if hint not in told:
                        told.add(hint)
                        typer.echo(text(hint, file=config_file()), err=True)
    except KeyboardInterrupt:
        typer.echo(text("hub.not_activated", name=name), err=True)
        raise typer.Exit(_INTERRUPTED) from None
    if last.get("phase") != "ready":
        raise HostUnavailable()
    typer.echo(text("hub.activated", name=last["name"], engine=last["engine"]))


def _deactivate(name: str = typer.Argument(help=text("hub.name"))) -> None:
    from ide_agent.features.hub import kept
    from ide_agent.features.hub.service import Hub
    from ide_agent.runtime import call, find_host

    if (info := find_host()) is not None:
        answer = call(info, "POST", "/models/deactivate", {"name": name}, timeout=_RELEASE_SECONDS)
        said = "hub.deactivated" if answer["deactivated"] else "hub.was_not_active"
        typer.echo(text(said, name=answer["name"]))
        return
    name = Hub().find(name).name
    was_kept = any(each == name or each.startswith(f"{name}/") for each in kept.names())
    kept.forget(name)  # the next host would load it
    kept.settle()
    typer.echo(text("hub.not_kept" if was_kept else "hub.was_not_active", name=name))


def _running(as_json: bool = typer.Option(False, "--json", help=text("cli.json"))) -> None:
    from ide_agent.features.hub.words import running, status_line
    from ide_agent.runtime import call, find_host

    info = find_host()
    known: dict[str, Any] = {"models": [], "limit": 0}
    if info is not None:
        known = call(info, "GET", "/models/running")
    if as_json:
        typer.echo(json.dumps(known, indent=2))
        return
    if not known["models"]:
        typer.echo(text("hub.nothing_runs"))
    for row in known["models"]:
        typer.echo(status_line(row, language()))
        show(f"    {running(row, language())}")

"""``ide-agent remote list|test|on|off|key|usage|audit``."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import typer

from ide_agent.errors import IdeAgentError
from ide_agent.locale import language
from ide_agent.terminal import App, confirmed, show, text

if TYPE_CHECKING:
    from ide_agent.config import RemoteSettings

_TEST_SECONDS = 200.0


def app() -> typer.Typer:
    """The group of commands."""
    remote = App(name="remote", help=text("remote.help"))
    remote.command("list", help=text("remote.list"))(_list)
    remote.command("test", help=text("remote.test"))(_test)
    remote.command("on", help=text("remote.on"))(_on)
    remote.command("off", help=text("remote.off"))(_off)
    remote.command("usage", help=text("remote.usage"))(_usage)
    remote.command("audit", help=text("remote.audit"))(_audit)
    key = App(name="key", help=text("remote.key.help"))
    key.command("set", help=text("remote.key.set"))(_key_set)
    key.command("remove", help=text("remote.key.remove"))(_key_remove)
    remote.add_typer(key)
    return remote


def _list(as_json: bool = typer.Option(False, "--json", help=text("cli.json"))) -> None:
    from ide_agent.features.remote.service import endpoints, places_of
    from ide_agent.safety.network import NetworkPolicy
    from ide_agent.storage.secrets import Secrets

    settings = _settings()
    found = endpoints(settings, NetworkPolicy())
    places = places_of(Secrets(), [each["name"] for each in found])
    if as_json:
        listed = [{**each, "key": places[each["name"]]} for each in found]
        typer.echo(json.dumps({"enabled": settings.enabled, "endpoints": listed}, indent=2))
        return
    show(text("remote.is_on" if settings.enabled else "remote.is_off"), 0)
    if not found:
        from ide_agent.paths import config_file

        for line in text("remote.none", file=config_file()).splitlines():
            show(line, 0)
    for each in found:
        where = text(f"remote.{each['place']}")
        key = text(f"remote.key_in.{places[each['name']] or 'none'}")
        show(f"{each['name']:<16} {each['url']}  {where}, {key}")


def _test(
    name: str = typer.Argument(help=text("remote.name")),
    as_json: bool = typer.Option(False, "--json", help=text("cli.json")),
) -> None:
    from ide_agent.runtime import call, ensure_host

    found = call(ensure_host(), "POST", "/remote/test", {"name": name}, timeout=_TEST_SECONDS)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    typer.echo(text("remote.works", name=name, count=len(found["models"]), seconds=found["seconds"]))
    for model in found["models"]:
        typer.echo(f"{name}/{model}")


def _on(yes: bool = typer.Option(False, "--yes", "-y", help=text("hub.yes"))) -> None:
    from ide_agent.features.remote.service import endpoints
    from ide_agent.safety.network import NetworkPolicy

    settings = _settings()
    typer.echo(text("remote.will_leave" if settings.redact else "remote.will_leave_unredacted"))
    for each in endpoints(settings, NetworkPolicy()):
        if not each["local"]:
            show(f"  {each['name']}: {each['url']}, {text('remote.' + each['place'])}")
    if not (yes or confirmed(text("remote.sure"))):
        raise typer.Exit(1)
    _switch(True)


def _off() -> None:
    _switch(False)


def _switch(on: bool) -> None:
    from ide_agent.features.remote.switch import switch
    from ide_agent.paths import config_file

    switch(config_file(), on)
    _tell_host()
    enabled = _settings().enabled  # a mistake in the section keeps it off
    typer.echo(text("remote.is_on" if enabled else "remote.is_off"))
    if enabled != on:
        raise typer.Exit(1)


def _key_set(name: str = typer.Argument(help=text("remote.name"))) -> None:
    from ide_agent.inference.remote.service import key_name, origin
    from ide_agent.storage.secrets import Secrets

    _known(name)
    if sys.stdin.isatty():
        key = typer.prompt(text("remote.key.prompt", name=name), hide_input=True)
    else:
        key = sys.stdin.readline()
    if not key.strip():
        raise typer.Exit(1)
    secrets = Secrets()
    place = secrets.set(key_name(name), key, origin(_settings().endpoints[name].url))
    _tell_host()
    typer.echo(text(f"remote.key.stored_{place}", name=name, file=secrets.file))


def _key_remove(name: str = typer.Argument(help=text("remote.name"))) -> None:
    from ide_agent.inference.remote.service import key_name
    from ide_agent.storage.secrets import Secrets

    removed = Secrets().remove(key_name(name))
    _tell_host()
    typer.echo(text("remote.key.removed" if removed else "remote.key.none", name=name))


def _usage(as_json: bool = typer.Option(False, "--json", help=text("cli.json"))) -> None:
    from ide_agent.features.remote.words import cost, model
    from ide_agent.runtime import call, ensure_host

    found = call(ensure_host(), "GET", "/remote/usage")
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    rows = [(model(each, language()), each) for each in found["models"]]
    rows.append((text("remote.total"), found["total"]))
    column = max(len(name) for name, _ in rows)
    for name, used in rows:
        amounts = text(
            "remote.used",
            requests=used["requests"],
            unsent=used["unsent"],
            tokens_in=used["tokens_in"],
            tokens_out=used["tokens_out"],
            cost=cost(used, language()),
        )
        show(f"{name:<{column}}  {amounts}")


def _audit(
    limit: int = typer.Option(50, "--lines", "-n", min=1, max=1000, help=text("remote.lines")),
    as_json: bool = typer.Option(False, "--json", help=text("cli.json")),
) -> None:
    from ide_agent.features.remote.words import line, totals
    from ide_agent.runtime import call, ensure_host

    found: list[dict[str, Any]] = call(ensure_host(), "GET", f"/remote/audit?limit={limit}")["requests"]
    if as_json:
        typer.echo(json.dumps({"requests": found}, indent=2))
        return
    if not found:
        typer.echo(text("remote.nothing_left"))
        return
    for each in reversed(found):
        show(line(each, language()))
    typer.echo(totals(found, language()))


def _settings() -> RemoteSettings:
    from ide_agent import config
    from ide_agent.paths import config_file

    settings, problems = config.load(user=config_file())
    for problem in problems:
        typer.echo(problem.message(language()), err=True)
    if any(str(problem.params.get("key")).startswith("remote.") for problem in problems):
        typer.echo(text("remote.kept_off"), err=True)
    return settings.remote


def _known(name: str) -> None:
    _settings().endpoint(name)


def _tell_host() -> None:
    """Have a host that runs take note at once; it would with the next request, too."""
    from ide_agent.runtime import call, find_host

    with suppress(IdeAgentError):
        if (info := find_host()) is not None:
            call(info, "POST", "/remote/reload")

"""``ide-agent models login|logout``: the token of a Hugging Face hub."""

from __future__ import annotations

import sys

import typer

from ide_agent.terminal import text


def add_to(models: typer.Typer) -> None:
    """Add the commands to ``ide-agent models``."""
    models.command("login", help=text("hub.login.help"))(_login)
    models.command("logout", help=text("hub.login.logout"))(_logout)


def _login() -> None:
    from ide_agent.features.hub.sources import account, pages, token
    from ide_agent.storage.secrets import Secrets

    if sys.stdin.isatty():
        given = typer.prompt(text("hub.login.prompt", host=pages.host()), hide_input=True)
    else:
        given = sys.stdin.readline()
    if not given.strip():
        typer.echo(text("hub.login.nothing", host=pages.host()), err=True)
        raise typer.Exit(1)
    known = account.is_known(given)
    place = token.give(given)
    typer.echo(text(f"hub.login.stored_{place}", host=pages.host(), file=Secrets().file))
    if not known:
        typer.echo(text("hub.login.unchecked", host=pages.host()), err=True)
    _tell_of_another()


def _logout() -> None:
    from ide_agent.features.hub.sources import pages, token

    gone = token.forget()
    typer.echo(text("hub.login.removed" if gone else "hub.login.none", host=gone or pages.host()))
    _tell_of_another()


def _tell_of_another() -> None:
    """Say so where another token counts whatever is kept here."""
    from ide_agent.features.hub.sources import token

    if token.is_of_environment():
        typer.echo(text("hub.login.environment"), err=True)

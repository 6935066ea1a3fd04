"""``ide-agent models search|info|verify``: what there is to know of models."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ide_agent.features.hub.running_cli import in_memory
from ide_agent.locale import language
from ide_agent.terminal import show, text

_BESIDE = 50  # letters: a longer word (a hash, a path) goes below what it is, not beside it


def add_to(models: typer.Typer) -> None:
    """Add the commands to ``ide-agent models``."""
    models.command("search", help=text("hub.search"))(_search)
    models.command("info", help=text("hub.info"))(_info)
    models.command("verify", help=text("hub.verify"))(_verify)


def kind_of(given: str) -> str:
    """The kind of model that somebody means; a callback for typer."""
    from difflib import get_close_matches

    from ide_agent.features.hub.filters import kind_meant
    from ide_agent.inference.kinds import KINDS

    if not given or (meant := kind_meant(given)):
        return meant if given else ""
    near = get_close_matches(given.lower(), KINDS, 1)
    names = ", ".join(KINDS)
    reason = text("hub.type_near", near=near[0], names=names) if near else names
    raise typer.BadParameter(reason, param_hint="--type")


def _place(given: str) -> str:
    from ide_agent.features.hub.finding import PLACES

    if given and given not in PLACES:
        raise typer.BadParameter(", ".join(PLACES), param_hint="--source")
    return given


def _search(
    words: Annotated[list[str], typer.Argument(help=text("hub.words"))],
    kind: str = typer.Option("", "--type", help=text("hub.type"), callback=kind_of),
    source: str = typer.Option("", "--source", help=text("hub.place_help"), callback=_place),
    as_json: bool = typer.Option(False, "--json", help=text("cli.json")),
) -> None:
    from ide_agent import config
    from ide_agent.features.hub.about import files_of
    from ide_agent.features.hub.finding import search
    from ide_agent.features.hub.listing import runnable
    from ide_agent.features.hub.service import Hub
    from ide_agent.features.hub.sources.pages import is_repository, of_page
    from ide_agent.features.hub.words import echoed, fit, fits, form, no_engine, no_hub, not_asked, size
    from ide_agent.paths import config_file

    wanted = " ".join(words)
    settings = config.load(user=config_file())[0].inference
    runs = runnable(settings)

    def unrun(form: str, after: str = "") -> str:
        said = no_engine(form, runs, language())
        return after + said if said else ""

    if (page := of_page(wanted)) or is_repository(wanted):
        wanted = page or wanted
        files = files_of(wanted, settings)
        if as_json:
            typer.echo(json.dumps({"files": files}, indent=2))
            return
        for file in files:
            held = text("hub.fact.to_download", size=size(file["bytes"], language()))
            verdict = fits(file["memory"], language())
            if unrun(file["format"]):
                verdict = fit(file["memory"], file["format"], runs, language())
            best = text("hub.best") if file["best"] else ""
            typer.echo(file["name"])
            show(f"    {held}, {file['licence'] or '?'}; {verdict}{best}{unrun(file['format'], '.')}")
        return
    known = search(Hub(), wanted, kind, source, settings)
    if as_json:
        typer.echo(json.dumps(known, indent=2))
        return
    for each in known["catalogue"]:
        how = form(each["format"], language())
        held = text("hub.fact.to_download", size=size(each["download"], language()))
        held += f" ({fit(each['memory'], each['format'], runs, language())})"
        about = text(each["about"]) + unrun(each["format"])
        mark = no_hub(each["source"], language())
        show(f"{each['name']}  {how}, {held}, {each['licence']}{mark}. {about}")
    found = known["repositories"]
    for each in found:
        about = text("hub.repository", downloads=each["downloads"], licence=each["licence"] or "?")
        about += (text("hub.gated") if each["gated"] else "") + unrun(each["format"], ".")
        show(f"{each['name']}  {form(each['format'], language())}, {about}")
    if known["problem"]:
        typer.echo(not_asked(known["problem"], language()), err=True)
    if found or not known["catalogue"]:
        typer.echo(text("hub.look_into" if found else "hub.nothing", words=echoed(wanted)), err=True)


def _info(
    name: str = typer.Argument(help=text("hub.name")),
    as_json: bool = typer.Option(False, "--json", help=text("cli.json")),
) -> None:
    from ide_agent import config
    from ide_agent.features.hub.about import about
    from ide_agent.features.hub.service import Hub
    from ide_agent.features.hub.words import facts
    from ide_agent.paths import config_file

    settings, _ = config.load(user=config_file())
    known = about(Hub(), name, settings.inference)
    known["loaded"] = known["name"] in in_memory()
    if as_json:
        typer.echo(json.dumps(known, indent=2))
        return
    rows = [("name", text("hub.panel.name"), known["name"]), *facts(known, language())]
    width = max(len(what) for _, what, _ in rows) + 2
    for _, what, value in rows:
        show(f"{what:<{width}}{value}", width if max(map(len, value.split()), default=0) < _BESIDE else 4)


def _verify(name: str = typer.Argument(help=text("hub.name"))) -> None:
    from ide_agent.features.hub.about import verify
    from ide_agent.features.hub.service import Hub
    from ide_agent.features.hub.words import verified

    found = verify(Hub(), name)
    typer.echo(text(verified(found), name=found["name"]))

"""``ide-agent routes check|test|show``. Works without the host."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ide_agent.errors import ConfigError
from ide_agent.locale import language
from ide_agent.terminal import App, show, text

if TYPE_CHECKING:
    from ide_agent.config import RemoteEndpoint, RemoteSettings
    from ide_agent.inference.models import ModelStore
    from ide_agent.inference.routing.known import Known
    from ide_agent.inference.routing.router import Router
    from ide_agent.safety.network import NetworkPolicy

_ENDLESS = 10_000
"""Columns of what no person reads."""


def app() -> typer.Typer:
    """The group of commands."""
    routes = App(name="routes", help=text("routes.help"))
    routes.command("check", help=text("routes.check"))(_check)
    routes.command("test", help=text("routes.test"))(_test)
    routes.command("show", help=text("routes.show"))(_show)
    return routes


def _check(
    file: Path = typer.Argument(None, help=text("routes.file")),
    as_json: bool = typer.Option(False, "--json", help=text("cli.json")),
) -> None:
    from ide_agent.inference.routing.router import WORKSPACE_FILE, load
    from ide_agent.paths import routes_file

    given = file or routes_file()
    if file is not None and not given.exists():
        raise ConfigError("error.routes.absent", path=given)
    reading = load(given, _known(), workspace=given.name == WORKSPACE_FILE)
    if as_json:
        problems = [problem.as_wire(language()) for problem in reading.problems]
        typer.echo(json.dumps({"file": str(given), "problems": problems}, indent=2))
    else:
        for problem in reading.problems:
            mark = f"{text('routes.warning')}: " if problem.severity == "warning" else ""
            typer.echo(f"{given}:{problem.at.line + 1}: {mark}{problem.message(language())}")
        if not reading.problems:
            typer.echo(text("routes.fine" if given.exists() else "routes.absent", file=given))
    if any(problem.severity == "error" for problem in reading.problems):
        raise typer.Exit(1)


def _test(
    message: str = typer.Argument(help=text("routes.message")),
    task: str = typer.Option("chat", "--task", help=text("routes.task")),
    spoken: str = typer.Option("", "--language", help=text("routes.language")),
    path: str = typer.Option("", "--path", help=text("routes.path")),
    workspace: str = typer.Option("", "--workspace", help=text("routes.workspace")),
    private: bool = typer.Option(False, "--private", help=text("routes.private")),
    as_json: bool = typer.Option(False, "--json", help=text("cli.json")),
) -> None:
    from ide_agent.features.routing.outcome import sentence
    from ide_agent.inference.routing.conditions import Ask, estimated_tokens
    from ide_agent.inference.routing.rules import TASKS

    if task not in TASKS:
        raise ConfigError("error.routes.choice", key="--task", choices=", ".join(TASKS))
    router = _router()
    decision = router.decide(
        Ask(
            task=task,
            language=spoken,
            path=path,
            message=message,
            prompt_tokens=estimated_tokens(message),
            private=private,
            place=str(Path(workspace).absolute()) if workspace else "",
        )
    )
    _refuse_broken(router)
    said = decision.as_wire(language()) | {
        "sentence": sentence(decision, task, _endpoints(), _known(), _network(), language())
    }
    typer.echo(json.dumps(said, indent=2) if as_json else said["sentence"])


def _show(as_json: bool = typer.Option(False, "--json", help=text("cli.json"))) -> None:
    router = _router()
    router.refresh()
    _refuse_broken(router)
    if as_json:
        rules = [rule.model_dump(mode="json", exclude_none=True) for rule in router.routes.rules]
        typer.echo(json.dumps({"file": str(router.file), "rules": rules}, indent=2))
        return
    if not router.routes.rules:
        typer.echo(text("routes.empty" if router.file.exists() else "routes.absent", file=router.file))
        return
    _table(router)


def _table(router: Router) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ide_agent.features.routing.words import CELLS, cells

    table = Table(box=box.SIMPLE)
    table.add_column("")
    for name in CELLS:
        table.add_column(text(f"routes.column.{name}"), no_wrap=True)
    rows: list[dict[str, str]] = [cells(rule, language()) for rule in router.routes.rules]
    for number, row in enumerate(rows, 1):
        table.add_row(str(number), *(Text(row[name]) for name in CELLS))
    console = Console()
    if not (console.is_terminal or os.environ.get("COLUMNS")):
        console.width = _ENDLESS
    if console.measure(table, options=console.options.update(max_width=_ENDLESS)).maximum <= console.width:
        console.print(table)
        return
    for number, row in enumerate(rows, 1):  # rather below each other than with words broken in two
        show(f"{number}  {row['name']}")
        for name in CELLS:
            if row[name] and name != "name":
                show(f"    {text(f'routes.column.{name}')}: {row[name]}", 8)


def _refuse_broken(router: Router) -> None:
    """A file with errors counts for nothing, and what a host read before is not known here."""
    for problem in router.problems:
        typer.echo(problem.message(language()), err=True)
    if router.problems:
        typer.echo(text("routes.broken"), err=True)
        raise typer.Exit(1)


def _router() -> Router:
    from ide_agent.inference.routing.known import is_here
    from ide_agent.inference.routing.router import Router
    from ide_agent.paths import routes_file

    network = _network()
    return Router(routes_file(), _known, lambda name: is_here(_models(), name, _endpoints(), network))


def _known() -> Known:
    from ide_agent.inference.routing.known import known_models

    return known_models(_models(), _endpoints())


def _models() -> ModelStore:
    from ide_agent.inference.models import ModelStore
    from ide_agent.paths import models_dir

    return ModelStore(models_dir())


def _endpoints() -> dict[str, RemoteEndpoint]:
    return _remote().endpoints


def _network() -> NetworkPolicy:
    from ide_agent.safety.network import NetworkPolicy

    return NetworkPolicy(remote=_remote().enabled)


def _remote() -> RemoteSettings:
    from ide_agent import config
    from ide_agent.paths import config_file

    settings, _ = config.load(user=config_file())
    return settings.remote

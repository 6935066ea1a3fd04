"""``ide-agent models pull|list|search|info|verify|import|rm``. Works without the host.

What needs it stands in `running_cli` and `answers_cli`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ide_agent.errors import IdeAgentError, from_wire
from ide_agent.locale import language
from ide_agent.terminal import App, confirmed, show, text

if TYPE_CHECKING:
    from ide_agent.features.hub.catalogue import Entry
    from ide_agent.features.hub.gc import Held
    from ide_agent.features.hub.progress import Progress, Report

_INTERRUPTED = 130
_BESIDE = 50  # letters: a longer word (a hash, a path) goes below what it is, not beside it
_RELEASE_SECONDS = 150.0  # an engine may be loading, or at work


def app() -> typer.Typer:
    """The group of commands."""
    from ide_agent.features.hub import answers_cli, running_cli

    models = App(name="models", help=text("hub.help"), epilog=text("hub.begin"))
    models.command("pull", help=text("hub.pull"))(_pull)
    models.command("list", help=text("hub.list"))(_list)
    models.command("search", help=text("hub.search"))(_search)
    models.command("info", help=text("hub.info"))(_info)
    models.command("verify", help=text("hub.verify"))(_verify)
    models.command("import", help=text("hub.import"))(_import)
    models.command("rm", help=text("hub.rm"))(_rm)
    models.command("gc", help=text("hub.gc"))(_gc)
    running_cli.add_to(models)
    answers_cli.add_to(models)
    return models


def _pull(
    name: str = typer.Argument(help=text("hub.what")),
    called: str = typer.Option("", "--name", help=text("hub.called")),
    sha256: str = typer.Option("", "--sha256", help=text("hub.sha256")),
    file: str = typer.Option("", "--file", help=text("hub.file")),
) -> None:
    _get(name, called, sha256, file)


def _import(
    file: Path = typer.Argument(help=text("hub.path")),
    called: str = typer.Option("", "--name", help=text("hub.called")),
) -> None:
    from ide_agent.features.hub.sources.url import of_path

    _get(of_path(file), called, "")


def _get(what: str, called: str, sha256: str, file: str = "") -> None:
    from ide_agent.features.hub.about import smaller
    from ide_agent.features.hub.place import is_model
    from ide_agent.features.hub.service import Hub
    from ide_agent.features.hub.sources.url import shown

    hub = Hub()
    entry = hub.entry(what, called, sha256, file)
    if fitting := smaller(entry):
        typer.echo(text("hub.smaller", name=entry.name, fitting=fitting.name), err=True)
    _make_room(entry, 0 if is_model(hub.folder / entry.name) else entry.total)
    before = _default()
    try:
        with _progress(entry.name) as report:
            model = asyncio.run(hub.pull(entry, report))
    except KeyboardInterrupt:
        typer.echo(text("hub.kept", name=shown(what)), err=True)
        raise typer.Exit(_INTERRUPTED) from None
    if not entry.size:  # nobody said how big it would be
        _make_room(entry, 0)
    typer.echo(text("hub.ready", name=model.name, file=model.file))
    _tell_default(model.name, before)


def _default() -> str:
    """Name of the model that answers who names none; empty where there is none."""
    from ide_agent import config
    from ide_agent.inference.models import ModelStore
    from ide_agent.paths import config_file, models_dir

    with suppress(IdeAgentError):
        return ModelStore(models_dir(), config.load(user=config_file())[0].inference.model).find().name
    return ""


def _tell_default(name: str, before: str) -> None:
    """Say so where another model answers from now on."""
    if before != (now := _default()) == name and before:
        typer.echo(text("hub.now_default", name=now, before=before), err=True)


def _search(
    words: list[str] = typer.Argument(help=text("hub.words")),
    kind: str = typer.Option("", "--type", help=text("hub.type"), callback=lambda given: _kind(given)),
    source: str = typer.Option(
        "", "--source", help=text("hub.place_help"), callback=lambda given: _place(given)
    ),
    as_json: bool = typer.Option(False, "--json", help=text("cli.json")),
) -> None:
    from ide_agent.features.hub.about import files_of
    from ide_agent.features.hub.finding import search
    from ide_agent.features.hub.service import Hub
    from ide_agent.features.hub.sources.huggingface import is_repository, of_page
    from ide_agent.features.hub.words import echoed, fits, form, not_asked, size

    wanted = " ".join(words)
    if (page := of_page(wanted)) or is_repository(wanted):
        wanted = page or wanted
        files = files_of(wanted)
        if as_json:
            typer.echo(json.dumps({"files": files}, indent=2))
            return
        for file in files:
            held, verdict = size(file["bytes"], language()), fits(file["memory"], language())
            best = text("hub.best") if file["best"] else ""
            typer.echo(file["name"])
            show(f"    {held}, {file['licence'] or '?'}; {verdict}{best}")
        return
    known = search(Hub(), wanted, kind, source)
    if as_json:
        typer.echo(json.dumps(known, indent=2))
        return
    for each in known["catalogue"]:
        held, how = size(each["bytes"], language()), form(each["format"], language())
        show(f"{each['name']}  {how}, {held}, {each['licence']}. {text(each['about'])}")
    found = known["repositories"]
    for each in found:
        about = text("hub.repository", downloads=each["downloads"], licence=each["licence"] or "?")
        how = form(each["format"], language())
        show(f"{each['name']}  {how}, {about}{text('hub.gated') if each['gated'] else ''}")
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
    known["loaded"] = known["name"] in _in_memory()
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


def _kind(given: str) -> str:
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


def _list(
    as_json: bool = typer.Option(False, "--json", help=text("cli.json")),
    kind: str = typer.Option("", "--type", help=text("hub.type"), callback=_kind),
) -> None:
    from ide_agent import config
    from ide_agent.features.hub.listing import described
    from ide_agent.features.hub.service import Hub
    from ide_agent.features.hub.words import form, size
    from ide_agent.paths import config_file

    hub = Hub()
    settings = config.load(user=config_file())[0].inference
    described_all = [described(model, settings) for model in hub.list()]
    models = [model for model in described_all if kind in ("", model["kind"])]
    if not (described_all or as_json):
        typer.echo(text("hub.none"))
    here = {model["name"] for model in described_all}
    offered = [entry for entry in hub.catalogue() if entry.name not in here and kind in ("", entry.kind)]
    loaded = _in_memory()
    if as_json:
        typer.echo(
            json.dumps({"models": [{**each, "loaded": each["name"] in loaded} for each in models]}, indent=2)
        )
        return
    column = max((len(name) for name in (*here, *(entry.name for entry in offered))), default=0)
    for model in models:
        problem = model.get("problem")
        about = from_wire(problem).message(language()) if problem else model["file"]
        if model["name"] in loaded:
            about += f" ({text('hub.in_memory')})"
        held, how = size(model["bytes"], language()), form(model["format"], language())
        show(f"{model['name']:<{column}} {held:>10}  {how:<16}  {about}")
    for each in hub.unfinished():
        entry = each.entry
        stopped = text(
            "hub.stopped_at",
            done=size(each.done, language()),
            total=size(each.total, language()) if each.total else "?",
            what=entry.name,
        )
        show(f"{entry.name:<{column}} {stopped}")
    for entry in offered:
        about = text(
            "hub.available",
            title=entry.title,
            size=size(entry.expected, language()),
            licence=entry.licence,
            about=text(entry.about),
        )
        show(f"{entry.name:<{column}} {about}")


def _rm(
    name: str = typer.Argument(help=text("hub.name")),
    yes: bool = typer.Option(False, "--yes", "-y", help=text("hub.yes")),
) -> None:
    from ide_agent.features.hub import kept
    from ide_agent.features.hub.calling import proper
    from ide_agent.features.hub.service import Hub
    from ide_agent.features.hub.words import size

    hub = Hub()
    name = proper(hub, name)
    held = size(hub.size(name), language())
    if not yes:
        if name in _in_memory():
            typer.echo(text("hub.confirm_running", name=name))
        if not confirmed(text("hub.confirm", name=name, size=held)):
            raise typer.Exit(1)
    _let_go(name)
    hub.remove(name)
    kept.forget(name)
    typer.echo(text("hub.removed", name=name, size=held))


def _gc(
    dry_run: bool = typer.Option(False, "--dry-run", help=text("hub.dry_run")),
    as_json: bool = typer.Option(False, "--json", help=text("cli.json")),
) -> None:
    from ide_agent.features.hub.words import size
    from ide_agent.runtime import call, find_host

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


def _make_room(entry: Entry, need: int) -> None:
    """Before a pull: keep the user's limits, and say what had to go."""
    from ide_agent.features.hub.words import size

    for each in _collect(need=need, keep=entry.name):
        typer.echo(text("hub.removed", name=each.name, size=size(each.bytes, language())), err=True)


def _in_memory() -> set[str]:
    """Names of the models that a host which runs has in memory."""
    from ide_agent.runtime import call, find_host

    with suppress(IdeAgentError):  # it cannot be asked
        if (info := find_host()) is not None:
            rows = call(info, "GET", "/models/running")["models"]
            return {row["name"] for row in rows if row["state"] != "waiting"}
    return set()


def _let_go(name: str) -> None:
    """Have a host that runs end the engines of model `name`: they would keep the space of its files."""
    from ide_agent.runtime import call, find_host

    with suppress(IdeAgentError):  # it cannot be asked: it notices when it is asked for something itself
        if (info := find_host()) is not None:
            call(info, "POST", "/engine/release", {"model": name}, timeout=_RELEASE_SECONDS)


@contextmanager
def _progress(name: str) -> Iterator[Report]:
    """A bar on a terminal; elsewhere a line at each turn of events and every ten percent."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines().report
        return
    from rich import progress as bars

    from ide_agent.features.hub.words import describe

    columns = (
        bars.SpinnerColumn(),
        bars.TextColumn("{task.fields[label]}"),
        bars.BarColumn(),
        bars.TaskProgressColumn(),
        bars.TextColumn("{task.description}"),
    )
    bar = bars.Progress(*columns, console=console, transient=True)
    task = bar.add_task("", total=None, label=name)

    with ExitStack() as shown:

        def report(progress: Progress) -> None:
            words = describe(progress.as_wire(), language())
            bar.update(task, description=words, completed=progress.done, total=progress.total or None)
            if not bar.live.is_started:  # a model that is here already needs no bar
                shown.enter_context(bar)

        yield report


class Lines:
    """Progress for logs and pipes: a line at each turn of events and every ten percent."""

    def __init__(self) -> None:
        self._last: tuple[str, int] | None = None
        self._line = ""

    def report(self, progress: Progress) -> None:
        """Print `progress` to the error output unless it is much like the last one."""
        from ide_agent.features.hub.words import describe

        now = (progress.phase, (progress.percent or 0) // 10)
        if progress.phase == "resolve" and self._last is not None:
            return  # where the other files are nobody needs to hear
        line = describe(progress.as_wire(), language())
        if now != self._last and line != self._line:
            self._last, self._line = now, line
            typer.echo(line, err=True)

"""`ide-agent`: the command line. Imports little; commands import what they need when they run."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import typer

from ide_agent import __version__
from ide_agent.errors import HostUnavailable
from ide_agent.hooks import plugins
from ide_agent.locale import language, translatable
from ide_agent.paths import log_file
from ide_agent.terminal import App, show, text

_FOLLOW_SECONDS = 0.2


app = App(help=text("cli.help"), epilog=text("cli.begin"))
host_app = App(help=text("cli.host.help"))
engine_app = App(help=text("cli.engine.help"))
app.add_typer(host_app, name="host")
app.add_typer(engine_app, name="engine")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ide-agent {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: bool = typer.Option(
        False, "--version", is_eager=True, callback=_print_version, help=text("cli.version")
    ),
) -> None:
    """Options of `ide-agent` itself."""
    for problem in plugins().problems:
        typer.echo(problem.message(language()), err=True)


@app.command(
    "lsp",
    help=text("cli.lsp"),
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def lsp(context: typer.Context) -> None:
    """Serve one editor. Stands here for the list of commands: `__main__` takes a shorter way."""
    from ide_agent.editor.main import main as serve

    serve(context.args)


@host_app.command("run", help=text("cli.host.run"))
def host_run(
    port: int | None = typer.Option(None, min=0, max=65535, help=text("cli.host.port")),
) -> None:
    """Serve in this process."""
    from ide_agent.host.lifecycle import run

    run(port)


@host_app.command("start", help=text("cli.host.start"))
def host_start() -> None:
    """Start the host unless it runs."""
    from ide_agent.host.doctor import to_look_after
    from ide_agent.runtime import call, ensure_host

    info = ensure_host()
    typer.echo(text("cli.host.running", url=info.url, pid=info.pid))
    for finding in to_look_after(call(info, "GET", "/status")):
        typer.echo(finding.detail(language()), err=True)


@host_app.command("stop", help=text("cli.host.stop"))
def host_stop() -> None:
    """Stop the host and wait until it has left."""
    from ide_agent.runtime import stop_host

    typer.echo(text("cli.host.stopped" if stop_host() else "cli.host.none"))


@host_app.command("restart", help=text("cli.host.restart"))
def host_restart() -> None:
    """Stop, then start."""
    from ide_agent.runtime import stop_host

    stop_host()
    host_start()


@host_app.command("status", help=text("cli.host.status"))
def host_status(as_json: bool = typer.Option(False, "--json", help=text("cli.json"))) -> None:
    """What runs; exit status 1 when nothing does."""
    from ide_agent.host.doctor import to_look_after
    from ide_agent.runtime import call, find_host

    info = find_host()
    if info is None:
        typer.echo("null" if as_json else text("cli.host.none"))
        raise typer.Exit(1)
    status = call(info, "GET", "/status")
    if as_json:
        typer.echo(json.dumps(status, indent=2))
        return
    typer.echo(text("cli.host.running", url=info.url, pid=info.pid))
    uptime = timedelta(seconds=round(status["uptime"]))
    typer.echo(text("cli.host.details", version=status["version"], uptime=uptime, editors=status["editors"]))
    for engine in status["engines"]:
        key = f"cli.host.state.{engine['state']}"
        state = text(key) if translatable(key, {}) else engine["state"]  # of another version
        known = {"model": engine["model"], "state": state}
        line = f"cli.host.engine_{engine.get('purpose')}"  # that it is for text needs no saying
        typer.echo(text(line if translatable(line, known) else "cli.host.engine", **known))
    for finding in to_look_after(status):
        typer.echo(finding.detail(language()))


@host_app.command("logs", help=text("cli.host.logs"))
def host_logs(
    lines: int = typer.Option(50, "--lines", "-n", min=0, help=text("cli.host.lines")),
    follow: bool = typer.Option(False, "--follow", "-f", help=text("cli.host.follow")),
) -> None:
    """Show the host's log."""
    log = log_file("host")
    written = log.read_bytes() if log.exists() else b""
    kept = written.decode("utf-8", "replace").splitlines()
    for line in kept[max(len(kept) - lines, 0) :]:
        typer.echo(line)
    if follow:
        for line in _follow(log, len(written)):
            typer.echo(line, nl=False)


def _follow(log: Path, position: int) -> Iterator[str]:
    """Lines as they are written from byte `position` on, also after the log was rotated. Ends with Ctrl+C."""
    while True:
        if log.exists():
            with log.open("rb") as stream:
                stream.seek(position)
                yield from _lines(stream, log)
            position = 0
        time.sleep(_FOLLOW_SECONDS)


def _lines(stream: BinaryIO, log: Path) -> Iterator[str]:
    """Lines of `stream` until it is no longer what `log` names and all of it was read."""
    while True:
        current = log.exists() and os.path.samestat(log.stat(), os.fstat(stream.fileno()))
        for line in stream:
            yield line.decode("utf-8", "replace")
        if not current:
            return
        time.sleep(_FOLLOW_SECONDS)


@engine_app.command("native", help=text("cli.engine.native"))
def engine_native() -> None:
    """Build llama-cpp-python for this machine and say what was gained."""
    from ide_agent.runtime import ensure_host, stream

    last: dict[str, Any] = {}
    told = ""
    for last in stream(ensure_host(), "/engine/native", {}, timeout=3600.0):
        words = text(last["code"], **last.get("params", {})) if "code" in last else ""
        if words and words != told:
            typer.echo(words)
            told = words
    if last.get("phase") != "ready":
        raise HostUnavailable()
    typer.echo(text("cli.engine.gained", before=last["before"], after=last["tokens_per_second"]))


@app.command("panel", help=text("cli.panel.help"))
def panel(
    name: str = typer.Argument("", help=text("cli.panel.name")),
    url: bool = typer.Option(False, "--url", help=text("cli.panel.url")),
) -> None:
    """Open a panel in the browser; without a name, list those there are."""
    from urllib.parse import quote

    from ide_agent.runtime import call, ensure_host

    info = ensure_host()
    if not name:
        for offered in call(info, "GET", f"/panels?language={language()}")["panels"]:
            typer.echo(f"{offered['name']:<12} {offered['title']}")
        return
    address = call(info, "POST", f"/panels/{quote(name, safe='')}/link?language={language()}")["url"]
    if url or typer.launch(address) != 0:
        typer.echo(address)
    else:  # whether one came up cannot be known
        typer.echo(text("cli.panel.opened", address=address))


@app.command("doctor", help=text("cli.doctor.help"))
def doctor() -> None:
    """Look at everything; exit status 1 when something needs attention."""
    from ide_agent.host.doctor import examine

    healthy = True
    for finding in examine():
        healthy = healthy and finding.ok
        how = "warning" if finding.warns else "ok" if finding.ok else "problem"
        mark = text(f"cli.doctor.{how}")
        show(f"{mark:<8} {text(f'cli.doctor.{finding.subject}')}: {finding.detail(language())}", 9)
    sys.stdout.flush()
    raise typer.Exit(0 if healthy else 1)


plugins().call("register_cli", app=app)

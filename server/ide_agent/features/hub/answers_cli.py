"""``ide-agent models ask``: the answer goes to standard output, all else to standard error."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated, Any

import typer

from ide_agent.errors import HostUnavailable
from ide_agent.features.hub.why_waiting import telling_why
from ide_agent.terminal import text

_INTERRUPTED = 130
_SILENCE_SECONDS = 3600.0  # a large model is loaded, or waits for a place in memory
_CONTROLS = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)))
"""What a terminal would take for a command."""


def add_to(models: typer.Typer) -> None:
    """Add the command to ``ide-agent models``."""
    models.command("ask", help=text("hub.question.help"))(_ask)


def _ask(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="question", help=text("hub.question.words"))
    ] = None,
    model: str = typer.Option("", "--model", "-m", help=text("hub.question.model")),
    system: str = typer.Option("", "--system", help=text("hub.question.system")),
    max_tokens: int = typer.Option(1024, "--max-tokens", min=1, help=text("hub.question.tokens")),
    private: bool = typer.Option(False, "--private", help=text("hub.question.private")),
) -> None:
    from ide_agent.runtime import ensure_host, stream

    try:
        question = " ".join(words or ()) or ("" if sys.stdin.isatty() else sys.stdin.read())
        (question + system + model).encode()
    except UnicodeError:
        typer.echo(text("hub.question.no_text"), err=True)
        raise typer.Exit(2) from None
    if not question.strip():
        typer.echo(text("hub.question.what"), err=True)
        raise typer.Exit(2)
    body: dict[str, Any] = {"text": question, "model": model, "system": system, "max_tokens": max_tokens}
    if private:
        body["privacy"] = "private"
    try:
        info = ensure_host()
        with (
            closing(stream(info, "/models/ask", body, timeout=_SILENCE_SECONDS)) as events,
            telling_why(info, model) as begun,
        ):
            said, reason, thought = _print(_noted(events, begun))
    except KeyboardInterrupt:  # leaving the stream has stopped the engine
        typer.echo(text("hub.question.stopped"), err=True)
        raise typer.Exit(_INTERRUPTED) from None
    if not reason:
        raise HostUnavailable()
    if not said and thought and reason == "length":
        typer.echo(text("hub.question.thought", count=max_tokens), err=True)
        return
    if not said:
        typer.echo(text("hub.question.nothing"), err=True)
    if reason == "length":
        typer.echo(text("hub.question.cut", count=max_tokens), err=True)


def _noted(events: Iterator[dict[str, Any]], begun: threading.Event) -> Iterator[dict[str, Any]]:
    """`events`, with the first of which the waiting is over."""
    for event in events:
        begun.set()
        yield event


def _print(events: Iterator[dict[str, Any]]) -> tuple[bool, str, bool]:
    """Print the answer as it comes.

    Returns whether there was any, why it ended, empty where it broke off, and whether the model thought.
    """
    last, model, thought = "", "", False
    try:
        for event in events:
            if event["type"] == "done":
                return bool(last), str(event["finish_reason"]), thought
            model = str(event.get("model", model))
            if event.get("rule"):
                where = {key: event[key] for key in ("rule", "file", "line")}
                typer.echo(text("hub.question.by_rule", model=model, **where), err=True)
            if event["type"] == "thinking":
                thought = True
                typer.echo(text("hub.question.thinks", model=model), err=True)
            piece = str(event.get("text", ""))
            piece = piece.translate(_CONTROLS) if sys.stdout.isatty() else piece
            if said := piece if last else piece.lstrip():
                typer.echo(said, nl=False)
                last = said[-1]
        return bool(last), "", thought
    finally:
        if last not in ("", "\n"):
            typer.echo()

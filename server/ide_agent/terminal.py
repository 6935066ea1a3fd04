"""How commands look and speak: help, mistakes and questions in the user's language. Light, as `cli` is."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from ide_agent.errors import IdeAgentError
from ide_agent.locale import LANGUAGES, choose, translate
from ide_agent.paths import config_file

_PLACEHOLDERS = ("OPTIONS", "COMMAND", "ARGS")
_MISUSED = 2
_F = TypeVar("_F", bound=Callable[..., Any])


@cache
def language() -> str:
    """The language of messages: the setting `locale`, else that of the environment."""
    try:
        chosen = tomllib.loads(config_file().read_text(encoding="utf-8")).get("locale")
    except (OSError, ValueError):
        chosen = None  # a broken file is reported where all of the settings are read
    if chosen in LANGUAGES:
        return str(chosen)
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    return choose(next((os.environ[name] for name in names if os.environ.get(name)), None))


def text(key: str, /, **params: Any) -> str:
    """A message in the user's language."""
    return translate(key, language(), **params)


def confirmed(question: str) -> bool:
    """Whether the user says yes; no is the default."""
    answer = typer.prompt(f"{question} [{text('cli.words.choice')}]", default="", show_default=False)
    return answer.strip().lower() in text("cli.words.yes").split()


class _Spoken:
    """What Typer says in English only."""

    def format_usage(self: Any, ctx: Any, formatter: Any) -> None:
        """The line that shows how it is called."""
        pieces = " ".join(self.collect_usage_pieces(ctx))
        for word in _PLACEHOLDERS:
            pieces = pieces.replace(word, text(f"cli.words.{word.lower()}"))
        formatter.write_usage(ctx.command_path, pieces, prefix=f"{text('cli.words.usage')}: ")

    def get_help_option(self, ctx: Any) -> Any:
        """The option `--help`."""
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = text("cli.words.help")
        return option

    def format_options(self: Any, ctx: Any, formatter: Any) -> None:
        """The lists of arguments, options and commands."""
        for kind in ("argument", "option"):
            known = (each for each in self.get_params(ctx) if each.param_type_name == kind)
            _list(kind, [row for each in known if (row := each.get_help_record(ctx))], formatter)
        children = [
            (name, child) for name, child in getattr(self, "commands", {}).items() if not child.hidden
        ]
        _list(
            "command",
            [(name, child.get_short_help_str(formatter.width)) for name, child in children],
            formatter,
        )


def _list(kind: str, rows: list[tuple[str, str]], formatter: Any) -> None:
    if rows:
        with formatter.section(text(f"cli.words.{kind}_list")):
            formatter.write_dl(rows)


class Command(_Spoken, TyperCommand):
    """A command."""


class Commands(_Spoken, TyperGroup):
    """A command group that puts our errors into one line instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except IdeAgentError as error:
            typer.echo(error.message(language()), err=True)
            raise typer.Exit(1) from None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; for one that there is not, say which has such a name, in any group."""
        name = args[0]
        if name in self.commands or name.startswith("-"):
            return super().resolve_command(ctx, args)
        root = ctx.find_root()
        paths = {path: path.split()[-1] for path in _paths(root.command, root.info_name)}
        similar = get_close_matches(name, set(paths.values()), n=1)
        near = [f"“{path}”" for path, last in paths.items() if last in similar]
        key = "cli.unknown_near" if near else "cli.unknown"
        typer.echo(text(key, name=name, near=", ".join(near), path=ctx.command_path), err=True)
        raise typer.Exit(_MISUSED)


def _paths(command: Any, path: str) -> Iterator[str]:
    for name, child in getattr(command, "commands", {}).items():
        yield f"{path} {name}"
        yield from _paths(child, f"{path} {name}")


class App(typer.Typer):
    """Commands that look like ours."""

    def __init__(self, **options: Any) -> None:
        look: dict[str, Any] = {"cls": Commands, "no_args_is_help": True, "rich_markup_mode": None}
        super().__init__(**look, add_completion=False, pretty_exceptions_enable=False, **options)

    def command(self, name: str | None = None, **options: Any) -> Callable[[_F], _F]:
        """See `typer.Typer.command`."""
        return super().command(name, **{"cls": Command, **options})

"""How commands look and speak: help, mistakes and questions in the user's language. Light, as `cli` is."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from ide_agent.errors import IdeAgentError
from ide_agent.locale import language, translate

_PLACEHOLDERS = ("OPTIONS", "COMMAND", "ARGS")
_MISUSED = 2
_SIMILAR = 0.75
_ALIKE = 0.6
_WHOLE = 1000
"""Letters of a sentence that says what a command does: all of them."""
# What other programs call it.
_MEANT = {
    "ls": "list",
    **dict.fromkeys(("remove", "delete", "uninstall"), "rm"),
    **dict.fromkeys(("download", "install", "get"), "pull"),
}
# Typer shows no more of the errors of its click than this one; which click that is depends on its version.
_ClickException: Any = next(each for each in typer.BadParameter.__mro__ if each.__name__ == "ClickException")
_F = TypeVar("_F", bound=Callable[..., Any])


def text(key: str, /, **params: Any) -> str:
    """A message in the user's language."""
    return translate(key, language(), **params)


def show(line: str, indent: int = 4) -> None:
    """Print `line`; in a terminal that is narrower, broken between words, and what follows is indented.

    What is read by a program stays one line.
    """
    columns = shutil.get_terminal_size().columns
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        line = textwrap.fill(
            line,
            max(columns, indent + 20),
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
            drop_whitespace=True,
        )
    typer.echo(line)


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
            _list(kind, [_row(each) for each in known if not getattr(each, "hidden", False)], formatter)
        children = [
            (name, child) for name, child in getattr(self, "commands", {}).items() if not child.hidden
        ]
        _list(
            "command",
            [(name, child.get_short_help_str(_WHOLE)) for name, child in children],
            formatter,
        )


def _list(kind: str, rows: list[tuple[str, str]], formatter: Any) -> None:
    if rows:
        with formatter.section(text(f"cli.words.{kind}_list")):
            formatter.write_dl(rows)


def _row(parameter: Any) -> tuple[str, str]:
    """Its names and what it means. Click's own row has a type and ends with remarks, both in English."""
    names = ", ".join([*sorted(parameter.opts, key=len), *parameter.secondary_opts])
    if parameter.param_type_name == "argument" and parameter.metavar:
        names = parameter.metavar
    about = parameter.help or ""
    if parameter.param_type_name == "argument" or parameter.is_flag or parameter.count:
        return names, about
    if parameter.default != "" and isinstance(parameter.default, str | int | float):
        about = f"{about} {text('cli.words.default', value=parameter.default)}"
    return f"{names} {parameter.metavar or text('cli.words.value')}", about


@contextmanager
def _told() -> Iterator[None]:
    """Put what goes wrong into one line instead of a traceback or click's English."""
    try:
        yield
    except IdeAgentError as error:
        status, line = 1, error.message(language())
    except typer.Abort:
        status, line = 1, text("cli.misuse.aborted")
    except _ClickException as error:
        status, line = error.exit_code, _misuse(error)
    else:
        return
    typer.echo(line, err=True)
    raise typer.Exit(status)


def _misuse(error: Any) -> str:
    """What is wrong with a call and what to do."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "ide-agent"
    parameter = getattr(error, "param", None)
    name = max(parameter.opts, key=len) if parameter else getattr(error, "option_name", "")
    match type(error).__name__:
        case "NoArgsIsHelpError":
            return str(error.format_message())  # the help
        case "NoSuchOption" if near := _alike(name, error.possibilities or ()):
            return text("cli.misuse.option_near", name=name, near=", ".join(f"“{each}”" for each in near))
        case "NoSuchOption":
            return text("cli.misuse.option", name=name, path=path)
        case "MissingParameter" if parameter:
            return text("cli.misuse.missing", name=name, path=path)
        case "BadParameter" if parameter:
            return _bad(error, parameter, name)
        case "BadOptionUsage":
            return text("cli.misuse.usage", name=name, path=path)
    return text("cli.misuse.other", reason=error.format_message().rstrip("."), path=path)


def _alike(name: str, options: Iterable[str]) -> list[str]:
    """Those of `options` that are like `name`: click takes two dashes for a likeness."""
    bare = {option: option.lstrip("-") for option in options}
    alike = get_close_matches(name.lstrip("-"), bare.values(), cutoff=_ALIKE)
    return sorted(option for option, word in bare.items() if word in alike)


def _bad(error: Any, parameter: Any, name: str) -> str:
    least, most = getattr(parameter, "min", None), getattr(parameter, "max", None)
    if least is None:
        return text("cli.misuse.value", name=name, reason=error.message.rstrip("."))
    return text(
        "cli.misuse.at_least" if most is None else "cli.misuse.from_to", name=name, least=least, most=most
    )


class Command(_Spoken, TyperCommand):
    """A command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; those that are too many are named."""
        allowed, ctx.allow_extra_args = ctx.allow_extra_args, True
        try:
            rest: list[str] = super().parse_args(ctx, args)
        except _ClickException as error:
            error.ctx = getattr(error, "ctx", None) or ctx  # not all say whose option it is
            raise
        if rest and not allowed:
            typer.echo(text("cli.misuse.extra", value=" ".join(rest), path=ctx.command_path), err=True)
            raise typer.Exit(_MISUSED)
        return rest


class Commands(_Spoken, TyperGroup):
    """A command group, which says what goes wrong in its commands."""

    def make_context(self, *arguments: Any, **extra: Any) -> Any:
        """Read the arguments of the group itself."""
        with _told():
            return super().make_context(*arguments, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        with _told():
            return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; for one that there is not, say which has such a name, here or in any group."""
        name = args[0]
        if name in self.commands or name.startswith("-"):
            return super().resolve_command(ctx, args)
        root = ctx.find_root()
        here = [f"{ctx.command_path} {each}" for each in self.commands]
        found = _nearest(name, here) or _nearest(name, _paths(root.command, root.info_name))
        near = [f"“{path}”" for path in found]
        key = "cli.unknown_near" if near else "cli.unknown"
        typer.echo(text(key, name=name, near=", ".join(near), path=ctx.command_path), err=True)
        raise typer.Exit(_MISUSED)


def _nearest(name: str, paths: Iterable[str]) -> list[str]:
    """Those of `paths` that end in what `name` may have meant."""
    ends = {path: path.split()[-1] for path in paths}
    meant = [end for end in ends.values() if end == _MEANT.get(name)]
    similar = meant or get_close_matches(name, set(ends.values()), n=1, cutoff=_SIMILAR)
    return [path for path, end in ends.items() if end in similar]


def _paths(command: Any, path: str) -> Iterator[str]:
    for name, child in getattr(command, "commands", {}).items():
        yield f"{path} {name}"
        yield from _paths(child, f"{path} {name}")


class App(typer.Typer):
    """Commands that look like ours."""

    def __init__(self, **options: Any) -> None:
        look: dict[str, Any] = {"cls": Commands, "no_args_is_help": True, "rich_markup_mode": None}
        look["context_settings"] = {"help_option_names": ["-h", "--help"]}
        super().__init__(**look, add_completion=False, pretty_exceptions_enable=False, **options)

    def command(self, name: str | None = None, **options: Any) -> Callable[[_F], _F]:
        """See `typer.Typer.command`."""
        return super().command(name, **{"cls": Command, **options})

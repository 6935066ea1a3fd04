"""Writes docs/reference from the code: every setting, every command. A test checks that it was run."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from ide_agent.config import Settings
from ide_agent.editor.options import parser
from ide_agent.locale import translate

DOCS = Path(__file__).parent.parent / "docs" / "reference"
NOTE = "<!-- Written by scripts/reference.py (`make reference`); change the code instead. -->"
KINDS = {"string": "text", "array": "list of texts", "object": "table of `true` or `false`"}


def settings() -> str:
    """The page of all settings."""
    lines = [
        NOTE,
        "# Settings",
        "",
        "Defaults < your own file (`ide-agent doctor` says where) < `.ide-agent.toml` in the workspace < the",
        "editor's settings below `ideAgent`, where names are in camelCase (`ideAgent.completion.maxLines`).",
        "What is not valid is reported and left out: the layer below it holds. `[inference]`, `[host]`,",
        "`[hub]` and `[remote]` are read from your own file only.",
        "",
        "A workspace may come from somebody else, so `.ide-agent.toml` can make things more private, never",
        "less: the globs of all layers add up, exceptions among them (`!`) count in your own file only,",
        "`record` is off when one layer switches it off, `enabled` and `languages` can be switched off there",
        "but not on, and `model` is not taken from there. The editor's settings cannot make less private or",
        "recorded either, for some editors mix the workspace's into yours.",
        "",
        "| setting | values | default | meaning |",
        "|---|---|---|---|",
        *_rows(Settings, ""),
    ]
    return "\n".join(lines) + "\n"


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    schema = model.model_json_schema()["properties"]
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _rows(kind, f"{prefix}{name}.")
            continue
        section = get_args(kind)[-1] if get_origin(kind) is dict else None
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield f"| `{prefix}{name}` | sections | none | {field.description} |"
            yield from _rows(section, f"{prefix}{name}.NAME.")
            continue
        default = (
            "needed" if field.is_required() else f"`{_toml(field.get_default(call_default_factory=True))}`"
        )
        yield f"| `{prefix}{name}` | {_values(schema[name])} | {default} | {field.description} |"


def _values(schema: dict[str, Any]) -> str:
    """What may stand there, from a property's JSON Schema."""
    if "enum" in schema:
        return ", ".join(f"`{_toml(value)}`" for value in schema["enum"])
    if schema["type"] == "boolean":
        return "`true`, `false`"
    if schema["type"] == "number" and "exclusiveMinimum" in schema:
        return f"more than {schema['exclusiveMinimum']:g}, up to {schema['maximum']:g}"
    if schema["type"] in ("integer", "number"):
        end = f"to {schema['maximum']:g}" if "maximum" in schema else "or more"
        return f"{schema['minimum']:g} {end}"
    return KINDS[schema["type"]]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return "[]" if not value else str(list(value))
    return str(value)


def commands() -> str:
    """The page of all commands."""
    import typer.main

    from ide_agent.cli import app

    lines = [NOTE, "# Commands", ""]
    _describe(typer.main.get_command(app), "ide-agent", lines)
    return "\n".join(lines).rstrip() + "\n"


def _describe(command: Any, path: str, lines: list[str]) -> None:
    children = getattr(command, "commands", {})
    options = [*_lsp_options()] if path == "ide-agent lsp" else [*_options(command)]
    if options or not children:
        arguments = [f" {{{each.name}}}" for each in command.params if each.param_type_name == "argument"]
        lines += [f"## `{path}{''.join(arguments)}`", "", (command.help or "").strip(), ""]
        lines += [*options, ""] if options else []
    for name in sorted(children):
        if not children[name].hidden:
            _describe(children[name], f"{path} {name}", lines)


def _options(command: Any) -> Iterator[str]:
    for parameter in command.params:
        note = getattr(parameter, "help", None)
        if note and not getattr(parameter, "hidden", False):
            names = ", ".join(f"`{option}`" for option in parameter.opts)
            yield f"- {names}: {note}"


def _lsp_options() -> Iterator[str]:
    for action in parser()._actions:
        if action.help == argparse.SUPPRESS or "-h" in action.option_strings:
            continue
        value = f" {action.metavar}" if action.metavar else ""
        note = translate(action.help or "", "en")
        yield f"- {', '.join(f'`{name}{value}`' for name in action.option_strings)}: {note}"


PAGES = {"settings.md": settings, "cli.md": commands}


def main(folder: Path = DOCS) -> None:
    """Write the pages into `folder`, in English whatever is spoken here."""
    os.environ["LC_ALL"] = "en"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as nobodys_home:
        os.environ["IDE_AGENT_HOME"] = nobodys_home
        for name, page in PAGES.items():
            (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

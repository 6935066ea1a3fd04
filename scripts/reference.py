"""Writes docs/reference from the code: every setting, every command. A test checks that it was run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import typer.main
from pydantic import BaseModel

from ide_agent.cli import app
from ide_agent.config import Settings

DOCS = Path(__file__).parent.parent / "docs" / "reference"
NOTE = "<!-- Written by scripts/reference.py (`make reference`); change the code instead. -->"


def settings() -> str:
    """The page of all settings."""
    lines = [
        NOTE,
        "# Settings",
        "",
        "Defaults < your own file (`ide-agent doctor` says where) < `.ide-agent.toml` in the workspace < the",
        " editor's settings below `ideAgent`, where names are in camelCase (`ideAgent.completion.maxLines`).",
        "What is not valid is reported and replaced by its default. `[inference]` and `[host]` are read",
        "from your own file only.",
        "",
        "A workspace may come from somebody else, so `.ide-agent.toml` can make things more private, never",
        "less: the globs of all layers add up, exceptions among them (`!`) count in your own file only,",
        "`record` is off when one layer switches it off, `enabled` and `languages` can be switched off there",
        "but not on, and `model` is not taken from there. The editor's settings cannot make less private or",
        "recorded either, for some editors mix the workspace's into yours.",
        "",
        "| setting | default | meaning |",
        "|---|---|---|",
        *_rows(Settings, ""),
    ]
    return "\n".join(lines) + "\n"


def _rows(model: type[BaseModel], prefix: str) -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            rows += _rows(kind, f"{prefix}{name}.")
            continue
        default = field.get_default(call_default_factory=True)
        rows.append(f"| `{prefix}{name}` | `{_toml(default)}` | {field.description or ''} |")
    return rows


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
    root = typer.main.get_command(app)
    lines = [
        NOTE,
        "# Commands",
        "",
        "`ide-agent lsp` speaks LSP on stdio, or on a port with `--tcp PORT`.",
        "",
    ]
    _describe(root, "ide-agent", lines)
    return "\n".join(lines).rstrip() + "\n"


def _describe(command: Any, path: str, lines: list[str]) -> None:
    context = click.Context(command, info_name=path)
    children = getattr(command, "commands", None)
    if children:
        for name in sorted(children):
            if not children[name].hidden:
                _describe(children[name], f"{path} {name}", lines)
        return
    pieces = " ".join(command.collect_usage_pieces(context))
    lines += [f"## `{path} {pieces}`".replace(" [OPTIONS]`", "`").replace(" [OPTIONS] ", " "), ""]
    lines += [(command.help or "").strip(), ""]
    for parameter in command.params:
        note = getattr(parameter, "help", None)
        if note and not getattr(parameter, "hidden", False):
            names = ", ".join(f"`{option}`" for option in parameter.opts)
            lines.append(f"- {names}: {note}")
    if lines[-1]:
        lines.append("")


PAGES = {"settings.md": settings, "cli.md": commands}


def main() -> None:
    """Write the pages."""
    DOCS.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

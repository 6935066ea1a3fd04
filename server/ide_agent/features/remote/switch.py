"""Switches remote models on and off in the user's own settings; all else in the file stays as it is."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from ide_agent.errors import ConfigError
from ide_agent.reasons import reason_of

_HEADER = re.compile(r"[ \t]*\[[ \t]*remote[ \t]*\][ \t]*(?:#.*)?")
_ANY_HEADER = re.compile(r"[ \t]*\[")
_LINE = re.compile(r"([ \t]*enabled[ \t]*=[ \t]*)(?:true|false)\b(.*)")


def switch(file: Path, on: bool) -> None:
    """Set ``remote.enabled`` in `file`, which is made if there is none.

    Raises:
        ConfigError: the file cannot be read or written, or the setting is written in a way that this cannot
            change: by hand it can.
    """
    try:
        text = file.read_bytes().decode() if file.exists() else ""
        before = tomllib.loads(text)
    except (OSError, ValueError) as failure:
        raise ConfigError("error.config_file", file=str(file), key="*", problem=reason_of(failure)) from None
    if before.get("remote", {}) == {} and not on:
        return
    changed = _changed(text, on)
    if _parsed(changed) != _wanted(before, on):
        raise ConfigError("error.config_by_hand", file=str(file), value=str(on).lower())
    _write(file, changed)


def begin(file: Path, text: str) -> None:
    """Write `text` where there is no file yet.

    Raises:
        ConfigError: it cannot be written.
    """
    if not file.exists():
        _write(file, text)


def _changed(text: str, on: bool) -> str:
    word = str(on).lower()
    lines = text.splitlines(keepends=True)
    start = next(
        (number for number, line in enumerate(lines) if _HEADER.fullmatch(line.rstrip("\r\n"))), None
    )
    if start is None:
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}[remote]\nenabled = {word}\n"
    for number in range(start + 1, len(lines)):
        if _ANY_HEADER.match(lines[number]):
            break
        found = _LINE.match(lines[number])
        if found:
            lines[number] = f"{found[1]}{word}{lines[number][found.end() - len(found[2]) :]}"
            return "".join(lines)
    if not lines[start].endswith("\n"):
        lines[start] += "\n"
    return "".join((*lines[: start + 1], f"enabled = {word}\n", *lines[start + 1 :]))


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _wanted(before: dict[str, Any], on: bool) -> dict[str, Any]:
    section = before.get("remote")
    return {**before, "remote": {**(section if isinstance(section, dict) else {}), "enabled": on}}


def _write(file: Path, text: str) -> None:
    """Whole or not at all; a link stays one, and who may read the file stays the same."""
    target = file.resolve()
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, encoding="utf-8", newline="")
        if target.exists():
            fresh.chmod(target.stat().st_mode & 0o777)
        fresh.replace(target)
    except OSError as failure:
        fresh.unlink(missing_ok=True)
        raise ConfigError("error.config_write", file=str(file), reason=reason_of(failure)) from None

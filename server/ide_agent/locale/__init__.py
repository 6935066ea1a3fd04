"""Messages in the user's language. Catalogues are TOML, one file a language, nested tables as dotted keys."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from ide_agent.paths import config_file

LANGUAGES = ("en", "tr")
_DEPTH = 8  # of reasons within reasons
_UNFIT = (KeyError, IndexError, ValueError, AttributeError, TypeError)


def translate(key: str, language: str, /, **params: Any) -> str:
    """The message `key` in `language`, falling back to English, then to the key itself.

    Args:
        key: where ``<key>_one`` is there too, that is taken when `count` is one.
        language: of the outcome.
        params: values for the placeholders. One with a ``code`` and ``params`` is a message itself, if the
            catalogue has it; floats are written as is the custom.
    """
    return _said(key, language, params, _DEPTH)


def _said(key: str, language: str, params: dict[str, Any], depth: int) -> str:
    template = _template(key, language, params) or key
    try:
        return template.format(**{name: _shown(value, language, depth) for name, value in params.items()})
    except _UNFIT:
        return template


def number(value: float, language: str, digits: int = 1) -> str:
    """With so many digits after the point, or after the comma where that is the custom."""
    return f"{_shown(float(value), language, 0):.{digits}f}"


class _Comma(float):
    """Written with a comma."""

    def __format__(self, form: str) -> str:
        return format(float(self), form).replace(".", ",")


def _shown(value: Any, language: str, depth: int) -> Any:
    """A value as people read it, with messages within messages up to `depth`."""
    if isinstance(value, dict) and isinstance(code := value.get("code"), str):
        params = value.get("params")
        if depth <= 0 or code not in catalogue("en"):
            return code
        said = _said(code, language, params if isinstance(params, dict) else {}, depth - 1)
        return said.rstrip(".")  # it stands inside a sentence
    return _Comma(value) if isinstance(value, float) and language == "tr" else value


def _template(key: str, language: str, params: dict[str, Any]) -> str | None:
    keys = (f"{key}_one", key) if params.get("count") == 1 else (key,)
    return next(
        (known[each] for known in (catalogue(language), catalogue("en")) for each in keys if each in known),
        None,
    )


def translator(language: str) -> Callable[..., str]:
    """`translate` for one language."""
    return lambda key, **params: translate(key, language, **params)


def translatable(key: str, params: dict[str, Any]) -> bool:
    """Whether the message `key` is known and `params` are what it needs."""
    try:
        catalogue("en")[key].format(**params)
    except _UNFIT:
        return False
    return True


def choose(tag: str | None) -> str:
    """The supported language nearest to a locale tag such as ``tr-TR``; English when there is none."""
    primary = (tag or "").replace("_", "-").split("-")[0].lower()
    return primary if primary in LANGUAGES else "en"


@cache
def language() -> str:
    """The language of commands: the setting `locale`, else that of the environment."""
    try:
        chosen = tomllib.loads(config_file().read_text(encoding="utf-8")).get("locale")
    except (OSError, ValueError):
        chosen = None  # a broken file is reported where all of the settings are read
    if chosen in LANGUAGES:
        return str(chosen)
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    return choose(next((os.environ[name] for name in names if os.environ.get(name)), None))


@cache
def catalogue(language: str) -> dict[str, str]:
    """All messages of one language, flattened to dotted keys."""
    if language not in LANGUAGES:
        return {}
    text = (files(__package__) / f"{language}.toml").read_text(encoding="utf-8")
    return dict(_flatten(tomllib.loads(text), ""))


def _flatten(table: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            rows += _flatten(value, f"{prefix}{name}.")
        else:
            rows.append((prefix + name, str(value)))
    return rows

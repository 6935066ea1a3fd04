"""All settings, one model: defaults < user TOML < workspace TOML < editor settings.

Bad values never stop anything: each is reported as a `ConfigError` and left out; the layer below it holds.
A workspace may have been written by somebody else. It cannot change what runs on this machine or where it
sends anything (`inference`, `host`, `remote` and the choice of the model are the user's), and it can only
narrow what is read, sent to a model and recorded. The editor's settings are no wider in what is private: some
editors mix the workspace's into them. Where a setting of `remote` is wrong, remote models stay off: it may
have been a limit.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from ide_agent.config_remote import RemoteEndpoint, RemoteSettings, Section
from ide_agent.errors import ConfigError
from ide_agent.reasons import reason_of

__all__ = [
    "WORKSPACE_FILE",
    "CompletionSettings",
    "HostSettings",
    "HubSettings",
    "InferenceSettings",
    "RemoteEndpoint",
    "RemoteSettings",
    "Settings",
    "load",
]

WORKSPACE_FILE = ".ide-agent.toml"
_USERS_FILE_ONLY = (("inference",), ("host",), ("hub",), ("remote",))
_NOT_THE_WORKSPACES = (*_USERS_FILE_ONLY, ("completion", "model"))
_ADDING_UP = ("private_globs", "disabled_globs")
# What a setting takes, by how pydantic's error types begin.
_TAKES = {
    "bool": "bool",
    "int": "whole",
    "float": "number",
    "string": "text",
    "tuple": "list",
    "list": "list",
    "model": "section",
    "dict": "section",
}
_EXCEPTION = "!"


class CompletionSettings(Section):
    """Ghost text."""

    enabled: bool = Field(True, description="Suggest code as ghost text.")
    automatic: bool = Field(True, description="Suggest while typing; off: only when invoked.")
    languages: dict[str, bool] = Field(
        default_factory=dict,
        description="Per-language switches by LSP language id, e.g. `{markdown = false}`.",
    )
    disabled_globs: tuple[str, ...] = Field(
        (), strict=False, description="No suggestions in files that match. Those of all layers count."
    )
    private_globs: tuple[str, ...] = Field(
        (),
        strict=False,  # TOML and JSON have lists
        description="Never read, sent to a model or recorded. Adds to the built-in list of key files; "
        "those of all layers count.",
    )
    max_lines: int = Field(12, ge=1, le=64, description="Longest suggestion, in lines.")
    debounce_min_ms: int = Field(
        20, ge=0, le=2000, description="Shortest wait after a keystroke within a line, in milliseconds."
    )
    debounce_max_ms: int = Field(
        400, ge=0, le=5000, description="Longest wait after a keystroke, in milliseconds."
    )
    prefetch: bool = Field(True, description="While a suggestion shows, compute the one after it.")
    record: bool = Field(
        True,
        description="Keep what was shown, accepted and kept in the local database. Off in one layer is off.",
    )
    prompt_tokens: int = Field(1024, ge=128, le=16384, description="Token budget of a completion prompt.")
    model: str = Field("", description="Model for ghost text; empty: the default completion model.")


class InferenceSettings(Section):
    """Engines on this machine."""

    model: str = Field(
        "",
        description="Default completion model; empty: the one made the default (`models default`), else the "
        "newest pulled one that chats or completes code.",
    )
    engine: Literal["auto", "xllamacpp", "llama-cpp-python"] = Field(
        "auto", description="What runs the models; auto: what was measured to be fastest here."
    )
    vllm: str = Field(
        "",
        description="Program or Python of an environment with vLLM, for models in Hugging Face's format; "
        "empty: found on PATH.",
    )
    transformers: str = Field(
        "", description="The same for `transformers serve`, which is used where vLLM is not there."
    )
    context_tokens: int = Field(8192, ge=512, description="KV cache per slot, in tokens.")
    slots: int = Field(2, ge=1, le=16, description="Requests an engine works on at once.")
    threads: int = Field(0, ge=0, description="0: chosen from the machine's cores.")
    gpu_layers: int = Field(
        -1,
        ge=-1,
        description="Layers of a model on NVIDIA's GPUs, where the engine can; -1: as many as fit, 0: none.",
    )
    idle_unload_seconds: int = Field(900, ge=5, description="An unused engine is unloaded after this time.")
    active_models: int = Field(
        2, ge=1, le=64, description="Models in memory at once; a further one waits for a place."
    )


class HostSettings(Section):
    """The host process."""

    port: int = Field(0, ge=0, le=65535, description="0: any free port.")
    idle_exit_seconds: int = Field(
        600, ge=1, description="The host leaves when nobody used it for this long."
    )


class HubSettings(Section):
    """The models folder."""

    disk_quota_gb: int = Field(
        0, ge=0, description="Gigabytes that models may take; the longest unused ones go. 0: no limit."
    )
    keep_days: int = Field(
        0, ge=0, description="Models unused for so many days go with the next clean-up. 0: they stay."
    )


class Settings(Section):
    """The whole tree."""

    locale: Literal["auto", "en", "tr"] = Field(
        "auto",
        description="Language of messages; auto: that of the editor, in a terminal that of the environment.",
    )
    completion: CompletionSettings = CompletionSettings()
    inference: InferenceSettings = InferenceSettings()
    host: HostSettings = HostSettings()
    hub: HubSettings = HubSettings()
    remote: RemoteSettings = RemoteSettings()


def load(
    *, user: Path | None = None, workspace: Path | None = None, editor: dict[str, Any] | None = None
) -> tuple[Settings, list[ConfigError]]:
    """Merge the layers; what is wrong is left out and reported.

    Args:
        user: the user's TOML file (missing is fine).
        workspace: the workspace folder; what its `.ide-agent.toml` has no say in is refused.
        editor: the editor's settings below `ideAgent`, nested, camelCase or snake_case.
    """
    problems: list[ConfigError] = []
    merged: dict[str, Any] = {}
    if user is not None:
        merged = _accept(merged, _read(user, problems), str(user), problems)
        if any(str(problem.params.get("key")).startswith("remote.") for problem in problems):
            # what was left out may be a limit
            merged = _merge(merged, {"remote": {"enabled": False}})
    if workspace is not None:
        file = workspace / WORKSPACE_FILE
        layer = _read(file, problems)
        _refuse(layer, _NOT_THE_WORKSPACES, str(file), problems)
        merged = _accept(merged, layer, str(file), problems, may_switch_on=False)
    if editor:
        layer = {k: v for k, v in _snake(editor).items() if k in Settings.model_fields}
        _refuse(layer, _USERS_FILE_ONLY, "editor", problems)
        merged = _accept(merged, layer, "editor", problems)
    return Settings.model_validate(merged), problems


def _refuse(
    layer: dict[str, Any], names: Iterable[tuple[str, ...]], source: str, problems: list[ConfigError]
) -> None:
    """Take the settings `names` out of `layer`, and exceptions from globs that may be somebody else's."""
    for *sections, last in names:
        node: Any = layer
        for section in sections:
            node = node.get(section) if isinstance(node, dict) else None
        if isinstance(node, dict) and node.pop(last, None) is not None:
            key = ".".join((*sections, last))
            problems.append(ConfigError("error.config_not_here", file=source, key=key))
    completion = layer.get("completion")
    if not isinstance(completion, dict):
        return
    for name in _ADDING_UP:
        globs = completion.get(name)
        kept = [g for g in globs if not _is_exception(g)] if isinstance(globs, list | tuple) else globs
        if kept != globs:
            completion[name] = kept
            problems.append(ConfigError("error.config_exception", file=source, key=f"completion.{name}"))


def _is_exception(glob: object) -> bool:
    return isinstance(glob, str) and glob.strip().startswith(_EXCEPTION)


def _accept(
    merged: dict[str, Any],
    layer: dict[str, Any],
    source: str,
    problems: list[ConfigError],
    *,
    may_switch_on: bool = True,
) -> dict[str, Any]:
    """`merged` with `layer` on top, without the keys of `layer` that do not validate."""
    layer = {k: dict(v) if isinstance(v, dict) else v for k, v in layer.items()}
    while True:
        candidate = _merge(merged, layer)
        try:
            after = Settings.model_validate(candidate)
        except ValidationError as failure:
            dropped: list[list[str]] = []
            for error in failure.errors():
                path = [str(part) for part in error["loc"]]
                problems.append(_problem(source, path, error))
                if any(path[: len(gone)] == gone for gone in dropped):
                    continue  # it went with another one
                gone = _drop(layer, path)
                if not gone:
                    return merged
                dropped.append(gone)
        else:
            if "completion" in layer:
                before = Settings.model_validate(merged).completion
                kept = _kept(before, after.completion, layer["completion"], may_switch_on)
                candidate["completion"] = {**candidate["completion"], **kept}
            return candidate


def _problem(file: str, path: list[str], error: ErrorDetails) -> ConfigError:
    """What pydantic found at `path`, in words for a person."""
    key, kind, limits = ".".join(path), error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        near = get_close_matches(path[-1], _names(path[:-1]), 1)
        if near:
            wanted = ".".join((*path[:-1], near[0]))
            return ConfigError("error.config_unknown_near", file=file, key=key, near=wanted)
        return ConfigError("error.config_unknown", file=file, key=key)
    if kind == "string_pattern_mismatch":  # of a name, which stands where a key would
        return ConfigError("error.config_name", file=file, key=".".join(path[:-1]))
    if kind == "missing" or kind.startswith("error."):
        return ConfigError("error.config_missing" if kind == "missing" else kind, file=file, key=key)
    for beginning, takes in _TAKES.items():
        if kind.startswith(beginning):
            return ConfigError(f"error.config_{takes}", file=file, key=key)
    if kind == "literal_error":
        choices = limits["expected"].replace(" or ", ", ")
        count = len(choices.split(", "))
        return ConfigError("error.config_choice", file=file, key=key, choices=choices, count=count)
    if kind == "greater_than":
        return ConfigError("error.config_above", file=file, key=key, limit=str(limits["gt"]))
    if kind in ("greater_than_equal", "less_than_equal"):
        which, limit = ("least", limits["ge"]) if "ge" in limits else ("most", limits["le"])
        return ConfigError(f"error.config_{which}", file=file, key=key, limit=str(limit))
    return ConfigError(file=file, key=key, problem=error["msg"])


def _names(sections: list[str]) -> list[str]:
    """The settings and sections in `sections`."""
    model: Any = Settings
    for section in sections:
        field = getattr(model, "model_fields", {}).get(section)
        model = field.annotation if field is not None else None
    return list(getattr(model, "model_fields", {}))


def _kept(
    before: CompletionSettings, after: CompletionSettings, named: dict[str, Any], may_switch_on: bool
) -> dict[str, Any]:
    """What a layer that sets `named` leaves of the limits that the layers below it set.

    Args:
        before: without the layer.
        after: with the layer on top.
        named: what the layer sets.
        may_switch_on: whether it may allow suggestions where they were switched off.
    """
    # The user's globs stay last: exceptions there are the user's word on all of them.
    kept: dict[str, Any] = {
        name: (*getattr(after, name), *getattr(before, name)) for name in _ADDING_UP if name in named
    }
    kept["record"] = before.record and after.record
    if not may_switch_on:
        kept["enabled"] = before.enabled and after.enabled
        off = {language: False for language, on in before.languages.items() if not on}
        kept["languages"] = {**after.languages, **off}
    return kept


def _drop(layer: dict[str, Any], path: list[str]) -> list[str]:
    """Remove the deepest part of `path` that `layer` holds; its own path, empty when there is none."""
    node: Any = layer
    for depth, part in enumerate(path):
        if not isinstance(node, dict) or part not in node:
            return []
        child = node[part]
        if depth == len(path) - 1 or not isinstance(child, dict) or path[depth + 1] not in child:
            del node[part]
            return path[: depth + 1]
        node = child
    return []


def _merge(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _read(file: Path, problems: list[ConfigError]) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as failure:
        problems.append(ConfigError("error.config_file", file=str(file), key="*", problem=reason_of(failure)))
        return {}


def _snake(value: dict[str, Any]) -> dict[str, Any]:
    """Setting names in snake_case; the keys of `languages` are language ids and stay as they are."""
    out: dict[str, Any] = {}
    for key, item in value.items():
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in key)
        out[name] = _snake(item) if isinstance(item, dict) and name != "languages" else item
    return out

"""The default models, which answer who names none: which ones they are, and choosing others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ide_agent.config import InferenceSettings
from ide_agent.errors import ModelError, ModelFileInvalid
from ide_agent.features.hub.service import Hub
from ide_agent.inference.chosen import choose
from ide_agent.inference.header import Purpose
from ide_agent.inference.kinds import purpose_of
from ide_agent.inference.models import PURPOSES, ModelStore, called
from ide_agent.paths import config_file
from ide_agent.reasons import reason_of

Defaults = Mapping[str, str]
"""Name of the default model by purpose, of those purposes that have one."""
_SPEECH = ("ctranslate2", "piper")


def defaults(folder: Path, settings: InferenceSettings) -> Defaults:
    """Those of the models in `folder`."""
    store = ModelStore(folder, settings.model)
    found = {purpose: store.default(purpose) for purpose in PURPOSES}
    return {purpose: model.name for purpose, model in found.items() if model is not None}


def make_default(hub: Hub, name: str, settings: InferenceSettings) -> tuple[str, Purpose]:
    """Have model `name` answer who names none, for what it was made for; its name in full, and that.

    Raises:
        ModelNotFound: it is not here.
        ModelFileInvalid: it is damaged.
        ModelError: it answers nobody, a setting names another one, or it cannot be noted.
    """
    model = hub.find(name)
    if model.format in _SPEECH:
        raise ModelError("error.model.for_speech", name=model.name)
    purpose = purpose_of(model)
    if purpose == "text" and settings.model and called(settings.model, [model]) is None:
        params = {"name": settings.model, "file": str(config_file()), "wanted": model.name}
        raise ModelError("error.model.default_set", **params)
    try:
        choose(hub.folder, purpose, model.name)
    except OSError as failure:
        reason = reason_of(failure)
        raise ModelError("error.model.default_unnoted", name=model.name, reason=reason) from failure
    return model.name, purpose


def can_be(model: Mapping[str, Any], known: Defaults, settings: InferenceSettings) -> bool:
    """Whether a model of `listing.described` could be made a default one, and is not of those `known`."""
    able = bool(model["engine"]) and model["kind"] not in ("", "audio") and not model.get("problem")
    free = model["kind"] in PURPOSES[1:] or not settings.model
    return able and free and model["name"] not in known.values()


def after_pull(hub: Hub, name: str, before: Defaults, settings: InferenceSettings) -> dict[str, str]:
    """Of model `name`, which came just now: its ``purpose``, the ``default`` model for that, and which one it
    ``replaced`` as that; empty where nobody could be asked before either, or nothing does what it is for.
    """
    model = called(name, hub.list())
    if model is None or model.format in _SPEECH:
        return {}
    try:
        purpose = purpose_of(model)
    except ModelFileInvalid:
        return {}
    default, old = defaults(hub.folder, settings).get(purpose, ""), before.get(purpose, "")
    if not (default and old):
        return {}
    return {"purpose": purpose, "default": default, "replaced": old if default == model.name != old else ""}


def changed(before: Defaults, now: Defaults, settings: InferenceSettings) -> dict[str, str | None]:
    """The default model of each purpose that has another one `now` than `before`; None where it has none.

    Under ``setting`` the model that a setting names though it is gone.
    """
    found = {purpose: now.get(purpose) for purpose, old in before.items() if now.get(purpose) != old}
    if settings.model and "text" in found and found["text"] is None:
        return {"setting": settings.model} | {each: found[each] for each in found if each != "text"}
    return found

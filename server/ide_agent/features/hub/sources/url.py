"""Models by address: a GGUF file on a web server, or one that is on this machine already."""

from __future__ import annotations

import asyncio
import hashlib
import re
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field

from ide_agent.errors import ModelNotFound
from ide_agent.features.hub.sources import Remote
from ide_agent.features.hub.sources.token import token_for

NAME = r"^[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9_-])?$"
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


class UrlFile(BaseModel):
    """One file behind one address.

    Attributes:
        url: ``https``, ``http`` or ``file``; may hold a login.
        sha256: what the user was told elsewhere, lower-case hex; empty when he was not.
        known_as: what people call it where they have another name for it than the address.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["url"] = "url"
    url: str = Field(repr=False)
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")
    known_as: str = ""

    async def resolve(self) -> Remote:
        """The file itself."""
        token = await asyncio.to_thread(token_for, self.url)
        return Remote(self.url, self.sha256, token=token, indexed=False)

    @property
    def origin(self) -> str:
        """What tells this file from others: without secrets, and for a hub's file without its version."""
        query = urlsplit(self.url).query
        mark = f"?{hashlib.sha256(query.encode()).hexdigest()[:8]}" if query else ""
        return self.known_as or self.shown + mark

    @property
    def shown(self) -> str:
        """The address without what may be secret in it."""
        return shown(self.url)

    @property
    def file(self) -> str:
        """The file's name.

        Raises:
            ModelNotFound: the address is not that of a GGUF file.
        """
        parts = urlsplit(self.url)
        name = re.sub(r"[^\w.-]+", "-", PurePosixPath(unquote(parts.path)).name).lstrip("-.")
        there = parts.scheme == "file" or (parts.scheme in ("http", "https") and parts.hostname)
        if not there or not name.lower().endswith(".gguf"):
            raise ModelNotFound("error.model.address", url=self.shown)
        return name[:-5] + ".gguf"


def is_name(text: str) -> bool:
    """Whether a model can be called that: a folder's name on every system."""
    return re.fullmatch(NAME, text) is not None and text.partition(".")[0] not in _RESERVED


def shown(url: str) -> str:
    """`url` without what may be secret in it: login, query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def is_address(text: str) -> bool:
    """Whether `text` means an address, not a name."""
    return re.match(r"[a-z]+://", text) is not None


def of_path(file: Path) -> str:
    """The address of a file on this machine."""
    with suppress(RuntimeError):  # nobody's home
        file = file.expanduser()
    return file.absolute().as_uri()


def name_for(file: str) -> str:
    """What to call the model in `file`: lower case, letters, digits, dot, dash and underscore."""
    stem = re.sub(r"\.(gguf|onnx)$", "", file.lower())
    name = re.sub(r"[^a-z0-9._-]+", "-", stem).strip("-._")[:80].rstrip(".")
    return name if is_name(name) else f"model-{name}".rstrip("-")

"""Models by address: a GGUF file on a web server, or one that is on this machine already."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field

from ide_agent.errors import ModelNotFound
from ide_agent.features.hub.sources import Remote

_SCHEMES = ("https", "http", "file")


class UrlFile(BaseModel):
    """One file behind one address.

    Attributes:
        url: ``https``, ``http`` or ``file``; may hold a login.
        sha256: what the user was told elsewhere, lower-case hex; empty when he was not.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["url"] = "url"
    url: str = Field(repr=False)
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")

    async def resolve(self) -> Remote:
        """The file itself."""
        from ide_agent.features.hub.sources.huggingface import token_for

        return Remote(self.url, self.sha256, token=await asyncio.to_thread(token_for, self.url))

    @property
    def shown(self) -> str:
        """The address without what may be secret in it: login, query."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))

    @property
    def file(self) -> str:
        """The file's name.

        Raises:
            ModelNotFound: the address is not that of a GGUF file.
        """
        parts = urlsplit(self.url)
        name = re.sub(r"[^\w.-]+", "-", PurePosixPath(unquote(parts.path)).name)
        if parts.scheme not in _SCHEMES or not name.lower().endswith(".gguf"):
            raise ModelNotFound("error.model.address", url=self.shown)
        return name[:-5] + ".gguf"


def is_address(text: str) -> bool:
    """Whether `text` means an address, not a name."""
    return re.match(r"[a-z]+://", text) is not None


def of_path(file: Path) -> str:
    """The address of a file on this machine."""
    return file.expanduser().absolute().as_uri()


def name_for(file: str) -> str:
    """What to call the model in `file`: lower case, letters, digits, dot, dash and underscore."""
    name = re.sub(r"[^a-z0-9._-]+", "-", file.removesuffix(".gguf").lower()).strip("-._")
    return name[:80] or "model"

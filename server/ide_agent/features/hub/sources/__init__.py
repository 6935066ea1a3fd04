"""Where models come from: a source turns what the catalogue says into a `Remote` that can be fetched."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname


@dataclass(frozen=True)
class Remote:
    """A file to fetch and how to get at it.

    Attributes:
        url: ``https``, ``http`` or ``file``.
        sha256: lower-case hex; empty when the source knows none.
        login: user and password for that address, when it needs them.
        token: bearer token for that address; not shown to one it redirects to.
        indexed: a package index named it; what goes wrong is then a matter of pip's settings.
        ca_file: certificates to trust besides the system's.
        proxy: proxy to use when the environment names none.
    """

    url: str
    sha256: str = ""
    login: tuple[str, str] | None = field(default=None, repr=False)
    token: str = field(default="", repr=False)
    indexed: bool = True
    ca_file: Path | None = None
    proxy: str | None = field(default=None, repr=False)

    @property
    def local(self) -> Path | None:
        """The file itself when it is already on this machine (an offline wheel folder)."""
        parts = urlsplit(self.url)
        if parts.scheme != "file":
            return None
        share = f"//{parts.netloc}" if parts.netloc not in ("", "localhost") else ""
        return Path(url2pathname(share + parts.path))


class Source(Protocol):
    """What the hub asks of a source; the entry in the catalogue is one."""

    async def resolve(self) -> Remote:
        """Find the file.

        Raises:
            DownloadError: it cannot be found; says why.
        """

"""Single files out of a wheel on a web server: a wheel is a zip, and servers give parts of files."""

from __future__ import annotations

import io
import urllib.request
import zipfile
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import httpx

from ide_agent import __version__
from ide_agent.features.hub import trust
from ide_agent.features.hub.partial import content_range
from ide_agent.features.hub.sources import Remote

if TYPE_CHECKING:
    from typing_extensions import Buffer

_TAIL = 1 << 16
_SECONDS = 30.0


class NoRangesError(Exception):
    """The server does not give parts of the file, or not those of a zip; the whole may do better."""


def members(remote: Remote, wanted: Mapping[str, int]) -> dict[str, bytes]:
    """The content of members of the zip at `remote`. Blocks.

    Args:
        remote: where it is.
        wanted: the longest that each may be, by path inside the zip.

    Raises:
        NoRangesError: they cannot be had that way.
    """
    proxy = None if {"http", "https", "all"} & urllib.request.getproxies().keys() else remote.proxy
    headers = {"User-Agent": f"ide-agent/{__version__}", "Accept-Encoding": "identity"}
    if remote.token:
        headers["Authorization"] = f"Bearer {remote.token}"
    try:
        with (
            httpx.Client(
                auth=remote.login,
                verify=trust.context(remote.ca_file),
                proxy=proxy,
                timeout=_SECONDS,
                follow_redirects=True,
                headers=headers,
            ) as client,
            zipfile.ZipFile(io.BufferedReader(_Ranges(client, remote.url), _TAIL)) as archive,
        ):
            found = {}
            for member, most in wanted.items():
                with archive.open(member) as source:
                    found[member] = source.read(most + 1)
            return found
    except (httpx.HTTPError, zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError) as no:
        raise NoRangesError(str(no)) from no


class _Ranges(io.RawIOBase):
    """A file on a web server, read in parts."""

    def __init__(self, client: httpx.Client, url: str) -> None:
        self._client = client
        self._url = url
        self._at = 0
        _, self._length = self._ask(0, 0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        last = min(self._at + len(view), self._length) - 1
        if last < self._at:
            return 0
        content, _ = self._ask(self._at, last)
        view[: len(content)] = content
        self._at += len(content)
        return len(content)

    def _ask(self, first: int, last: int) -> tuple[bytes, int]:
        """These bytes, and the length of the whole."""
        content, most = bytearray(), last - first + 1
        with self._client.stream("GET", self._url, headers={"Range": f"bytes={first}-{last}"}) as answer:
            start, total = content_range(answer)
            if answer.status_code != 206 or start != first or not total:
                raise NoRangesError(f"HTTP {answer.status_code}")
            for chunk in answer.iter_raw():
                content += chunk
                if len(content) > most:
                    raise NoRangesError(f"{len(content)} > {most}")
        return bytes(content), total

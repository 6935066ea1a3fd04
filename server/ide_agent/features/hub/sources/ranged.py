"""Single files out of a wheel on a web server: a wheel is a zip, and servers give parts of files."""

from __future__ import annotations

import asyncio
import io
import lzma
import struct
import urllib.request
import zipfile
import zlib
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING

import httpx

from ide_agent import __version__
from ide_agent.features.hub import trust
from ide_agent.features.hub.partial import content_range
from ide_agent.features.hub.sources import Remote
from ide_agent.features.hub.waiting import in_thread

if TYPE_CHECKING:
    from typing_extensions import Buffer

_TAIL = 1 << 16
_BESIDE = 8 << 20
"""Bytes that may be read besides what is wanted: the table of contents."""
_SECONDS = 30.0


class NoRangesError(Exception):
    """The server does not give parts of the file, or not those of a zip; the whole may do better."""


_ODD = (
    *(httpx.HTTPError, httpx.InvalidURL, OSError, EOFError, CancelledError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(RuntimeError, ValueError, LookupError, ArithmeticError, MemoryError),
)


async def members(remote: Remote, wanted: Mapping[str, int]) -> dict[str, bytes]:
    """The content of members of the zip at `remote`.

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
        async with httpx.AsyncClient(
            auth=remote.login,
            verify=await asyncio.to_thread(lambda: trust.context(remote.ca_file)),
            proxy=proxy,
            timeout=_SECONDS,
            follow_redirects=True,
            headers=headers,
        ) as client:
            ranges = _Ranges(client, remote.url, sum(wanted.values()) + _BESIDE)
            return await in_thread(lambda: _read(ranges, wanted), stop=ranges.stop)
    except _ODD as no:
        raise NoRangesError(str(no)) from no


def _read(ranges: _Ranges, wanted: Mapping[str, int]) -> dict[str, bytes]:
    ranges.open()
    found = {}
    with zipfile.ZipFile(io.BufferedReader(ranges, _TAIL)) as archive:
        for member, most in wanted.items():
            with archive.open(member) as source:
                found[member] = source.read(most + 1)
    return found


class _Ranges(io.RawIOBase):
    """A file on a web server, read in parts by a thread; the loop that it is made in asks for them.

    Args:
        client: asks.
        url: of the file.
        most: bytes that it gives in all.
    """

    def __init__(self, client: httpx.AsyncClient, url: str, most: int) -> None:
        self._client = client
        self._url = url
        self._left = most
        self._at = 0
        self._length = 0
        self._loop = asyncio.get_running_loop()
        self._asking: Future[tuple[bytes, int]] | None = None
        self._stopped = False

    def open(self) -> None:
        """Look how long it is."""
        _, self._length = self._ask(0, 0)

    def stop(self) -> None:
        """Give nothing any more, even to whoever waits for it now."""
        self._stopped = True
        if self._asking is not None:
            self._asking.cancel()

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
        self._left -= last - first + 1
        if self._left < 0:
            raise NoRangesError(f"{first}-{last}")
        self._asking = asyncio.run_coroutine_threadsafe(self._fetch(first, last), self._loop)
        if self._stopped:  # just before that
            self._asking.cancel()
        return self._asking.result()

    async def _fetch(self, first: int, last: int) -> tuple[bytes, int]:
        content, most = bytearray(), last - first + 1
        asked = {"Range": f"bytes={first}-{last}"}
        async with self._client.stream("GET", self._url, headers=asked) as answer:
            start, total = content_range(answer)
            if answer.status_code != 206 or start != first or not total:
                raise NoRangesError(f"HTTP {answer.status_code}")
            async for chunk in answer.aiter_raw():
                content += chunk
                if len(content) > most:
                    raise NoRangesError(f"{len(content)} > {most}")
        return bytes(content), total

"""The first bytes of a file on a web server, which say what kind of model is in it."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path

import httpx

from ide_agent import __version__
from ide_agent.features.hub import trust
from ide_agent.features.hub.partial import content_range
from ide_agent.features.hub.sources import Remote
from ide_agent.features.hub.sources.pages import is_offline

_MOST = 64 << 10
_SECONDS, _IN_ALL = 10.0, 15.0


def start_of(remote: Remote) -> tuple[bytes, int]:
    """The first bytes at `remote`, and the length of the whole in bytes, 0 where nobody says. Blocks.

    What cannot be had is empty: who wants the whole will be told why.
    """
    if (file := remote.local) is not None:
        return _of_file(file)
    if is_offline():
        return b"", 0
    headers = {
        "User-Agent": f"ide-agent/{__version__}",
        "Accept-Encoding": "identity",
        "Range": f"bytes=0-{_MOST - 1}",
    }
    if remote.token:
        headers["Authorization"] = f"Bearer {remote.token}"
    content, until = bytearray(), time.monotonic() + _IN_ALL
    try:
        with (
            httpx.Client(
                auth=remote.login,
                verify=trust.context(remote.ca_file),
                proxy=None if {"http", "https", "all"} & urllib.request.getproxies().keys() else remote.proxy,
                timeout=_SECONDS,
                follow_redirects=True,
                headers=headers,
            ) as client,
            client.stream("GET", remote.url) as answer,
        ):
            if answer.status_code not in (200, 206):
                return b"", 0
            total = content_range(answer)[1] or 0
            if answer.status_code == 200:
                total = int(answer.headers.get("Content-Length") or 0)
            for chunk in answer.iter_raw():  # of a server that gives no parts, the beginning of the whole
                content += chunk
                if len(content) >= _MOST or time.monotonic() > until:
                    break
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        return b"", 0
    return bytes(content[:_MOST]), total


def _of_file(file: Path) -> tuple[bytes, int]:
    try:
        with file.open("rb") as stream:
            return stream.read(_MOST), file.stat().st_size
    except OSError:
        return b"", 0

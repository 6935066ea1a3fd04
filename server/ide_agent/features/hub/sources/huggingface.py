"""Models on a Hugging Face hub: what there is, and where its files are.

Two routes of its HTTP API (huggingface.co/docs/hub/api): ``/api/models`` and ``/api/models/{repository}``.
``HF_ENDPOINT`` names another hub; the token of ``HF_TOKEN`` or ``hf auth login`` is shown to that hub and to
nobody else.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, ConfigDict

from ide_agent import __version__
from ide_agent.errors import DownloadError, ModelNotFound
from ide_agent.features.hub import trust
from ide_agent.reasons import reason_of

PREFIX = "hf:"
_ENDPOINT = "https://huggingface.co"
_MOST = 30
# what a hub calls it
_TASKS = {
    "text": "text-generation",
    "image": "image-text-to-text",
    "audio": "automatic-speech-recognition",
    "multi": "any-to-any",
    "embedding": "feature-extraction",
}
_SECONDS = 20.0
_REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*")
_PART = re.compile(r"-(\d{5})-of-\d{5}\.gguf$")
_QUANTISATION = re.compile(
    r"(?:^|[-._])((?:I?Q|TQ)\d\w*|BF16|F16|F32|MXFP4\w*)(?=\.gguf$|[-.])", re.IGNORECASE
)


class HubSource(BaseModel):
    """A file on a Hugging Face hub, which tells its length and hash when it is pulled.

    Attributes:
        repository: ``owner/name``.
        path: inside it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["huggingface"]
    repository: str
    path: str

    @property
    def name(self) -> str:
        """What `ide-agent models pull` takes, too."""
        return f"{PREFIX}{self.repository}/{self.path}"


@dataclass(frozen=True)
class Repository:
    """A repository with GGUF files.

    Attributes:
        name: ``owner/name``.
        downloads: in the last month.
        likes: of people.
        licence: as the repository says; empty when it does not.
        gated: whether its owner must let one in.
    """

    name: str
    downloads: int
    likes: int
    licence: str
    gated: bool


@dataclass(frozen=True)
class HubFile:
    """A GGUF file of a repository.

    Attributes:
        repository: ``owner/name``.
        path: inside it.
        url: its address, of this very version.
        size: in bytes.
        sha256: lower-case hex.
        licence: that of the repository.
    """

    repository: str
    path: str
    url: str
    size: int
    sha256: str
    licence: str

    @property
    def name(self) -> str:
        """What `ide-agent models pull` takes."""
        return f"{PREFIX}{self.repository}/{self.path}"

    @property
    def quantisation(self) -> str:
        """As the file's name says; empty when it does not."""
        found = _QUANTISATION.findall(self.path)
        return str(found[-1]).upper() if found else ""


def endpoint() -> str:
    """Address of the hub."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or _ENDPOINT


def is_hubs(url: str) -> bool:
    """Whether `url` is one of the hub's."""
    return urlsplit(url)[:2] == urlsplit(endpoint())[:2]


def token_for(url: str) -> str:
    """The user's token where `url` is the hub's, else empty."""
    if not is_hubs(url):
        return ""
    if token := os.environ.get("HF_TOKEN", "").strip():
        return token
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    try:
        return (home / "token").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def search(words: str, kind: str = "") -> list[Repository]:
    """Repositories with GGUF files that `words` fit, the most used first. Blocks.

    Args:
        words: what people type.
        kind: only what is for that, see `ide_agent.inference.kinds`; empty: all.

    Raises:
        DownloadError: the hub cannot be asked.
    """
    asked = {"search": words, "filter": "gguf", "sort": "downloads", "direction": "-1", "limit": str(_MOST)}
    if kind:
        asked["pipeline_tag"] = _TASKS[kind]
    found = _ask("/api/models", words, {**asked, "full": "true", "cardData": "true"})
    return [
        Repository(
            name=str(model["id"]),
            downloads=int(model.get("downloads") or 0),
            likes=int(model.get("likes") or 0),
            licence=_licence(model),
            gated=bool(model.get("gated")),
        )
        for model in found
    ]


def files(repository: str) -> list[HubFile]:
    """The GGUF files of `repository`, smallest first. Of a model in several files there is none. Blocks.

    Raises:
        ModelNotFound: no such repository, or it has no such file.
        DownloadError: the hub cannot be asked, or does not let us in.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise ModelNotFound("error.model.repository", name=repository)
    model = _ask(f"/api/models/{repository}", repository, {"blobs": "true"})
    revision, licence = model.get("sha") or "main", _licence(model)
    found = []
    for file in model.get("siblings") or []:
        path, large = str(file["rfilename"]), file.get("lfs") or {}
        if path.endswith(".gguf") and not _PART.search(path):
            found.append(
                HubFile(
                    repository=repository,
                    path=path,
                    url=f"{endpoint()}/{repository}/resolve/{revision}/{quote(path)}",
                    size=int(large.get("size") or file.get("size") or 0),
                    sha256=str(large.get("sha256") or ""),
                    licence=licence,
                )
            )
    if not found:
        raise ModelNotFound("error.model.no_gguf", name=repository)
    return sorted(found, key=lambda file: file.size)


def find(name: str) -> HubFile:
    """The file that ``hf:owner/name/file.gguf`` names. Blocks.

    Raises:
        ModelNotFound: there is none; names those there are.
        DownloadError: see `files`.
    """
    owner, _, rest = name.removeprefix(PREFIX).partition("/")
    repository, _, path = rest.partition("/")
    offered = files(f"{owner}/{repository}")
    if not path and len(offered) == 1:
        return offered[0]
    for file in offered:
        if file.path == path:
            return file
    raise ModelNotFound(
        "error.model.which_file", name=f"{owner}/{repository}", files=", ".join(file.path for file in offered)
    )


def _ask(path: str, what: str, query: dict[str, str]) -> Any:
    """What the hub answers; once, and within `_SECONDS` of silence."""
    url = endpoint() + path
    headers = {"User-Agent": f"ide-agent/{__version__}"}
    if token := token_for(url):
        headers["Authorization"] = f"Bearer {token}"
    try:
        answer = httpx.get(
            url,
            params=query,
            headers=headers,
            timeout=_SECONDS,
            follow_redirects=True,
            verify=trust.context(),
        )
        code = answer.headers.get("X-Error-Code", "")
        if code == "GatedRepo":
            raise DownloadError("error.download.gated", name=what)
        if code == "RepoNotFound" or answer.status_code == 404:
            raise ModelNotFound("error.model.repository", name=what)
        answer.raise_for_status()
        return answer.json()
    except httpx.HTTPStatusError as failure:
        reason = f"HTTP {failure.response.status_code}"
        raise DownloadError("error.download.hub", url=endpoint(), reason=reason) from failure
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as failure:
        why = reason_of(failure)
        why = why.splitlines()[0][:200] if isinstance(why, str) else why
        raise DownloadError("error.download.hub", url=endpoint(), reason=why) from failure


def _licence(model: dict[str, Any]) -> str:
    licence = (model.get("cardData") or {}).get("license")
    return licence if isinstance(licence, str) else ""

"""Models on a Hugging Face hub: what there is, and where its files are.

The package huggingface_hub asks; our own downloader fetches, for theirs takes a damaged file for a whole one
and begins anew after a restart. ``HF_ENDPOINT`` names another hub, ``HF_TOKEN`` (or ``hf auth login``) is
shown to that hub and to nobody else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ide_agent.errors import DownloadError, IdeAgentError, ModelNotFound

if TYPE_CHECKING:
    from huggingface_hub import HfApi

PREFIX = "hf:"
_ENDPOINT = "https://huggingface.co"
_MOST = 30
_SECONDS = 20.0
_PART = re.compile(r"-(\d{5})-of-\d{5}\.gguf$")
_QUANTISATION = re.compile(
    r"(?:^|[-._])((?:I?Q|TQ)\d\w*|BF16|F16|F32|MXFP4\w*)(?=\.gguf$|[-.])", re.IGNORECASE
)


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


def token_for(url: str) -> str:
    """The user's token where `url` is the hub's, else empty."""
    if urlsplit(url)[:2] != urlsplit(endpoint())[:2]:
        return ""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import get_token

    return get_token() or ""


def search(words: str) -> list[Repository]:
    """Repositories with GGUF files that `words` fit, the most used first. Blocks.

    Raises:
        DownloadError: the hub cannot be asked.
    """
    with _asking(words) as api:
        found = api.list_models(
            search=words, filter="gguf", sort="downloads", limit=_MOST, full=True, cardData=True
        )
        return [
            Repository(
                name=model.id,
                downloads=model.downloads or 0,
                likes=model.likes or 0,
                licence=_licence(model),
                gated=bool(model.gated),
            )
            for model in found
        ]


def files(repository: str) -> list[HubFile]:
    """The GGUF files of `repository`, smallest first. Of a model in several files there is none. Blocks.

    Raises:
        ModelNotFound: no such repository, or it has no such file.
        DownloadError: the hub cannot be asked, or does not let us in.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ModelNotFound("error.model.repository", name=repository)
    with _asking(repository) as api:
        model = api.model_info(repository, files_metadata=True, timeout=_SECONDS)
        found = [
            HubFile(
                repository=repository,
                path=file.rfilename,
                url=f"{endpoint()}/{repository}/resolve/{model.sha or 'main'}/{quote(file.rfilename)}",
                size=file.lfs.size if file.lfs else file.size or 0,
                sha256=file.lfs.sha256 if file.lfs else "",
                licence=_licence(model),
            )
            for file in model.siblings or []
            if file.rfilename.endswith(".gguf") and not _PART.search(file.rfilename)
        ]
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


@contextmanager
def _asking(what: str) -> Iterator[HfApi]:
    """The hub's API; what goes wrong with it is put into our words."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
    )

    try:
        yield HfApi(endpoint=endpoint(), token=get_token() or False)
    except GatedRepoError as failure:
        raise DownloadError("error.download.gated", name=what, url=f"{endpoint()}/{what}") from failure
    except (RepositoryNotFoundError, HFValidationError) as failure:
        raise ModelNotFound("error.model.repository", name=what) from failure
    except HfHubHTTPError as failure:
        reason = f"HTTP {failure.response.status_code}" if failure.response is not None else "?"
        raise DownloadError("error.download.hub", url=endpoint(), reason=reason) from failure
    except IdeAgentError:
        raise
    except Exception as failure:  # of its HTTP library, whose kinds change from version to version
        raise DownloadError("error.download.hub", url=endpoint(), reason=_short(failure)) from failure


def _licence(model: Any) -> str:
    card = model.card_data
    licence = getattr(card, "license", None) if card is not None else None
    return licence if isinstance(licence, str) else ""


def _short(failure: Exception) -> str:
    return (str(failure).splitlines() or [type(failure).__name__])[0][:200]

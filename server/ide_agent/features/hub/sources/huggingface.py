"""Models on a Hugging Face hub: what there is, and where its files are.

Two routes of its HTTP API (huggingface.co/docs/hub/api): ``/api/models`` and ``/api/models/{repository}``.
``HF_ENDPOINT`` names another hub; the user's token (see `token`) is shown to that hub and to nobody else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict

from ide_agent import __version__
from ide_agent.errors import DownloadError, ModelNotFound
from ide_agent.features.hub import trust
from ide_agent.features.hub.formats import MAX_INDEX, has_pickles, is_projector, layouts
from ide_agent.features.hub.sources.pages import PREFIX, REPOSITORY, endpoint, is_offline
from ide_agent.features.hub.sources.token import refusal, token_for
from ide_agent.inference.header import Format
from ide_agent.reasons import Reason, reason_of

_MOST = 30
_TAGS: tuple[Format, ...] = ("gguf", "ctranslate2", "onnx", "safetensors")
# what a hub calls it
_TASKS = {
    "text": "text-generation",
    "image": "image-text-to-text",
    "audio": "automatic-speech-recognition",
    "multi": "any-to-any",
    "embedding": "feature-extraction",
    "reranking": "text-ranking",
}
_SECONDS = 20.0
_MAX_ANSWER = 32 << 20
_MANY = ("gguf", "piper")  # of which there may be several in a repository that are not the same model
_QUANTISATION = re.compile(
    r"(?:^|[-._])((?:I?Q|TQ)\d\w*|BF16|F16|F32|(?:MX|NV)FP4\w*)(?=\.gguf$|[-.])", re.IGNORECASE
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
        format: of the models in it, as its tags say.
    """

    name: str
    downloads: int
    likes: int
    licence: str
    gated: bool
    format: Format


@dataclass(frozen=True)
class HubFile:
    """A file of a repository.

    Attributes:
        repository: ``owner/name``.
        path: inside it.
        url: its address, of this very version.
        size: in bytes.
        sha256: lower-case hex; empty for a small file.
    """

    repository: str
    path: str
    url: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """For people."""
        return f"{PREFIX}{self.repository}/{self.path}"


@dataclass(frozen=True)
class Offer:
    """A model in a repository.

    Attributes:
        repository: ``owner/name``.
        path: that people know it by.
        format: how it is stored.
        files: all of its files; first the one that stands for it.
        licence: that of the repository.
    """

    repository: str
    path: str
    format: Format
    files: tuple[HubFile, ...]
    licence: str

    @property
    def name(self) -> str:
        """What `ide-agent models pull` takes."""
        return f"{PREFIX}{self.repository}/{self.path}"

    @property
    def size(self) -> int:
        """Length of all files in bytes."""
        return sum(file.size for file in self.files)

    @property
    def takes_pictures(self) -> bool:
        """A projector is among its files."""
        return self.format == "gguf" and any(is_projector(file.path) for file in self.files)

    @property
    def sha256(self) -> str:
        """Hash of the first file."""
        return self.files[0].sha256

    @property
    def model(self) -> str:
        """What is the same for all quantisations of a model: the file's name without that."""
        return _QUANTISATION.sub("", self.path.rpartition("/")[2]).lower()

    @property
    def quantisation(self) -> str:
        """As the file's name says; empty when it does not."""
        found = _QUANTISATION.findall(self.path)
        return str(found[-1]).upper() if found else ""


def search(words: str, kind: str = "") -> list[Repository]:
    """Repositories that `words` fit, those with GGUF files first, then the most used. Blocks.

    Args:
        words: what people type.
        kind: only what is for that, see `ide_agent.inference.kinds`; empty: all.

    Raises:
        DownloadError: the hub cannot be asked.
    """
    asked = {"search": words, "sort": "downloads", "direction": "-1", "limit": str(_MOST)}
    if kind:
        asked["pipeline_tag"] = _TASKS[kind]
    asked |= {"full": "true", "cardData": "true"}
    with _understood():
        first = _ask("/api/models", words, {**asked, "filter": "gguf"})
        found = {str(model["id"]): model for model in [*first, *_ask("/api/models", words, asked)]}
        return [
            Repository(
                name=str(model["id"]),
                downloads=int(model.get("downloads") or 0),
                likes=int(model.get("likes") or 0),
                licence=_licence(model),
                gated=bool(model.get("gated")),
                format=form,
            )
            for model in found.values()
            if (form := _format(model.get("tags") or [])) is not None
        ]


def _format(tags: Sequence[object]) -> Format | None:
    return next((form for form in _TAGS if form in tags), None)


def offers(repository: str) -> list[Offer]:
    """The models in `repository`: GGUF files, smallest first; else what runs best here first. Blocks.

    Raises:
        ModelNotFound: no such repository, or no model in it that can be used, and why.
        ModelFileInvalid: what it says of its files makes no sense.
        DownloadError: the hub cannot be asked, or does not let us in.
    """
    if not REPOSITORY.fullmatch(repository):
        raise ModelNotFound("error.model.repository", name=repository)
    model = _ask(f"/api/models/{repository}", repository, {"blobs": "true"})
    files: dict[str, HubFile] = {}
    with _understood():
        revision, licence = str(model.get("sha") or "main"), _licence(model)
        for file in model.get("siblings") or []:
            path, large = str(file["rfilename"]), file.get("lfs") or {}
            files[path] = HubFile(
                repository=repository,
                path=path,
                url=f"{endpoint()}/{repository}/resolve/{quote(revision)}/{quote(path)}",
                size=int(large.get("size") or file.get("size") or 0),
                sha256=str(large.get("sha256") or ""),
            )
    found = layouts({path: file.size for path, file in files.items()}, lambda path: _read(files[path]))
    if not found:
        key = "error.model.pickle" if has_pickles(files) else "error.model.no_model"
        raise ModelNotFound(key, name=repository)
    made = [
        Offer(repository, each.shown, each.format, tuple(files[path] for path in each.files), licence)
        for each in found
    ]
    return sorted(made, key=lambda offer: offer.size if offer.format == "gguf" else 0)


def find(name: str, choose: Callable[[Sequence[Offer]], Offer | None] | None = None) -> Offer:
    """What ``hf:owner/name/file`` or ``hf:owner/name`` names. Blocks.

    Args:
        name: with or without the ``hf:``.
        choose: which of several files in GGUF, where none is named.

    Raises:
        ModelNotFound: there is none, or several, or `choose` found none that fits; names those there are.
        ModelFileInvalid, DownloadError: see `offers`.
    """
    owner, _, rest = name.removeprefix(PREFIX).partition("/")
    repository, _, path = rest.partition("/")
    offered = offers(f"{owner}/{repository}")
    key = "error.model.which_file"
    if not path:
        first = offered[0]
        if len(offered) == 1 or first.format not in _MANY:
            return first
        if first.format == "gguf" and choose is not None:
            if (chosen := choose(offered)) is not None:
                return chosen
            key = "error.model.none_fits"
    for offer in offered:
        if path in (offer.path, offer.files[0].path):
            return offer
    raise ModelNotFound(
        key,
        name=f"{owner}/{repository}",
        files=", ".join(offer.path for offer in offered[:_MOST]),
    )


def _read(file: HubFile) -> bytes:
    return _get(file.url, file.repository, {}, MAX_INDEX)


def _ask(path: str, what: str, query: dict[str, str]) -> Any:
    """What the hub answers to a question."""
    with _understood():
        return json.loads(_get(endpoint() + path, what, query, _MAX_ANSWER))


@contextmanager
def _understood() -> Iterator[None]:
    """What goes wrong within when the hub answers something else than it should is told as such."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as failure:
        raise DownloadError("error.download.hub", url=endpoint(), reason=_why(failure)) from failure


def _get(url: str, what: str, query: dict[str, str], most: int) -> bytes:
    """What the hub answers; once, within `_SECONDS` of silence, and not more than `most` bytes."""
    if is_offline():
        raise DownloadError("error.download.offline", url=endpoint())
    headers = {"User-Agent": f"ide-agent/{__version__}"}
    token = token_for(url)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        with httpx.stream(
            "GET",
            url,
            params=query,
            headers=headers,
            timeout=_SECONDS,
            follow_redirects=True,
            verify=trust.context(),
        ) as answer:
            code = answer.headers.get("X-Error-Code", "")
            if refused := refusal(str(answer.url), answer.status_code, code, what, token):
                raise refused
            if code == "RepoNotFound" or answer.status_code == 404:
                raise ModelNotFound("error.model.repository", name=what)
            answer.raise_for_status()
            content = bytearray()
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) > most:
                    raise DownloadError("error.download.hub", url=endpoint(), reason=f"> {most >> 20} MB")
            return bytes(content)
    except httpx.HTTPStatusError as failure:
        reason = f"HTTP {failure.response.status_code}"
        raise DownloadError("error.download.hub", url=endpoint(), reason=reason) from failure
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        raise DownloadError("error.download.hub", url=endpoint(), reason=_why(failure)) from failure


def _why(failure: Exception) -> Reason:
    """A reason for people, in one line."""
    reason = reason_of(failure)
    return reason.splitlines()[0][:200] if isinstance(reason, str) else reason


def _licence(model: dict[str, Any]) -> str:
    licence = (model.get("cardData") or {}).get("license")
    return licence if isinstance(licence, str) else ""

"""The token of a Hugging Face hub: who gave it, where it is kept, and whom it is shown to."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ide_agent.errors import DownloadError
from ide_agent.features.hub.sources.pages import endpoint, host, is_hubs
from ide_agent.paths import data_dir
from ide_agent.reasons import reason_of
from ide_agent.safety.network import in_clear

if TYPE_CHECKING:
    from ide_agent.storage.secrets import Place

log = logging.getLogger(__name__)
LACKING = frozenset({"error.download.gated", "error.download.gated_still", "error.download.token"})
"""What goes wrong where another token may help."""
_NAME = "hub.token"


def token_for(url: str) -> str:
    """The user's token where `url` is the hub's, else empty. May wait for the keyring.

    That of ``HF_TOKEN``, else the one that IDE-Agent keeps, else that of ``hf auth login``.
    """
    if not is_hubs(url):
        return ""
    if token := _of_environment() or _kept():
        return token
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    try:
        return (home / "token").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def give(token: str) -> Place:
    """Keep `token` for the hub, and for no other; where it is now. May wait for the keyring.

    Raises:
        SecretError: there is no place for it, it is no token, or others could read it on the way to the hub.
    """
    from ide_agent.storage.secrets import SecretError, Secrets

    if in_clear(endpoint()):
        raise SecretError("error.secret.in_clear", url=endpoint())
    secrets = Secrets()
    place = secrets.set(_NAME, token, _hub())
    try:
        _note().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _note().write_text(_hub(), encoding="utf-8")
    except OSError as failure:
        secrets.remove(_NAME)
        raise SecretError(file=str(_note()), reason=reason_of(failure)) from None
    return place


def forget() -> str:
    """Keep it no longer; the machine of the hub it was for, '' where there was none.

    May wait for the keyring.

    Raises:
        SecretError: the keyring is locked, or the file of keys cannot be changed.
    """
    from ide_agent.storage.secrets import Secrets

    audience = _noted()  # HF_ENDPOINT may name another hub by now
    there = Secrets().remove(_NAME)
    with suppress(OSError):
        _note().unlink(missing_ok=True)
    return (audience.partition("://")[2] or host()) if there else ""


def is_of_environment() -> bool:
    """Whether ``HF_TOKEN`` is set: it counts, whatever is kept here."""
    return bool(_of_environment())


def is_kept() -> bool:
    """Whether IDE-Agent keeps one for the hub. Asks no keyring, which might ask the user to unlock it."""
    return _noted() == _hub()


def refusal(url: str, status: int, code: str, name: str, token: str) -> DownloadError | None:
    """Why the hub does not let us in; None where that is no matter of a token.

    Args:
        url: that was refused, after all redirects.
        status: of the answer.
        code: its ``X-Error-Code``.
        name: what was wanted, for people.
        token: that was shown.
    """
    gated = code == "GatedRepo"
    if not is_hubs(url) or status not in (401, 403) or code == "RepoNotFound":
        return None  # where the hub's files lie, they know nothing of its tokens
    if status == 403 and code and not gated:
        return None  # it was taken down, say: no licence opens it
    if status == 401 and token and not gated:
        return DownloadError("error.download.token", url=endpoint(), tokens=_tokens())
    repository = unquote(urlsplit(url).path).partition("/resolve/")[0].removeprefix("/api/models").strip("/")
    if not repository:
        return None
    key = "error.download.gated_still" if token else "error.download.gated"
    return DownloadError(key, name=name, page=f"{endpoint()}/{repository}", tokens=_tokens())


def _of_environment() -> str:
    return os.environ.get("HF_TOKEN", "").strip()


def _kept() -> str:
    from ide_agent.storage.secrets import SecretError, Secrets

    if not is_kept():
        return ""
    try:
        token, audience = Secrets().kept(_NAME)
    except SecretError as locked:  # what is open to all can be had all the same
        log.warning("the hub is asked without its token: %s", locked)
        return ""
    return token if audience == _hub() else ""


def _hub() -> str:
    """Whom a token is for: scheme, host and port."""
    parts = urlsplit(endpoint())
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()


def _tokens() -> str:
    """The page where its users make tokens."""
    return f"{endpoint()}/settings/tokens"


def _noted() -> str:
    """For which hub one is kept; empty: for none."""
    try:
        return _note().read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _note() -> Path:
    """Says for which hub a token is kept; it holds no secret."""
    return data_dir() / "hub-token-for"

"""Addresses on a Hugging Face hub: which are its pages."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote, urlsplit

PREFIX = "hf:"
_ENDPOINT = "https://huggingface.co"
REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*")
_PAGE = re.compile(r"/([^/]+/[^/]+)(?:/tree/[^/]+(?:/.*)?|/(?:blob|raw)/main/(?P<file>.+))?/*")


def endpoint() -> str:
    """Address of the hub."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or _ENDPOINT


def host() -> str:
    """Name of the hub's machine."""
    return urlsplit(endpoint()).netloc.rpartition("@")[2]


def is_offline() -> bool:
    """Whether the user wants no hub to be asked."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def is_hubs(url: str) -> bool:
    """Whether `url` is one of the hub's."""
    return urlsplit(url)[:2] == urlsplit(endpoint())[:2]


def is_repository(text: str) -> bool:
    """Whether `text` may name a repository, ``owner/name``, or a file in one."""
    owner, _, rest = text.removeprefix(PREFIX).partition("/")
    name, _, path = rest.partition("/")
    named = REPOSITORY.fullmatch(f"{owner}/{name}") is not None
    return named and not {"..", "."} & {owner, name, *path.split("/")} and ".." not in f"{owner}/{name}"


def of_page(url: str) -> str:
    """What a page of a hub shows: ``owner/name``, or ``owner/name/file``; empty where it is none of a model.

    Args:
        url: as a browser shows it; ``https://`` may be missing.
    """
    hosts = {urlsplit(_ENDPOINT).netloc, "www.huggingface.co", "hf.co", urlsplit(endpoint()).netloc}
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
    except ValueError:
        return ""
    path = unquote(parts.path)
    found = None if {".", ".."} & {*path.split("/")} else _PAGE.fullmatch(path)
    if parts.scheme not in ("http", "https") or parts.netloc not in hosts or found is None:
        return ""
    repository, file = found[1], found["file"] or ""
    if not is_repository(repository) or repository.lower().endswith(".gguf"):
        return ""
    return f"{repository}/{file}" if file else repository

"""Pictures in a chat: what may be sent to a model.

llama-server and vLLM fetch what they are given an address of, whatever the mode; so a picture for a model on
this machine has to be in the request itself.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

from ide_agent.errors import PictureError

MOST_BYTES = 8_000_000
"""The largest picture."""

_PATH = "/v1/chat/completions"
_DATA = re.compile(r"data:image/[\w.+-]{1,64};base64,", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*(?!data:)(?:[a-z][a-z0-9+.-]*:|http|//)", re.IGNORECASE)
_BEGINS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM")
_LONGEST = 80


def check_pictures(path: str, payload: dict[str, Any], *, fetched: bool = False) -> int:
    """The number of pictures in a request; each is one that a model can be given.

    Args:
        path: of the request.
        payload: its body.
        fetched: the model is on another machine, where what an address leads to may be fetched, and more
            kinds of pictures may be known.

    Raises:
        PictureError: one is not in the request itself, is too big, or no picture.
    """
    count = 0
    for part in _parts(payload) if path == _PATH else ():
        if part.get("type") == "text":
            continue
        picture = part.get("image_url")
        url = picture.get("url") if isinstance(picture, dict) else picture
        if not fetched:
            for text in _texts(part):
                if _ADDRESS.match(text):
                    raise PictureError("error.picture.elsewhere", address=text.strip()[:_LONGEST])
        if isinstance(url, str):
            count += 1
            _check(url, any_kind=fetched)
    return count


def _check(url: str, *, any_kind: bool) -> None:
    begins = _DATA.match(url)
    if begins is not None:
        size = (len(url) - begins.end()) * 3 // 4
        if size > MOST_BYTES:
            mb = -(-size // 100_000) / 10
            raise PictureError("error.picture.too_big", mb=mb, most=MOST_BYTES // 1_000_000)
    if not (any_kind or (begins is not None and _head(url[begins.end() :][:16]).startswith(_BEGINS))):
        raise PictureError()


def _head(coded: str) -> bytes:
    """What base64 begins with; nothing where it is none."""
    try:
        return base64.b64decode(coded)
    except ValueError:
        return b""


def _parts(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    messages = payload.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list):
            yield from (part for part in content if isinstance(part, dict))


def _texts(value: Any) -> Iterator[str]:
    """All texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)

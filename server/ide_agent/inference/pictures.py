"""Messages of a chat: what may be sent to a model, pictures among it.

llama-server and vLLM fetch what they are given an address of, whatever the mode, and know more kinds of parts
than they tell. So what goes to a model on this machine is written anew here, out of the few parts that are
known to be harmless; a picture has to be in the request itself.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ide_agent.errors import PictureError
from ide_agent.inference.image_size import image_size

MOST_BYTES = 8_000_000
"""The largest picture."""
MOST_BYTES_TOGETHER = 32_000_000
"""All pictures of a request."""
MOST_PICTURES = 16
MOST_PIXELS = 40_000_000
"""Of one picture."""

_PATH = "/v1/chat/completions"
_PROMPTS = ("prompt", "input", "content", "query", "documents")
_TEXTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
"""Parts that are a text, and where it stands in them."""
_DETAILS = ("auto", "low", "high")
_DATA = re.compile(r"data:image/[\w.+-]{1,64};base64,", re.IGNORECASE)
_CODED = re.compile(r"\s*data:", re.IGNORECASE)
_LONGEST = 80


@dataclass(frozen=True)
class Pictures:
    """The pictures of a request.

    Attributes:
        count: how many.
        characters: those of the request that are pictures and no text.
    """

    count: int = 0
    characters: int = 0


def checked(path: str, payload: dict[str, Any]) -> tuple[dict[str, Any], Pictures]:
    """A request as a model on this machine may be given it, and its pictures.

    Args:
        path: of the request.
        payload: its body; stays as it is.

    Raises:
        PictureError: a part of a message is of no known kind, or a picture is not in the request itself, too
            big, one too many, or none.
    """
    if path != _PATH:
        if "messages" in payload or not all(_plain(payload.get(name)) for name in _PROMPTS):
            raise PictureError("error.picture.place")
        return payload, Pictures()
    if "messages" not in payload:
        return payload, Pictures()
    messages = payload["messages"]
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise PictureError("error.picture.messages")
    found: list[str] = []
    messages = [_message(message, found) for message in messages]
    return {**payload, "messages": messages}, Pictures(len(found), sum(map(len, found)))


def seen(payload: dict[str, Any]) -> Pictures:
    """The pictures of a request to another machine, where addresses may be fetched and more kinds be known.

    Raises:
        PictureError: they are too big.
    """
    found = list(_addresses(payload))
    sizes = [_check_size(len(url) * 3 // 4) for url in found if _CODED.match(url)]
    _check_together(sum(sizes))
    return Pictures(len(found), sum(len(url) for url in found if _CODED.match(url)))


def _message(message: dict[str, Any], found: list[str]) -> dict[str, Any]:
    content = message.get("content")
    if content is None or isinstance(content, str):
        return message
    if not isinstance(content, list):
        raise PictureError("error.picture.messages")
    return {**message, "content": [_part(part, found) for part in content]}


def _part(part: Any, found: list[str]) -> dict[str, Any]:
    """`part` with what is known of it and nothing else; its address, where it is a picture, is `found`."""
    if isinstance(part, str):
        return {"type": "text", "text": part}
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "image_url":
        return {"type": kind, "image_url": _picture(part.get(kind), found)}
    kind = kind if isinstance(kind, str) else ""
    text = part.get(_TEXTS[kind]) if kind in _TEXTS else None
    if not isinstance(text, str):
        raise PictureError("error.picture.part", kind=kind[:_LONGEST])
    return {"type": "text", "text": text}  # the one kind that all engines know


def _picture(picture: Any, found: list[str]) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if isinstance(picture, dict):
        if picture.get("detail") in _DETAILS:
            more["detail"] = picture["detail"]
        picture = picture.get("url")
    if not isinstance(picture, str):
        raise PictureError
    begins = _DATA.match(picture)
    if begins is None:
        if not _CODED.match(picture) and (":" in picture or "/" in picture):
            raise PictureError("error.picture.elsewhere", address=picture.strip()[:_LONGEST])
        raise PictureError
    coded = picture[begins.end() :]
    _check_size(len(coded) * 3 // 4)
    if len(found) == MOST_PICTURES:
        raise PictureError("error.picture.too_many", most=MOST_PICTURES)
    _check_together((sum(map(len, found)) + len(coded)) * 3 // 4)
    try:
        kind, width, height = image_size(b64decode(coded, validate=True))
    except ValueError:
        raise PictureError from None
    if width * height > MOST_PIXELS:
        raise PictureError(
            "error.picture.too_large", width=width, height=height, most=MOST_PIXELS // 1_000_000
        )
    url = f"data:image/{kind};base64,{coded}"
    found.append(url)
    return {"url": url, **more}


def _check_size(size: int) -> int:
    if size > MOST_BYTES:
        raise PictureError("error.picture.too_big", mb=_mb(size), most=MOST_BYTES // 1_000_000)
    return size


def _check_together(size: int) -> None:
    if size > MOST_BYTES_TOGETHER:
        most = MOST_BYTES_TOGETHER // 1_000_000
        raise PictureError("error.picture.too_big_together", mb=_mb(size), most=most)


def _mb(size: int) -> float:
    """So that it never shows the limit itself."""
    return -(-size // 100_000) / 10


def _plain(value: Any, depth: int = 2) -> bool:
    """Whether it is texts or numbers, lists of them, or lists of such lists.

    Engines take objects there, too, with pictures in them.
    """
    if isinstance(value, list):
        return depth > 0 and all(_plain(each, depth - 1) for each in value)
    return not isinstance(value, dict)


def _addresses(payload: dict[str, Any]) -> Iterator[str]:
    """Those of all pictures."""
    messages = payload.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and part.get("type") == "image_url":
                picture = part.get("image_url")
                url = picture.get("url") if isinstance(picture, dict) else picture
                if isinstance(url, str):
                    yield url

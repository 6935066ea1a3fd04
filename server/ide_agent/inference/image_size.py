"""How many pixels a picture has, by its first bytes.

Nothing is decoded, for a small file may hold a huge picture.
"""

from __future__ import annotations

import struct

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""Segments of a JPEG that say how big it is."""
_BEFORE = {0xC4, 0xCC, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)}
"""Those that may come before: tables, comments, what programs write there."""

_SCAN, _END = 0xDA, 0xD9
_GIF_FRAME, _GIF_MORE, _GIF_ENDS = 0x2C, 0x21, 0x3B


def image_size(picture: bytes) -> tuple[str, int, int]:
    """Kind (``png``, ``jpeg``, ``gif`` or ``bmp``), width and height of a picture, in pixels.

    Raises:
        ValueError: it is none of these, or its header makes no sense.
    """
    try:
        kind, width, height = _read(picture)
    except (struct.error, IndexError):
        raise ValueError("cut off") from None
    if width < 1 or height < 1:
        raise ValueError("no pixels")
    return kind, width, height


def _read(picture: bytes) -> tuple[str, int, int]:
    if picture.startswith(_PNG) and picture[12:16] == b"IHDR":
        return ("png", *struct.unpack_from(">II", picture, 16))
    if picture.startswith((b"GIF87a", b"GIF89a")):
        return ("gif", *_gif(picture))
    if picture.startswith(b"BM"):
        old = struct.unpack_from("<I", picture, 14)[0] == 12
        width, height = struct.unpack_from("<HH" if old else "<ii", picture, 18)
        return "bmp", width, abs(height)  # it may stand on its head
    if picture.startswith(_JPEG):
        return ("jpeg", *_jpeg(picture))
    raise ValueError("no picture that is known")


def _gif(picture: bytes) -> tuple[int, int]:
    """What holds all frames: programs enlarge the screen for one that is larger."""
    width, height, flags = struct.unpack_from("<HHB", picture, 6)
    at = 13 + _colours(flags)
    while at < len(picture) and picture[at] != _GIF_ENDS:
        if picture[at] == _GIF_FRAME:
            left, top, wide, high, flags = struct.unpack_from("<HHHHB", picture, at + 1)
            width, height = max(width, left + wide), max(height, top + high)
            at += 11 + _colours(flags)
        elif picture[at] == _GIF_MORE:
            at += 2
        else:
            raise ValueError("no block")
        while at < len(picture) and picture[at]:
            at += 1 + picture[at]
        at += 1
    return width, height


def _colours(flags: int) -> int:
    """Bytes of the table of colours that follows."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _jpeg(picture: bytes) -> tuple[int, int]:
    at, found = 2, None
    while found is None or at < len(picture):
        if picture[at] != 0xFF:
            raise ValueError("no segment")
        while picture[at] == 0xFF:  # any number of them fills the space before a segment
            at += 1
        if found is not None and picture[at] in (_SCAN, _END):
            break
        if picture[at] in _FRAMES:
            if found is not None:
                raise ValueError("two frames: programs do not agree which one counts")
            height, width = struct.unpack_from(">HH", picture, at + 4)
            found = width, height
        elif picture[at] not in _BEFORE:
            raise ValueError("no frame")
        at += 1 + struct.unpack_from(">H", picture, at + 1)[0]
    return found

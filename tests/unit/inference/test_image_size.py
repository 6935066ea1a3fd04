"""How many pixels a picture has."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.inference.image_size import image_size
from support.projector_file import COLOURS, picture

FRAME = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, 17, 31, 1)


def segment(marker: int, content: bytes = b"") -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def test_as_other_programs_write_them() -> None:
    png = base64.b64decode(picture(COLOURS["red"], side=40).partition(",")[2])
    assert image_size(png) == ("png", 40, 40)
    for version in (b"GIF87a", b"GIF89a"):
        assert image_size(version + struct.pack("<HH3x", 31, 17)) == ("gif", 31, 17)
    assert image_size(b"\xff\xd8" + segment(0xE0, b"JFIF") + segment(0xDB) + FRAME) == ("jpeg", 31, 17)


def test_jpegs_of_all_kinds() -> None:
    inside = b"\xff\xd8" + FRAME.replace(b"\x11", b"\x01")  # a small picture of the picture
    exif = segment(0xE1, inside * 2000) + segment(0xE2, b"icc" * 20_000) + segment(0xFE, b"a comment")
    for frame in (FRAME, FRAME.replace(b"\xc0", b"\xc2")):
        assert image_size(b"\xff\xd8" + exif + segment(0xC4) + b"\xff\xff" + frame) == ("jpeg", 31, 17)


def test_a_jpeg_of_two_frames_is_refused() -> None:
    rest = bytes(3) + segment(0xC4) + b"\xff\xda" + bytes(9)
    assert image_size(b"\xff\xd8" + FRAME + rest) == ("jpeg", 31, 17)
    with pytest.raises(ValueError, match="two frames"):
        image_size(b"\xff\xd8" + FRAME + bytes(3) + FRAME.replace(b"\x11", b"\xff") + rest)


def test_a_gif_is_as_large_as_its_largest_frame() -> None:
    begins = b"GIF89a" + struct.pack("<HHBxx", 31, 17, 0x80) + bytes(6)
    more = b"\x21\xf9\x04" + bytes(4) + b"\0"
    data = b"\x02\x03abc\x01d\0"
    small = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + data
    large = b"\x2c" + struct.pack("<HHHHB", 5, 0, 8000, 9000, 0x81) + bytes(12) + data
    assert image_size(begins + more + small + b"\x3b") == ("gif", 31, 17)
    assert image_size(begins + more + small + large + b"\x3b") == ("gif", 8005, 9000)
    assert image_size(begins + large) == ("gif", 8005, 9000)
    with pytest.raises(ValueError, match="no block"):
        image_size(begins + b"?")


def test_bitmaps_on_their_heads_and_old_ones() -> None:
    assert image_size(b"BM" + bytes(12) + struct.pack("<Iii", 40, 5, -7)) == ("bmp", 5, 7)
    assert image_size(b"BM" + bytes(12) + struct.pack("<IHH", 12, 5, 7)) == ("bmp", 5, 7)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"CgBI", 1, 1),
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 0, 1),
        b"GIF89a\x01",
        b"\xff\xd8\xff\xe0\x00\x02",
        b"\xff\xd8\xff\xe0\x00\x00" + bytes(9),
        b"\xff\xd8\xff\xd9" + bytes(9),
        b"\xff\xd8\xff" + b"\xff" * 9,
    ],
)
def test_what_makes_no_sense(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        image_size(content)


@given(
    st.sampled_from([b"\xff\xd8\xff", b"BM", b"GIF89a", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"]),
    st.binary(max_size=64),
)
def test_whatever_follows(begins: bytes, rest: bytes) -> None:
    try:
        _, width, height = image_size(begins + rest)
    except ValueError:
        return
    assert width > 0 and height > 0

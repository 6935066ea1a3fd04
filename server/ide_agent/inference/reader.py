"""Walking over the bytes of a model file, fast and within bounds.

Nothing that stands in the file is trusted: a length that leads out of it, or too far, is refused, and a
hostile header costs at most `_MAX_STRINGS` steps.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ide_agent.errors import ModelFileInvalid
from ide_agent.reasons import reason_of

_MAX_HEADER = 512 << 20
_MAX_STRINGS = 4_000_000
_WINDOW = 1 << 20


@contextmanager
def reading(file: Path) -> Iterator[Reader]:
    """A reader at the start of `file`.

    Raises:
        ModelFileInvalid: it cannot be read.
    """
    try:
        if not stat.S_ISREG(file.stat().st_mode):  # to open a pipe may take for ever
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        with file.open("rb") as stream:
            yield Reader(file, stream)
    except OSError as failure:
        raise ModelFileInvalid(file=str(file), reason=reason_of(failure)) from failure


class Reader:
    """A place in the file and a small window on it; what is asked for is checked against the file.

    Numbers are little-endian; a string is its length in eight bytes and as many bytes of UTF-8. What moves on
    raises `ModelFileInvalid` where that leads out of the file, or farther than a header can be long.

    Attributes:
        file: the file itself.
        size: bytes of the file.
    """

    def __init__(self, file: Path, stream: BinaryIO, size: int | None = None) -> None:
        self.file = file
        self._stream = stream
        self.size = os.fstat(stream.fileno()).st_size if size is None else size
        self._window = b""
        self._start = 0  # file offset of the window
        self._at = 0  # place within the window
        self._steps = 0

    @property
    def position(self) -> int:
        """The file offset at which it stands."""
        return self._start + self._at

    def text(self, limit: int) -> str:
        """The string that follows; refused when it has more than `limit` bytes."""
        length = self.number("<Q")
        if length > limit:
            raise self.corrupt(f"a name of {length} bytes")
        return self.take(length).decode("utf-8", "replace")

    def skip_strings(self, count: int) -> None:
        """Step over as many strings."""
        self._steps += count
        if self._steps > _MAX_STRINGS or count * 8 > self.size:
            raise self.corrupt(f"{count} strings cannot be true")
        unpack = struct.Struct("<Q").unpack_from
        for _ in range(count):
            if len(self._window) - self._at < 8:
                self._fill(8)
            length = unpack(self._window, self._at)[0]
            self._at += 8
            if length <= len(self._window) - self._at:
                self._at += length
            else:
                self.skip(length)

    def number(self, code: str) -> Any:
        """The number that follows; `code` as for `struct`."""
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def numbers(self, count: int) -> tuple[int, ...]:
        """As many unsigned numbers of four bytes."""
        return struct.unpack(f"<{count}I", self.take(4 * count))

    def take(self, count: int) -> bytes:
        """The bytes that follow."""
        if len(self._window) - self._at < count:
            self._fill(count)
        piece = self._window[self._at : self._at + count]
        self._at += count
        return piece

    def skip(self, count: int) -> None:
        """Step over as many bytes."""
        self.seek(self.position + count)

    def seek(self, offset: int) -> None:
        """Go to a file offset."""
        if self._start <= offset <= self._start + len(self._window):
            self._at = offset - self._start
            return
        if offset > min(self.size, _MAX_HEADER):
            raise self._ended(offset)
        self._start, self._window, self._at = offset, b"", 0

    def _fill(self, count: int) -> None:
        """Move the window so that `count` bytes follow."""
        offset = self.position
        if offset + count > min(self.size, _MAX_HEADER):
            raise self._ended(offset + count)
        self._stream.seek(offset)
        self._window = self._stream.read(max(count, _WINDOW))
        self._start, self._at = offset, 0
        if len(self._window) < count:
            raise self._ended(offset + count)

    def _ended(self, offset: int) -> ModelFileInvalid:
        reason = f"the header points at byte {offset} of {self.size}"
        if self.position + 8 > self.size:  # a download that broke off: not even a length follows
            return ModelFileInvalid("error.model.cut", file=str(self.file), size=self.size, reason=reason)
        return self.corrupt(reason)

    def corrupt(self, reason: str) -> ModelFileInvalid:
        """The error that says what is wrong with the file."""
        return ModelFileInvalid(
            "error.model.corrupt", file=str(self.file), at=self.position, size=self.size, reason=reason
        )

"""Client positions and code points.

A client counts the characters of a line in UTF-8 bytes, UTF-16 code units or code points, as negotiated;
Python counts code points. All conversions run at C speed, so a line of ten million characters costs
milliseconds. Positions that do not exist are moved to the nearest one that does: past the end of a line
to its end (before the line end), past the last line to the end of the text, into the middle of a
character to its start.
"""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types
from pygls.workspace import PositionCodec, ServerTextPosition

UTF8 = types.PositionEncodingKind.Utf8
UTF16 = types.PositionEncodingKind.Utf16
UTF32 = types.PositionEncodingKind.Utf32


def content_length(line: str) -> int:
    r"""Length of `line` in code points, without its line end (``\n``, ``\r\n`` or ``\r``)."""
    if line.endswith("\r\n"):
        return len(line) - 2
    return len(line) - 1 if line.endswith(("\n", "\r")) else len(line)


def to_index(line: str, character: int, encoding: str) -> int:
    """The code-point index in `line` of the client's column `character`, clamped to the line's content."""
    # No encoding needs fewer units than code points: the index never exceeds the column.
    character = max(character, 0)
    bound = min(character, content_length(line))
    if encoding == UTF32 or line.isascii():
        return bound
    head = line[:bound]
    if encoding == UTF8:
        data = head.encode("utf-8", "surrogatepass")
        cut = min(character, len(data))
        while cut < len(data) and data[cut] & 0xC0 == 0x80:
            cut -= 1
        return len(data[:cut].decode("utf-8", "surrogatepass"))
    data = head.encode("utf-16-le", "surrogatepass")
    cut = min(2 * character, len(data))
    if cut < len(data) and _is_pair(data, cut):
        cut -= 2
    return len(data[:cut].decode("utf-16-le", "surrogatepass"))


def to_column(line: str, index: int, encoding: str) -> int:
    """The client's column of code point `index` of `line`, clamped to the line's content."""
    bound = min(max(index, 0), content_length(line))
    return bound if line.isascii() else units(line[:bound], encoding)


def units(text: str, encoding: str) -> int:
    """How many units of `encoding` the client counts for `text`."""
    if encoding == UTF32 or text.isascii():
        return len(text)
    if encoding == UTF8:
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _is_pair(data: bytes, cut: int) -> bool:
    """Whether the UTF-16-LE `data` has one character's two halves around byte `cut`."""
    return cut >= 2 and 0xD8 <= data[cut - 1] <= 0xDB and 0xDC <= data[cut + 1] <= 0xDF


class Codec(PositionCodec):
    """pygls' codec, corrected.

    It loops over characters in Python, moves the caller's own position objects, puts a column past the
    line end one short of it, and rounds a column inside a character upwards.
    """

    def client_num_units(self, string: str) -> int:
        """How many units the client counts for `string`."""
        return units(string, self.name)

    @property
    def name(self) -> str:
        """The negotiated encoding: ``utf-8``, ``utf-16`` or ``utf-32``."""
        return str(getattr(self.encoding, "value", self.encoding) or "utf-16")

    def position_from_client_units(
        self, lines: Sequence[str], position: types.Position
    ) -> ServerTextPosition:
        """Line and code-point index of the client's `position`."""
        if position.line < 0 or not lines:
            return ServerTextPosition(0, 0)
        if position.line >= len(lines):
            # The text ends in its last line; when that is closed by a line end, right behind it.
            return ServerTextPosition(len(lines) - 1, len(lines[-1]))
        return ServerTextPosition(
            position.line, to_index(lines[position.line], position.character, self.name)
        )

    def position_to_client_units(
        self, lines: Sequence[str], position: ServerTextPosition | types.Position
    ) -> types.Position:
        """The client's position of a line and code-point index."""
        if position.line < 0 or not lines:
            return types.Position(0, 0)
        if position.line >= len(lines):
            last = len(lines) - 1
            return types.Position(last, to_column(lines[last], len(lines[last]), self.name))
        return types.Position(position.line, to_column(lines[position.line], position.character, self.name))

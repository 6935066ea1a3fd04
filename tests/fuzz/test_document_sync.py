"""Random edits in three encodings: the server's text stays equal to the client's."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types

from ide_agent.editor.documents import EditorWorkspace, split_lines
from ide_agent.editor.positions import to_column, to_index

ALPHABET = ["a", "=", " ", "\t", "\n", "\r\n", "\r", "ç", "中", "🙂", "👩‍💻", "e\u0301", "\ufeff"]
ALPHABET += ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\0", "\U0010ffff"]
TEXTS = st.lists(st.sampled_from(ALPHABET), max_size=12).map("".join)
ENCODINGS = ["utf-8", "utf-16", "utf-32"]
LINE_END = re.compile(r"\r\n|\r|\n")


class Client:
    """The reference: a plain string, positions counted character by character as the LSP text says."""

    def __init__(self, text: str, encoding: str) -> None:
        self.text = text
        self.encoding = encoding

    def width(self, char: str) -> int:
        if self.encoding == "utf-32":
            return 1
        if self.encoding == "utf-16":
            return 2 if ord(char) > 0xFFFF else 1
        return len(char.encode())

    def line_starts(self) -> list[int]:
        return [0, *(m.end() for m in LINE_END.finditer(self.text))]

    def offset(self, line: int, character: int) -> int:
        starts = self.line_starts()
        if line >= len(starts):
            return len(self.text)
        at, column = starts[line], 0
        while at < len(self.text) and self.text[at] not in "\r\n":
            column += self.width(self.text[at])
            if column > character:
                break
            at += 1
        return at

    def position(self, offset: int) -> tuple[int, int]:
        """The position of an offset that is not inside of a CRLF."""
        starts = self.line_starts()
        line = max(n for n, start in enumerate(starts) if start <= offset)
        return line, sum(self.width(c) for c in self.text[starts[line] : offset])

    def replace(self, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        first, last = sorted((self.offset(*start), self.offset(*end)))
        self.text = self.text[:first] + text + self.text[last:]


POSITIONS = st.one_of(
    st.tuples(st.just("inside"), st.floats(0, 1, exclude_max=True)),
    st.tuples(st.just("any"), st.tuples(st.integers(0, 14), st.integers(0, 14))),
    st.tuples(st.just("end"), st.none()),
)
EDITS = st.lists(st.tuples(POSITIONS, POSITIONS, TEXTS, st.integers(0, 19)), min_size=1, max_size=25)


def pick(client: Client, choice: tuple[str, object]) -> tuple[int, int]:
    kind, value = choice
    if kind == "any":
        assert isinstance(value, tuple)
        return value
    share = value if isinstance(value, float) else 1.0
    offset = int(share * (len(client.text) + 1)) if kind == "inside" else len(client.text)
    if client.text[max(offset - 1, 0) : offset + 1] == "\r\n":
        offset -= 1
    return client.position(offset)


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=300, deadline=None)
@given(start=TEXTS, edits=EDITS)
def test_text_stays_equal(encoding: str, start: str, edits: list[tuple[object, object, str, int]]) -> None:
    client = Client(start, encoding)
    workspace = EditorWorkspace(None, position_encoding=encoding)
    workspace.put_text_document(types.TextDocumentItem("untitled:x", "python", 0, start))
    document = workspace.get_text_document("untitled:x")
    for version, (one, other, text, look) in enumerate(edits, 1):
        begin, end = pick(client, one), pick(client, other)  # type: ignore[arg-type]
        change = types.TextDocumentContentChangePartial(
            types.Range(types.Position(*begin), types.Position(*end)), text
        )
        workspace.update_text_document(types.VersionedTextDocumentIdentifier(version, "untitled:x"), change)
        client.replace(begin, end, text)
        assert "".join(document.lines) == client.text
        assert list(document.lines) == split_lines(client.text)
        assert len(document.lines) == len(client.line_starts())
        if look < 4:  # also with the joined text and the offsets in use between edits
            assert document.source == client.text
            where = types.Position(*begin)
            assert document.offset_at_position(where) == client.offset(*begin)
            assert document.is_binary == ("\0" in client.text)
            window = document.window(where, lines_before=50, lines_after=50, max_chars=10_000)
            at = client.offset(*begin)
            assert window.prefix == LINE_END.sub("\n", client.text[:at])
            assert window.suffix == LINE_END.sub("\n", client.text[at:])
    assert document.source == client.text
    assert document.version == len(edits)


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=300, deadline=None)
@given(line=TEXTS.map(lambda text: LINE_END.sub("", text)), column=st.integers(-2, 60))
def test_columns_round_trip(encoding: str, line: str, column: int) -> None:
    index = to_index(line, column, encoding)
    assert index == Client(line, encoding).offset(0, max(column, 0))
    back = to_column(line, index, encoding)
    assert back <= max(column, 0)
    assert to_index(line, back, encoding) == index

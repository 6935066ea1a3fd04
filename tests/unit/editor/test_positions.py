from __future__ import annotations

import pytest
from lsprotocol.types import Position
from pygls.workspace import ServerTextPosition

from ide_agent.editor.positions import UTF8, UTF16, UTF32, Codec, content_length, to_column, to_index, units

ENCODINGS = [UTF8, UTF16, UTF32]
WIDTHS = {"a": (1, 1, 1), "ç": (2, 1, 1), "中": (3, 1, 1), "🙂": (4, 2, 1), "e\u0301": (3, 2, 2)}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text", WIDTHS)
def test_case_1_and_5_columns_count_units_of_the_negotiated_encoding(text: str, encoding: str) -> None:
    width = WIDTHS[text][ENCODINGS.index(encoding)]
    line = f"{text}x = 1\n"
    assert units(text, encoding) == width
    assert to_index(line, width, encoding) == len(text)
    assert to_column(line, len(text), encoding) == width
    assert to_index(line, width + 1, encoding) == len(text) + 1


@pytest.mark.parametrize(("encoding", "size"), [(UTF8, 4), (UTF16, 2)])
def test_case_2_a_column_inside_a_character_is_its_start(encoding: str, size: int) -> None:
    line = "🙂🙂b\n"
    for column in range(2 * size + 2):
        assert to_index(line, column, encoding) == min(column // size, 2) + max(0, column - 2 * size)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r"])
def test_case_3_a_column_past_the_end_is_the_end_before_the_line_end(end: str, encoding: str) -> None:
    for content in ("", "abc", "ağ🙂"):
        line = content + end
        assert content_length(line) == len(content)
        assert to_index(line, 999, encoding) == len(content)
        assert to_index(line, -1, encoding) == 0
        assert to_column(line, 999, encoding) == units(content, encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_codec_leaves_the_position_alone_and_clamps_the_line(encoding: str) -> None:
    codec = Codec(encoding)
    lines = ["🙂\n", "ab"]
    position = Position(0, 77)
    assert codec.position_from_client_units(lines, position) == ServerTextPosition(0, 1)
    assert position == Position(0, 77)
    assert codec.position_from_client_units(lines, Position(9, 0)) == ServerTextPosition(1, 2)
    assert codec.position_to_client_units(lines, ServerTextPosition(9, 0)) == Position(1, 2)
    assert codec.client_num_units("🙂") == WIDTHS["🙂"][ENCODINGS.index(encoding)]


def test_halves_of_characters_count_as_one_unit_each() -> None:
    line = "a\ud83dz\n"
    assert to_index(line, 2, UTF16) == 2
    assert to_column(line, 2, UTF16) == 2
    assert units("\ud83d", UTF8) == 3

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.inference.sse import EventDecoder


def decoded(*chunks: bytes) -> list[dict[str, Any]]:
    decoder = EventDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def body(*events: dict[str, Any], newline: bytes = b"\n") -> bytes:
    lines = [b"data: " + json.dumps(event, ensure_ascii=False).encode() for event in events]
    return b"".join(line + newline * 2 for line in lines)


def test_case_25_a_character_split_between_two_chunks() -> None:
    whole = body({"content": "ü→😀"})
    for cut in range(len(whole)):
        assert decoded(whole[:cut], whole[cut:]) == [{"content": "ü→😀"}]


def test_case_4_unicode_line_separators_are_no_line_ends() -> None:
    text = "a\u2028b\u2029c\u0085d"
    assert decoded(body({"content": text})) == [{"content": text}]


def test_both_line_ends_comments_and_other_fields() -> None:
    assert decoded(body({"a": 1}, newline=b"\r\n")) == [{"a": 1}]
    assert decoded(b": ping\n\nevent: x\nid: 3\n" + body({"a": 1})) == [{"a": 1}]
    assert decoded(b'data:{"a":\ndata: 1}\n\n') == [{"a": 1}]


def test_done_is_no_event_and_an_unfinished_one_is_not_given_out() -> None:
    assert decoded(body({"a": 1}) + b"data: [DONE]\n\n") == [{"a": 1}]
    assert decoded(b'data: {"a": 1}\n') == []


@pytest.mark.parametrize("garbage", [b"data: {\n\n", b"data: 3\n\n", b"data: \xff\n\n"])
def test_garbage_is_told(garbage: bytes) -> None:
    with pytest.raises(ValueError):
        decoded(garbage)


def test_a_line_without_end_is_given_up() -> None:
    decoder = EventDecoder()
    with pytest.raises(ValueError, match="does not end"):
        for _ in range(40):
            list(decoder.feed(b"data: " + b"x" * (1 << 20)))


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5),
    cuts=st.lists(st.integers(0, 400), max_size=6),
)
def test_any_text_survives_any_cuts(texts: list[str], cuts: list[int]) -> None:
    events = [{"content": text} for text in texts]
    whole = body(*events)
    marks = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
    assert decoded(*(whole[start:end] for start, end in pairwise(marks))) == events

from hypothesis import given
from hypothesis import strategies as st

from ide_agent.inference.serve.text import TextAssembler


def test_characters_cut_between_tokens_come_whole() -> None:
    assembler = TextAssembler([])
    assert [assembler.feed(bytes([byte])) for byte in "é😀".encode()] == ["", "é", "", "", "", "😀"]
    assert assembler.flush() == ""


def test_bytes_that_are_no_character_become_a_mark() -> None:
    assembler = TextAssembler([])
    assert assembler.feed(b"a\xf0\x9f") == "a"
    assert assembler.flush() == "\ufffd"


def test_stop_string_over_several_tokens_is_held_back() -> None:
    assembler = TextAssembler(["\n\n", "END"])
    assert assembler.feed(b"one\n") == "one"
    assert assembler.feed(b"two E") == "\ntwo "
    assert assembler.feed(b"N") == ""
    assert assembler.feed(b"Dless") == ""
    assert assembler.stopped_by == "END"


def test_what_was_held_back_for_nothing_is_given_out() -> None:
    assembler = TextAssembler(["END"])
    assert assembler.feed(b"EN") == ""
    assert assembler.feed(b"gine") == "ENgine"
    assert assembler.feed(b" E") == " "
    assert assembler.flush() == "E"


def test_the_first_stop_string_wins() -> None:
    assembler = TextAssembler(["b", "a"])
    assert assembler.feed(b"xaxb") == "x"
    assert assembler.stopped_by == "a"


@given(st.text(), st.lists(st.text(min_size=1, max_size=3), max_size=3), st.integers(1, 7))
def test_never_sends_a_stop_string_nor_loses_anything(text: str, stops: list[str], size: int) -> None:
    raw = text.encode("utf-8", "replace")
    text = raw.decode()
    assembler = TextAssembler(stops)
    sent = ""
    for start in range(0, len(raw), size):
        sent += assembler.feed(raw[start : start + size])
        if assembler.stopped_by:
            break
    else:
        sent += assembler.flush()
    assert not any(stop in sent for stop in stops)
    first = min((at for stop in stops if (at := text.find(stop)) >= 0), default=len(text))
    assert sent == text[:first]

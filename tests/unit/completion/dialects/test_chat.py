from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.features.completion.dialects.base import Hole
from ide_agent.features.completion.dialects.chat import Chat

PREFIX = "import os\n\n\ndef total(prices):\n    return "


def told(pieces: list[str], prefix: str = PREFIX, language: str = "python") -> str:
    answer = Chat().answer(Hole(language, "", prefix, ""))
    return "".join(map(answer.feed, pieces)) + answer.rest()


CASES = [
    ("sum(prices)", "sum(prices)"),
    ("```python\nsum(prices)\n```", "sum(prices)"),
    ("```python\nsum(prices)\n```\nThis adds up all prices.", "sum(prices)"),
    ("\n```\nsum(prices)\n", "sum(prices)\n"),
    ("return sum(prices)", "sum(prices)"),
    ("    return sum(prices)", "sum(prices)"),
    ("```python\ndef total(prices):\n    return sum(prices)\n```", "sum(prices)"),
    (PREFIX + "sum(prices)\n", "sum(prices)\n"),
    ("<think>\nHm, ```sums```?\n</think>\n\nsum(prices)", "sum(prices)"),
    ("<think>\nnever ends", ""),
    ("def total(prices):\n    ret", ""),
    ("`a` ", "`a` "),
    ("```python\na = '```'\n```", "a = '```'"),
    ("", ""),
    ("<CURSOR/>sum(prices)", "sum(prices)"),
    ("```\n<CURSOR/>sum(prices)\n```", "sum(prices)"),
    ("sum(prices)<CURSOR/>\n\n\nprint(1)", "sum(prices)"),
    ("<CURSOR()>", ""),
    ("a <CURS b", "a <CURS b"),
    ("a <CURS", "a <CURS"),
]


@pytest.mark.parametrize(("said", "meant"), CASES)
def test_what_models_say_around_the_text_is_taken_away(said: str, meant: str) -> None:
    assert told([said]).removesuffix("\n") == meant.removesuffix("\n")


@given(st.sampled_from(CASES), st.lists(st.integers(0, 90), max_size=12))
def test_it_is_the_same_in_whatever_pieces_it_comes(case: tuple[str, str], cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(case[0])]
    pieces = [case[0][start:end] for start, end in pairwise(places)]
    assert told(pieces).removesuffix("\n") == case[1].removesuffix("\n")


@pytest.mark.parametrize(
    ("prefix", "said", "meant"),
    [
        ("def f():\n    ", "def f():\n    return 1", "return 1"),
        ("def f():\n    ", "def f():\n  return 1", "  return 1"),
        ("import os\n", "import os.path", "import os.path"),
        ("x = (", "(1, 2))", "(1, 2))"),
        ("ret", "return x", "urn x"),
        ("(", "(a, b))", "(a, b))"),
    ],
)
def test_what_stands_before_the_cursor_is_not_said_again(prefix: str, said: str, meant: str) -> None:
    assert told([said], prefix) == meant
    assert told(list(said), prefix) == meant


def test_nothing_is_read_behind_the_fence() -> None:
    answer = Chat().answer(Hole("python", "", PREFIX, ""))
    answer.feed("```\nx\n```")
    assert answer.ended
    assert answer.feed("more\n") == ""


def test_in_markdown_a_fence_is_text() -> None:
    assert told(["```sh\nls\n```"], "Run this:\n\n", "markdown") == "```sh\nls\n```"


def test_plain_text_is_told_as_it_comes() -> None:
    answer = Chat().answer(Hole("python", "", PREFIX, ""))
    assert [answer.feed(piece) for piece in ("sum", "(", "prices)\n", "x")] == ["sum", "(", "prices)\n", "x"]


def test_the_cursor_is_marked_by_what_stands_nowhere_else() -> None:
    plain = Chat().fields(Hole("python", "# a.py\n", "x = ", "\ny"))["messages"]
    assert plain[-1]["content"].endswith("# a.py\nx = <CURSOR/>\ny")
    assert [each["role"] for each in plain] == ["system", "user", "assistant", "user"]
    other = Chat().fields(Hole("python", "", "a <CURSOR <CURSOR1/>", ""))["messages"]
    assert other[-1]["content"].endswith("a <CURSOR <CURSOR1/><CURSOR2/>")
    assert "<CURSOR2/>" in other[0]["content"]


def test_a_chat_gets_no_stop_strings_and_more_room() -> None:
    hole = Hole("python", "", PREFIX, "")
    assert Chat().stops(["\n"]) == []
    assert Chat().extra_tokens(hole) > 0

"""Many expressions in one pass find what each alone finds."""

from __future__ import annotations

import gc
import itertools
import weakref

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.inference.routing.searching import LARGEST, Bundle, Text, Wanted, bundle, program

PARTS = [
    "a",
    "b",
    "ab",
    ".",
    "^",
    "$",
    r"\b",
    r"\B",
    "(?i)A",
    "[^a]",
    "ş",
    r"\d",
    "a|b",
    "(ab)",
    "",
    "(?s).",
    r"\pL",
    "\n",
]
OFTEN = ["", "*", "+", "?", "{2}", "{0,3}"]
PIECE = st.tuples(st.sampled_from(PARTS), st.sampled_from(OFTEN)).map(lambda pair: f"(?:{pair[0]}){pair[1]}")
PATTERN = st.lists(PIECE, max_size=4).map("".join)


def alone(patterns: list[str], text: bytes) -> set[int]:
    return {number for number, pattern in enumerate(patterns) if re2.compile(pattern).search(text)}


def found_in(wanted: list[Wanted], text: str) -> set[int]:
    searched = Text(text)
    return {number for number, each in enumerate(wanted) if each.occurs(searched)}


@given(st.lists(PATTERN, min_size=1, max_size=8), st.text("abAşŞ1 \n", max_size=12))
def test_together_they_find_what_each_alone_finds(patterns: list[str], text: str) -> None:
    wanted = [Wanted([pattern]) for pattern in patterns]
    bundle(wanted)
    assert found_in(wanted, text) == alone(patterns, text.encode())


@given(st.lists(st.lists(PATTERN, min_size=1, max_size=4), max_size=5), st.text("abAşŞ1 \n", max_size=12))
def test_of_several_expressions_one_is_enough(patterns: list[list[str]], text: str) -> None:
    wanted = [Wanted(each) for each in patterns]
    bundle(wanted)
    expected = {number for number, each in enumerate(patterns) if alone(each, text.encode())}
    assert found_in(wanted, text) == expected


def test_a_text_is_gone_through_once_for_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[bytes] = []
    search = Bundle.search

    def noted(self: Bundle, text: bytes) -> frozenset[int]:
        passes.append(text)
        return search(self, text)

    monkeypatch.setattr(Bundle, "search", noted)
    wanted = [Wanted([f"refactor {number}$"]) for number in range(40)]
    bundle(wanted)
    assert found_in(wanted, "refactor 7") == {7}
    assert passes == [b"refactor 7"]


def test_none_waits_longer_than_for_the_largest_expression() -> None:
    wanted = [Wanted([f"(?:[a-z]x?){{{60 + number}}}"]) for number in range(40)]
    bundle(wanted)
    sizes = [
        sum(each.size for each in group)
        for _, group in itertools.groupby(wanted, key=lambda each: id(each._bundle))
    ]
    assert len(sizes) > 4
    assert max(sizes) <= LARGEST


def test_where_memory_does_not_suffice_each_is_looked_for_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Bundle([program(each) for each in "abc"])
    made._set = re2.Set.SearchSet()  # what RE2 answers then: nothing, not even the end of the text
    made._set.Add("x")
    made._set.Compile()
    assert made.search(b"cab") == {0, 1, 2}
    assert made.search(b"b") == {1}

    def no_memory(self: object) -> None:
        raise re2.error("failed to compile Set")

    monkeypatch.setattr(re2.Set, "Compile", no_memory)
    wanted = [Wanted(["a"]), Wanted(["b"])]
    bundle(wanted)
    assert found_in(wanted, "b") == {1}


def test_what_no_rule_uses_any_more_is_gone() -> None:
    wanted = [Wanted(["a"]), Wanted(["b"])]
    bundle(wanted)
    [held] = {each._bundle for each in wanted}
    assert held is not None
    gone = weakref.ref(held)
    del held
    assert gone() is not None
    wanted.clear()
    gc.collect()
    assert gone() is None

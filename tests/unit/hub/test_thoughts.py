"""What is thought and what is said, however it comes in pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.features.hub.thoughts import Thoughts


def read(pieces: list[str]) -> tuple[str, bool]:
    thoughts = Thoughts()
    said = "".join(thoughts.answer_in({"delta": {"content": piece}}) for piece in pieces)
    return said + thoughts.rest(), thoughts.seen


TEXTS = [
    ("<think>a < b</b></think>\n\nYes.", "Yes.", True),
    ("\n<think></think>Yes.", "Yes.", True),
    ("<think>without an end </thin", "", True),
    (" Yes, <think> is a word.</think>", " Yes, <think> is a word.</think>", False),
    ("<thinking> too", "<thinking> too", False),
    ("<", "<", False),
    ("", "", False),
]


@pytest.mark.parametrize(("text", "said", "thought"), TEXTS)
def test_thoughts_are_left_out(text: str, said: str, thought: bool) -> None:
    assert read([text]) == (said, thought)
    found, seen = read([*text])
    assert (found.lstrip("\n"), seen) == (said.lstrip("\n"), thought)


@given(st.sampled_from(TEXTS), st.lists(st.integers(0, 40)))
def test_it_does_not_matter_where_the_pieces_end(case: tuple[str, str, bool], cuts: list[int]) -> None:
    text, said, thought = case
    ends = sorted({0, *(cut for cut in cuts if cut < len(text)), len(text)})
    found, seen = read([text[a:b] for a, b in pairwise(ends)])
    assert (found.lstrip("\n"), seen) == (said.lstrip("\n"), thought)


@pytest.mark.parametrize(
    ("text", "cut", "said"),
    [
        ("Hm. <b></think>\n\nYes.", False, "Yes."),
        ("<think>Hm.</think>Yes.", False, "Yes."),
        ("Hm. </thin", True, ""),
        ("Yes </thin", False, "Yes </thin"),
        ("</think>Yes, </think>.", False, "Yes, </think>."),
        ("", False, ""),
    ],
)
def test_a_thought_that_the_prompt_has_begun_ends_in_the_answer(text: str, cut: bool, said: str) -> None:
    for pieces in ([text], [*text]):
        thoughts = Thoughts(begun=True)
        found = "".join(thoughts.answer_in({"text": piece}) for piece in pieces)
        assert (found + thoughts.rest(cut=cut)).lstrip("\n") == said
        assert thoughts.seen is bool(text)


def test_an_engine_that_tells_thoughts_apart_leaves_none_in_the_answer() -> None:
    thoughts = Thoughts(begun=True)
    deltas = [{"reasoning_content": "Hm."}, {"content": "Y"}, {"content": "es"}]
    assert [thoughts.answer_in({"delta": delta}) for delta in deltas] == ["", "Y", "es"]
    assert (thoughts.seen, thoughts.rest()) == (True, "")


@pytest.mark.parametrize("choice", [{}, {"delta": None}, {"delta": {"content": None}}, {"text": ""}])
def test_nothing_is_nothing(choice: dict[str, object]) -> None:
    thoughts = Thoughts()
    assert (thoughts.answer_in(choice), thoughts.seen, thoughts.rest()) == ("", False, "")


def test_parts_are_put_together() -> None:
    thoughts = Thoughts()
    parts = [
        {"type": "thinking", "thinking": []},
        {"type": "text", "text": "Y"},
        "?",
        {"text": [{"text": "es"}]},
    ]
    assert thoughts.answer_in({"delta": {"content": parts}}) == "Yes"
    assert thoughts.answer_in({"delta": {"content": {"text": "no"}}}) == ""

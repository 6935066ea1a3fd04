from typing import Any

import pytest

from ide_agent.features.completion.dialects.base import Hole, said, sampling


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"choices": [{"text": "a", "finish_reason": None}]}, ("a", "")),
        ({"choices": [{"delta": {"content": "b"}, "finish_reason": "length"}]}, ("b", "length")),
        ({"choices": [{"delta": {"reasoning_content": "hm", "content": None}}]}, ("", "")),
        ({"choices": [], "usage": {}}, ("", "")),
        ({"choices": ["x"]}, ("", "")),
        ({"choices": [{"delta": {"content": [1]}, "finish_reason": 3}]}, ("", "")),
        ({}, ("", "")),
    ],
)
def test_the_text_of_an_event(event: dict[str, Any], expected: tuple[str, str]) -> None:
    assert said(event) == expected


def test_the_first_suggestion_is_greedy_and_others_are_not() -> None:
    assert sampling(0) == {"temperature": 0.0}
    assert 0 < sampling(1)["temperature"] < sampling(4)["temperature"]


def test_a_hole_in_nothing_is_empty() -> None:
    assert Hole("python", "", " \n", "\n").empty
    assert not Hole("python", "# a.py\n", "", "").empty
    assert Hole("python", "", "a\nbc", "").line == "bc"

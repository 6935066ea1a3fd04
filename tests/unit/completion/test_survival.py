from difflib import SequenceMatcher

import pytest

from ide_agent.features.completion import survival
from ide_agent.features.completion.cursor import CursorContext, Offer, Suggestion
from ide_agent.features.completion.survival import neighbourhood

CONTEXT = CursorContext("file:///a.py", "a.py", "python", 1, "def f():\n    ", 0, "\n", 1)
OFFER = Offer("c1", CONTEXT, Suggestion("return 1"), "starter", 12.5)


def surviving(offer: Offer, lines: list[str]) -> str:
    return survival.surviving(offer, *neighbourhood(offer, lines))


@pytest.mark.parametrize(
    ("document", "left"),
    [
        (["def f():", "    return 1"], "return 1"),
        (["# new", "", "def f():", "    return 1"], "return 1"),
        (["def f():", "    return 10"], "return 10"),
        (["def f():", "    pass"], ""),
        ([], ""),
    ],
)
def test_what_survives(document: list[str], left: str) -> None:
    assert surviving(OFFER, [line + "\n" for line in document]) == left


def test_of_several_lines_the_edited_ones_count() -> None:
    offer = Offer("c", CONTEXT, Suggestion("a = 1\n    b = 2\n    return a"), "m")
    document = ["def f():\n", "    a = 1\n", "    b = 3\n", "    return a\n"]
    assert surviving(offer, document) == "a = 1\n    b = 3\n    return a"


def test_a_line_between_does_not_hide_the_others() -> None:
    offer = Offer("c", CONTEXT, Suggestion("first = 1\n    second = 2\n    third = 3\n    return first"), "m")
    document = [
        "def f():\n",
        "    first = 1\n",
        "\n",
        "    second = 2\n",
        "    third = 3\n",
        "    return first\n",
    ]
    assert surviving(offer, document) == "second = 2\n    third = 3\n    return first"


def test_text_that_moved_far_is_gone_even_if_it_stands_there() -> None:
    assert surviving(OFFER, ["# new\n"] * 300 + ["def f():\n", "    return 1\n"]) == ""


def test_only_the_neighbourhood_is_copied() -> None:
    first, lines = neighbourhood(OFFER, [f"{n}\r\n" for n in range(10_000)])
    assert (first, lines[:2], len(lines)) == (0, ("0", "1"), 62)


def test_an_acceptance_that_was_undone_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0

    class Counting(SequenceMatcher[str]):
        def ratio(self) -> float:
            nonlocal compared
            compared += len(self.a) * len(self.b)  # type: ignore[attr-defined]
            return super().ratio()

    monkeypatch.setattr(survival, "SequenceMatcher", Counting)
    block = "\n".join(f"    value_{n} = compute(argument_{n}, {n})" for n in range(24))
    offer = Offer("c", CONTEXT, Suggestion(block), "m")
    document = [f"    other_{n} = something(argument_{n}, else_{n})\n" for n in range(400)]
    surviving(offer, document)
    assert 0 < compared < 1_000_000  # the whole texts, window by window: over a hundred million

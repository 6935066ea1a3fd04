import pytest

from ide_agent.features.completion.postprocess.draft import Draft
from ide_agent.features.completion.postprocess.loops import cut_loop, runs_on
from support.cursor import at_cursor


@pytest.mark.parametrize(
    ("source", "text", "kept"),
    [
        ("‸", "call(value)\ncall(value)\ncall(value)", "call(value)\n"),
        ("‸", "call(value)\n\ncall(value)", "call(value)\n\n"),
        ("call(value)\n‸", "call(value)\nmore", ""),
        ("call(value)\ncall‸", "(value)\nmore", ""),
        (
            "‸",
            "self.total = self.count(values)\nself.total = self.counts(values)",
            "self.total = self.count(values)\n",
        ),
        ("‸", "first(a)\nsecond(b)\nfirst(a)\nsecond(b)\nx", "first(a)\nsecond(b)\nfirst(a)\n"),
        ("first(a)\nsecond(b)\n‸", "first(a)\nsecond(b)\nx", "first(a)\n"),
        ("aaaa\nbbbb\ncccc\n‸", "aaaa\nbbbb\ncccc\nx", "aaaa\nbbbb\n"),
        (
            "‸",
            "raise Error(a, b)\nb1b1\nraise Error(a, b)\nc1c1\nraise Error(a, b)",
            "raise Error(a, b)\nb1b1\nraise Error(a, b)\nc1c1\n",
        ),
        ("x = ‸", "[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0", ""),
        (
            "‸",
            "a = 1\nthe cat sat on the mat, the cat sat on the mat, the cat sat on the mat, and",
            "a = 1\n",
        ),
    ],
)
def test_case_28_repeating_lines(source, text, kept):
    assert cut_loop(Draft(text), at_cursor(source)) == Draft(kept, ended=True)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("‸", "if a:\n    return False\nif b:\n    return False"),
        ("‸", "x[0] = value(0)\nx[1] = value(1)\nx[2] = value(2)"),
        ("‸", "{\n  {\n  }\n}\n}"),
        ("    }\n‸", "}"),
        ("‸", "# " + "-" * 70),
        ("‸", "self.a = a\nself.b = b\nself.c = c"),
        ("response = get()\nassert response.ok\n‸", "response = get()"),
    ],
)
def test_likeness_that_is_no_loop(source, text):
    draft = Draft(text)
    assert cut_loop(draft, at_cursor(source)) == draft


@pytest.mark.parametrize(
    ("text", "hopeless"),
    [
        ("".join(map(str, range(55))), False),
        ("".join(map(str, range(56))), True),
        ("b" * 300 + "\nshort", False),
        ("short\n" + "the cat sat on the mat, " * 3, True),
    ],
)
def test_a_line_that_circles_or_never_ends(text, hopeless):
    assert runs_on(text, "", 100) == hopeless


def test_only_the_first_line_has_something_before_it():
    digits = "".join(map(str, range(60)))
    before = "    def total_price_of(self, items, currency, discount):"
    assert runs_on(digits[:50], before, 100)
    assert not runs_on("\n" + digits[:50], before, 100)
    assert not runs_on("\n" + digits[:100], before, 100)
    assert runs_on("\n" + digits[:101], before, 100)
    assert not runs_on(digits[:40], before * 3, 100)

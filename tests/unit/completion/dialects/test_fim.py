import pytest

from ide_agent.features.completion.dialects.base import Hole
from ide_agent.features.completion.dialects.fim import Fim, Prefix
from ide_agent.features.completion.templates import choose

HOLE = Hole("python", "# b.py\nx\n\n# a.py\n", "def f(", "):\n    pass")


@pytest.mark.parametrize(
    ("model", "prompt"),
    [
        (
            "qwen2.5-coder",
            "<|file_sep|># b.py\nx\n\n# a.py\n<|fim_prefix|>def f(<|fim_suffix|>):\n    pass<|fim_middle|>",
        ),
        (
            "deepseek-coder",
            "<｜fim▁begin｜># b.py\nx\n\n# a.py\ndef f(<｜fim▁hole｜>):\n    pass<｜fim▁end｜>",
        ),
        ("codellama", "<PRE> # b.py\nx\n\n# a.py\ndef f( <SUF>):\n    pass <MID>"),
        ("codestral", "[SUFFIX]):\n    pass[PREFIX]# b.py\nx\n\n# a.py\ndef f("),
    ],
)
def test_the_family_decides_how_a_hole_is_written(model: str, prompt: str) -> None:
    template = choose(model, {})
    assert template is not None
    assert Fim(template).fields(HOLE) == {"prompt": prompt}


def test_an_empty_suffix_is_a_line_end() -> None:
    template = choose("starcoder", {})
    assert template is not None
    fields = Fim(template).fields(Hole("python", "", "x = ", ""))
    assert fields["prompt"] == "<fim_prefix>x = <fim_suffix>\n<fim_middle>"


def test_the_next_file_ends_an_answer_and_four_stops_are_the_most() -> None:
    template = choose("qwen-coder", {})
    assert template is not None
    assert Fim(template).stops(["\n"]) == ["\n", "<|file_sep|>"]
    assert Fim(template).stops(["a", "b", "c", "d"]) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("prefix", "asked", "pieces", "told"),
    [
        ("x = ", "x =", [" 5"], "5"),
        ("x = ", "x =", [" ", " 5"], " 5"),
        ("if a:\n    ", "if a:", ["\n", "    pass\n", "    y"], "pass\n    y"),
        ("if a:\n    ", "if a:", ["\n  pass"], "pass"),
        ("if a:\n    ", "if a:", ["  # why", "\n    pass"], "pass"),
        ("if a:\n    ", "if a:", [" and so on"], ""),
        ("a\n\n\n", "a\n", ["\n\ndef f"], "\ndef f"),
        ("  ", "  ", ["x"], "x"),
        ("ret", "ret", ["urn"], "urn"),
        ("x = ", "x =", ["5"], "5"),
    ],
)
def test_blanks_before_the_cursor_are_generated_again(
    prefix: str, asked: str, pieces: list[str], told: str
) -> None:
    hole = Hole("python", "", prefix, "")
    assert Prefix().fields(hole) == {"prompt": asked}
    answer = Prefix().answer(hole)
    assert "".join(map(answer.feed, pieces)) + answer.rest() == told

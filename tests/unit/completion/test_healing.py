import pytest
from hypothesis import given
from hypothesis import strategies as st

from ide_agent.features.completion.healing import Healing


@pytest.mark.parametrize(
    ("prompt", "tail"),
    [
        ("def f():\n    ", "\n    "),
        ("def f():\n    retu", "\n    retu"),
        ("x = comp", " comp"),
        ("foo.ba", "ba"),
        ("foo(", ""),
        ("a\n\n\n", "\n\n"),
        ("öğrenci.ad", "ad"),
        ("word", ""),
        ("", ""),
    ],
)
def test_the_tail_goes_back_to_a_sure_boundary(prompt: str, tail: str) -> None:
    assert Healing.of(prompt).text == tail


@given(st.text(alphabet="ab \n\t(.é", max_size=60))
def test_prompt_and_tail_make_the_whole(prompt: str) -> None:
    tail = Healing.of(prompt).text
    assert prompt.endswith(tail)
    assert not tail or len(tail) < len(prompt)


@given(st.lists(st.text(alphabet="\n retun(1)", min_size=1, max_size=4), max_size=20))
def test_the_tail_is_dropped_however_the_answer_is_cut(chunks: list[str]) -> None:
    healing = Healing("\n  re")
    answer = "\n  re" + "".join(chunks)
    pieces = [answer[i : i + 3] for i in range(0, len(answer), 3)]
    assert "".join(healing.take(piece, [])[0] for piece in pieces) == "".join(chunks)


def test_a_stop_string_that_the_tail_holds_is_left_to_us() -> None:
    healing = Healing("\n    ")
    assert healing.payload(["\n", ";"], 10)["stop"] == [";"]
    assert healing.take("\n    return 1", ["\n"]) == ("return 1", False)
    assert healing.take(" + 2\nx = 3", ["\n"]) == (" + 2", True)


def test_a_stop_string_across_two_pieces_ends_the_answer() -> None:
    healing = Healing("\n")
    assert healing.take("\nx\n", ["\n\n"]) == ("x\n", False)
    assert healing.take("\ny", ["\n\n"])[1]


def test_the_grammar_quotes_what_it_must() -> None:
    grammar = Healing('\n\t"x').payload([], 1)["grammar"]
    assert grammar == 'root ::= "\\n\\t\\"x" [^\\x00]*'


def test_without_a_tail_nothing_changes() -> None:
    healing = Healing()
    assert healing.payload(["\n"], 10) == {"stop": ["\n"], "n_predict": 10}
    assert healing.take("x", ["\n"]) == ("x", False)


def test_a_line_end_is_not_held_back_for_what_may_follow() -> None:
    healing = Healing()
    assert healing.payload(["\n\n"], 10)["stop"] == []
    assert healing.take("x\n", ["\n\n"]) == ("x\n", False)
    assert healing.take("\ny", ["\n\n"]) == ("", True)

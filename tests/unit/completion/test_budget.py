from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ide_agent.features.completion.budget import Budget
from ide_agent.features.completion.wire import CompletionRequest


async def letters(text: str) -> Sequence[int]:
    """One token a letter."""
    return range(len(text))


def request(**more: Any) -> CompletionRequest:
    return CompletionRequest.model_validate({"document": "d", "path": "a.py", "language": "python"} | more)


async def test_what_is_chosen_and_how_it_is_named() -> None:
    body = request(prefix="x = ", suffix="\ny", snippets=[{"path": "b.py", "text": "b\n"}])
    fitted = await Budget(letters).fit(body, suffix=True)
    assert (fitted.before, fitted.prefix, fitted.suffix) == ("# b.py\nb\n\n# a.py\n", "x = ", "\ny")
    assert fitted.tokens > 0


async def test_who_does_not_see_the_suffix_does_not_pay_for_it() -> None:
    body = request(prefix="x = ", suffix="\n" * 50)
    blind = await Budget(letters).fit(body, suffix=False)
    assert blind.suffix == ""
    assert blind.tokens < (await Budget(letters).fit(body, suffix=True)).tokens


async def test_the_most_relevant_pieces_come_last_and_stay() -> None:
    pieces = [{"path": f"{name}.py", "text": name * 150} for name in "abc"]
    fitted = await Budget(letters).fit(request(prefix="x", snippets=pieces, prompt_tokens=600), suffix=False)
    assert fitted.before.index("c.py") > fitted.before.index("b.py")
    assert "aaa" not in fitted.before


@given(st.text("ab\n", max_size=3000), st.integers(64, 400))
async def test_the_prefix_is_an_end_of_the_text_within_the_budget(text: str, tokens: int) -> None:
    fitted = await Budget(letters).fit(request(prefix=text, prompt_tokens=tokens), suffix=False)
    assert text.endswith(fitted.prefix)
    assert fitted.tokens <= tokens


async def test_an_endless_line_behind_the_cursor_leaves_room_for_the_one_before_it() -> None:
    fitted = await Budget(letters).fit(request(prefix="a" * 5000, suffix="b" * 5000), suffix=True)
    assert len(fitted.prefix) > 500
    assert 0 < len(fitted.suffix) < 1000

from collections.abc import Sequence

from ide_agent.features.completion.tokens import TokenCounter


class Tokenizer:
    """One token for four characters; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, text: str, *, special: bool = False) -> Sequence[int]:
        self.asked += 1
        return range(max(1, len(text) // 4))


async def test_a_document_is_counted_once() -> None:
    tokenizer = Tokenizer()
    counter = TokenCounter(tokenizer)
    lines = [f"line number {n} of the document" for n in range(100)]
    first = await counter.lines(lines)
    asked = tokenizer.asked
    assert await counter.lines(lines) == first
    assert tokenizer.asked == asked
    assert abs(sum(first) - sum(len(line) + 1 for line in lines) // 4) <= 20


async def test_the_line_being_typed_costs_no_request() -> None:
    tokenizer = Tokenizer()
    counter = TokenCounter(tokenizer)
    lines = [f"known line {n}" for n in range(10)]
    await counter.lines(lines)
    asked = tokenizer.asked
    for typed in ("x", "x =", "x = comp", "x = compute("):
        counts = await counter.lines([*lines, typed])
        assert counts[-1] >= len(typed) // 4
    assert tokenizer.asked == asked


async def test_an_estimate_is_never_far_too_low() -> None:
    counter = TokenCounter(Tokenizer())
    assert await counter.text("a" * 400) >= 100

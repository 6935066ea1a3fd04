import asyncio

from ide_agent.features.completion.cursor import CursorContext, Offer, Suggestion
from ide_agent.features.completion.growth import Growth

CONTEXT = CursorContext("file:///a.py", "a.py", "python", 1, "x", 0, "", 0)


def offer(text: str, *, complete: bool = False) -> Offer:
    return Offer("c", CONTEXT, Suggestion(text, 0, complete))


async def test_nothing_leaves_before_the_answer() -> None:
    sent: list[str] = []
    growth = Growth(lambda each: sent.append(each.suggestion.text))

    async def handler() -> None:
        growth(offer("a"))
        growth(offer("a\nb"))
        growth.answered(offer("a"))
        growth(offer("a\nb\nc"))
        await asyncio.sleep(0)
        assert sent == []

    task = asyncio.create_task(handler())
    task.add_done_callback(lambda _: sent.append("the answer"))
    await task
    await asyncio.sleep(0)
    growth(offer("a\nb\nc\nd"))
    assert [each for each in sent if each != "the answer"] == ["a\nb\nc", "a\nb\nc\nd"]


async def test_what_the_answer_says_already_is_not_said_again() -> None:
    sent: list[Offer] = []
    growth = Growth(sent.append)

    async def handler() -> None:
        growth(offer("a"))
        growth.answered(offer("a"))

    await asyncio.create_task(handler())
    await asyncio.sleep(0)
    assert sent == []


async def test_that_it_is_complete_is_news() -> None:
    sent: list[Offer] = []
    growth = Growth(sent.append)

    async def handler() -> None:
        growth.answered(offer("a"))
        growth(offer("a", complete=True))

    await asyncio.create_task(handler())
    await asyncio.sleep(0)
    assert [each.suggestion.complete for each in sent] == [True]

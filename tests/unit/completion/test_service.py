"""The completion policy with a scripted model in place of the host."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from ide_agent.config import CompletionSettings
from ide_agent.errors import EngineCrashed, IdeAgentError
from ide_agent.features.completion.cursor import CursorContext
from ide_agent.features.completion.service import CompletionService, Offer

SETTINGS = CompletionSettings(debounce_min_ms=0, debounce_max_ms=0, prefetch=False)


class Model:
    """A model that says what the test puts into its mouth, when the test says so."""

    def __init__(self) -> None:
        self.asked: list[CursorContext] = []
        self.priorities: list[str] = []
        self.cancelled: list[CursorContext] = []
        self.mouths: list[asyncio.Queue[dict[str, Any]]] = []

    def __call__(self, context: CursorContext, shape: Any, settings: Any, priority: str) -> Any:
        self.asked.append(context)
        self.priorities.append(priority)
        mouth: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.mouths.append(mouth)
        return self._speak(context, mouth)

    async def _speak(
        self, context: CursorContext, mouth: "asyncio.Queue[dict[str, Any]]"
    ) -> AsyncGenerator[dict[str, Any], None]:
        finished = False
        try:
            yield {"type": "start", "model": "scripted"}
            while not finished:
                event = await mouth.get()
                finished = event["type"] == "done"
                yield event
        finally:
            if not finished:
                self.cancelled.append(context)

    def say(self, text: str, mouth: int = -1) -> None:
        self.mouths[mouth].put_nowait({"type": "text", "text": text})

    def end(self, mouth: int = -1) -> None:
        self.mouths[mouth].put_nowait({"type": "done", "finish_reason": "stop"})


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def errors() -> list[IdeAgentError]:
    return []


@pytest.fixture
def service(model: Model, errors: list[IdeAgentError]) -> CompletionService:
    return CompletionService(model, errors.append)


def at(prefix: str, suffix: str = "\n", version: int = 1) -> CursorContext:
    return CursorContext("file:///a.py", "a.py", "python", version, prefix, 0, suffix, prefix.count("\n"))


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def ask(
    service: CompletionService, context: CursorContext, grow: Any = None, **more: Any
) -> Offer | None:
    return await service.suggest(context, SETTINGS.model_copy(update=more), grow)


async def answered(
    service: CompletionService, model: Model, context: CursorContext, text: str
) -> Offer | None:
    """A suggestion that the model gave at once."""
    count = len(model.asked)
    task = asyncio.create_task(ask(service, context))
    await until(lambda: len(model.asked) > count)
    model.say(text)
    model.end()
    return await task


async def test_a_suggestion(service: CompletionService, model: Model) -> None:
    offer = await answered(service, model, at("x = "), "compute(1)")
    assert offer is not None
    assert offer.suggestion.text == "compute(1)"
    assert offer.model == "scripted"
    assert service.running == 0


async def test_the_answer_comes_with_the_first_line_and_the_rest_follows(
    service: CompletionService, model: Model
) -> None:
    grown: list[Offer] = []
    task = asyncio.create_task(ask(service, at("def total(items):\n    "), grown.append))
    await until(lambda: model.asked)
    model.say("result = 0\n")
    offer = await task
    assert offer is not None
    assert offer.suggestion.text == "result = 0"
    assert not offer.suggestion.complete
    model.say("    for item in items:\n")
    await until(lambda: any("for item" in o.suggestion.text for o in grown))
    model.say("        result += item\n    return result\n")
    model.end()
    await until(lambda: grown[-1].suggestion.complete)
    texts = [o.suggestion.text for o in grown]
    assert all(b.startswith(a) for a, b in pairwise(texts))
    assert texts[-1].endswith("return result")


async def test_typed_through_text_comes_from_the_cache(service: CompletionService, model: Model) -> None:
    first = await answered(service, model, at("x = "), "compute(1)")
    offer = await ask(service, at("x = comp", version=2))
    assert first is not None
    assert offer is not None
    assert offer.suggestion.text == "ute(1)"
    assert offer.completion_id == first.completion_id
    assert len(model.asked) == 1


async def test_case_19_a_changed_suffix_is_asked_anew(service: CompletionService, model: Model) -> None:
    await answered(service, model, at("x = "), "compute(1)")
    offer = await answered(service, model, at("x = ", "\nother\n", 2), "something_else()")
    assert offer is not None
    assert offer.suggestion.text == "something_else()"


async def test_case_12_a_superseded_request_is_answered_with_nothing(
    service: CompletionService, model: Model
) -> None:
    first = asyncio.create_task(ask(service, at("x = ")))
    await until(lambda: model.asked)
    second = asyncio.create_task(ask(service, at("x = q", version=2)))
    await until(lambda: len(model.asked) == 2)
    assert await first is None
    assert model.cancelled == [model.asked[0]]
    model.say("uick()")
    model.end()
    offer = await second
    assert offer is not None
    assert offer.suggestion.text == "uick()"


async def test_case_12_also_when_it_is_superseded_at_once(service: CompletionService, model: Model) -> None:
    first = asyncio.create_task(ask(service, at("x = ")))
    second = asyncio.create_task(ask(service, at("x = q", version=2)))
    await until(lambda: model.asked)
    await until(first.done)
    assert first.result() is None
    model.say("uick()")
    model.end()
    assert await second is not None


async def test_at_most_one_request_per_document_is_in_flight(
    service: CompletionService, model: Model
) -> None:
    tasks = []
    for n in range(20):
        tasks.append(asyncio.create_task(ask(service, at("x = " + "q" * n, version=n))))
        await until(lambda n=n: len(model.asked) > n)  # type: ignore[misc]
        await until(lambda: service.running <= 1)
    model.say("done()")
    model.end()
    results = await asyncio.gather(*tasks)
    assert [r is None for r in results] == [True] * 19 + [False]
    await until(lambda: len(model.cancelled) == 19)


async def test_case_15_a_cancelled_request_stops_the_engine(service: CompletionService, model: Model) -> None:
    task = asyncio.create_task(ask(service, at("x = ")))
    await until(lambda: model.asked)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: model.cancelled)
    assert service.running == 0


async def test_case_11_a_request_cancelled_while_it_waits_never_asks(
    service: CompletionService, model: Model
) -> None:
    slow = {"debounce_min_ms": 2000, "debounce_max_ms": 5000}
    task = asyncio.create_task(ask(service, at("x = q"), **slow))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.asked == []


async def test_typing_what_the_model_says_keeps_it_talking(service: CompletionService, model: Model) -> None:
    grown: list[Offer] = []
    task = asyncio.create_task(ask(service, at("def total(items):\n    "), grown.append))
    await until(lambda: model.asked)
    model.say("result = 0\n    for")
    await task
    service.changed("file:///a.py")
    offer = await ask(service, at("def total(items):\n    res", version=2), grown.append)
    assert offer is not None
    assert offer.suggestion.text == "ult = 0"
    model.say(" item in items:\n        result += item\n    return result\n")
    model.end()
    await until(lambda: grown and grown[-1].suggestion.complete)
    assert grown[-1].suggestion.text.startswith("ult = 0\n    for item in items:")
    assert grown[-1].context.version == 2
    assert len(model.asked) == 1
    assert model.cancelled == []


async def test_typing_something_else_stops_it(service: CompletionService, model: Model) -> None:
    task = asyncio.create_task(ask(service, at("def total(items):\n    "), lambda offer: None))
    await until(lambda: model.asked)
    model.say("result = 0\n    for")
    await task
    service.changed("file:///a.py")
    await until(lambda: model.cancelled)
    assert service.running == 0


async def test_case_27_what_the_user_just_deleted_is_not_brought_back(
    service: CompletionService, model: Model
) -> None:
    await answered(service, model, at("x = old_name"), "()")
    await answered(service, model, at("x = ", version=2), "old_name")
    assert model.asked[-1].removed == "old_name"
    assert await ask(service, at("x = ", version=2)) is None


async def test_nothing_worth_showing_is_not_asked_twice(service: CompletionService, model: Model) -> None:
    assert await answered(service, model, at("x = "), "") is None
    assert await ask(service, at("x = ")) is None
    assert len(model.asked) == 1
    again = asyncio.create_task(ask(service, replace(at("x = "), invoked=True)))
    await until(lambda: len(model.asked) == 2)
    model.say("now()")
    model.end()
    assert await again is not None


async def test_what_follows_a_suggestion_is_computed_ahead(service: CompletionService, model: Model) -> None:
    task = asyncio.create_task(ask(service, at("x = "), lambda offer: None, prefetch=True))
    await until(lambda: model.asked)
    model.say("compute(1)")
    model.end()
    assert await task is not None
    await until(lambda: len(model.asked) == 2)
    assert model.asked[1].prefix == "x = compute(1)"
    assert model.priorities == ["foreground", "background"]
    model.say(" + 3")
    model.end()
    await until(lambda: service.running == 0)
    offer = await ask(service, at("x = compute(1)", version=2), prefetch=False)
    assert offer is not None
    assert offer.suggestion.text == " + 3"
    assert len(model.asked) == 2


async def test_after_a_whole_line_the_next_line_is_computed_ahead(
    service: CompletionService, model: Model
) -> None:
    task = asyncio.create_task(ask(service, at("    x = "), lambda offer: None, prefetch=True))
    await until(lambda: model.asked)
    model.say("compute(1)")
    model.end()
    assert await task is not None
    await until(lambda: len(model.asked) == 2)
    model.say("\n    y = compute(2)")
    await until(lambda: len(model.asked) == 3)
    assert model.asked[2].prefix == "    x = compute(1)\n    "
    assert model.asked[2].line == 1
    model.say("y = compute(2)\n")
    model.end()
    await until(lambda: service.running == 0)
    offer = await ask(service, at("    x = compute(1)\n    ", version=2), prefetch=False)
    assert offer is not None
    assert offer.suggestion.text == "y = compute(2)"
    assert len(model.asked) == 3


async def test_a_dismissed_suggestion_stops_growing_and_does_not_come_back(
    service: CompletionService, model: Model
) -> None:
    task = asyncio.create_task(ask(service, at("def total(items):\n    "), lambda offer: None))
    await until(lambda: model.asked)
    model.say("result = 0\n    for")
    offer = await task
    assert offer is not None
    service.dismissed(offer.completion_id)
    await until(lambda: model.cancelled)


async def test_an_error_is_reported_once_and_the_next_request_asks_again(
    service: CompletionService, model: Model, errors: list[IdeAgentError]
) -> None:
    task = asyncio.create_task(ask(service, at("x = ")))
    await until(lambda: model.asked)
    model.mouths[0].put_nowait({"type": "error", "error": EngineCrashed(model="m", reason="r").as_wire()})
    assert await task is None
    assert [type(error) for error in errors] == [EngineCrashed]
    assert await answered(service, model, at("x = "), "compute(1)") is not None


async def test_a_client_that_cannot_grow_gets_more_than_the_first_line(
    service: CompletionService, model: Model
) -> None:
    task = asyncio.create_task(ask(service, at("def total(items):\n    ")))
    await until(lambda: model.asked)
    model.say("result = 0\n    return result\n")
    model.end()
    offer = await task
    assert offer is not None
    assert offer.suggestion.text == "result = 0\n    return result"


async def test_a_closed_document_leaves_nothing_behind(service: CompletionService, model: Model) -> None:
    task = asyncio.create_task(ask(service, at("x = ")))
    await until(lambda: model.asked)
    service.closed("file:///a.py")
    assert await task is None
    await until(lambda: model.cancelled)
    assert service.last_context("file:///a.py") is None

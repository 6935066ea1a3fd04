"""The completion policy with a scripted model in place of the host."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from ide_agent.config import CompletionSettings
from ide_agent.errors import EngineCrashed, IdeAgentError
from ide_agent.features.completion import activity
from ide_agent.features.completion.cursor import CursorContext, Offer
from ide_agent.features.completion.generation import Generation
from ide_agent.features.completion.service import CompletionService

URI = "file:///a.py"
SETTINGS = CompletionSettings(debounce_min_ms=0, debounce_max_ms=0, prefetch=False)


class Model:
    """A model that says what the test puts into its mouth, when the test says so."""

    def __init__(self) -> None:
        self.asked: list[CursorContext] = []
        self.priorities: list[str] = []
        self.cancelled: list[CursorContext] = []
        self.mouths: list[asyncio.Queue[dict[str, Any]]] = []
        self.open = 0
        self.most_open = 0

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
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            yield {"type": "start", "model": "scripted"}
            while not finished:
                event = await mouth.get()
                finished = event["type"] == "done"
                yield event
        finally:
            self.open -= 1
            if not finished:
                self.cancelled.append(context)

    def say(self, text: str, mouth: int = -1) -> None:
        self.mouths[mouth].put_nowait({"type": "text", "text": text})

    def end(self, mouth: int = -1) -> None:
        self.mouths[mouth].put_nowait({"type": "done", "finish_reason": "stop"})

    def fail(self, mouth: int = -1) -> None:
        error = EngineCrashed(model="m", reason="r").as_wire()
        self.mouths[mouth].put_nowait({"type": "error", "error": error})

    async def heard(self, mouth: int = -1) -> None:
        """Wait until all that was said has been read."""
        await until(self.mouths[mouth].empty)
        await asyncio.sleep(0)


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def errors() -> list[IdeAgentError]:
    return []


@pytest.fixture
def service(model: Model, errors: list[IdeAgentError]) -> CompletionService:
    def ended(generation: Generation) -> None:
        if generation.error is not None:
            errors.append(generation.error)

    return CompletionService(model, ended)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a client takes to ask again, it is in time."""
    monkeypatch.setattr(activity, "GRACE_S", 3600.0)


def at(prefix: str, suffix: str = "\n", version: int = 1) -> CursorContext:
    return CursorContext(URI, "a.py", "python", version, prefix, 0, suffix, prefix.count("\n"))


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
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
    assert model.open == 0


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
    model.say("slow")
    await model.heard()
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
    model.say("quick()")
    model.end()
    assert await second is not None


async def test_typing_goes_on_while_the_first_line_comes(service: CompletionService, model: Model) -> None:
    first = asyncio.create_task(ask(service, at("x = ")))
    await until(lambda: model.asked)
    second = asyncio.create_task(ask(service, at("x = qu", version=2)))
    assert await first is None  # at once, though nothing has been said
    model.say("q")
    await model.heard()
    third = asyncio.create_task(ask(service, at("x = qui", version=3)))
    assert await second is None
    model.say("uick()")
    model.end()
    offer = await third
    assert offer is not None
    assert offer.suggestion.text == "ck()"
    assert len(model.asked) == 1
    assert model.cancelled == []


async def test_a_first_line_that_turns_out_to_contradict_is_asked_anew(
    service: CompletionService, model: Model
) -> None:
    first = asyncio.create_task(ask(service, at("x = ")))
    await until(lambda: model.asked)
    second = asyncio.create_task(ask(service, at("x = qu", version=2)))
    assert await first is None
    model.say("slow")
    await until(lambda: len(model.asked) == 2)
    assert model.cancelled == [model.asked[0]]
    model.say("ick()")
    model.end()
    offer = await second
    assert offer is not None
    assert offer.suggestion.text == "ick()"


async def test_at_most_one_request_per_document_is_in_flight(
    service: CompletionService, model: Model
) -> None:
    tasks = []
    for n in range(20):
        tasks.append(asyncio.create_task(ask(service, at("x = " + "q" * n, version=n))))
        await until(lambda n=n: len(model.asked) > n)  # type: ignore[misc]
        if n < 19:
            model.say("no")
            await model.heard()
    model.say("done()")
    model.end()
    results = await asyncio.gather(*tasks)
    assert [r is None for r in results] == [True] * 19 + [False]
    assert len(model.cancelled) == 19
    assert model.most_open == 1


async def test_case_15_a_cancelled_request_stops_the_engine(service: CompletionService, model: Model) -> None:
    task = asyncio.create_task(ask(service, at("x = ")))
    await until(lambda: model.asked)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: model.cancelled)
    assert not service.busy(URI)


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


async def grows(service: CompletionService, model: Model, grown: list[Offer]) -> Offer:
    """The first line of a block, whose second one has begun."""
    task = asyncio.create_task(ask(service, at("def total(items):\n    "), grown.append))
    await until(lambda: model.asked)
    model.say("result = 0\n    for")
    offer = await task
    assert offer is not None
    return offer


async def test_typing_what_the_model_says_keeps_it_talking(
    service: CompletionService, model: Model, patient: None
) -> None:
    grown: list[Offer] = []
    await grows(service, model, grown)
    service.changed(URI, [at("def total(items):\n    res", version=2)])
    model.say(" item in items:\n")  # before the client asks again
    await model.heard()
    offer = await ask(service, at("def total(items):\n    res", version=2), grown.append)
    assert offer is not None
    assert offer.suggestion.text == "ult = 0\n    for item in items:"
    assert not offer.suggestion.complete
    model.say("        result += item\n    return result\n")
    model.end()
    await until(lambda: grown and grown[-1].suggestion.complete)
    assert grown[-1].suggestion.text.startswith("ult = 0\n    for item in items:\n        result")
    assert grown[-1].context.version == 2
    assert len(model.asked) == 1
    assert model.cancelled == []


def test_a_client_that_waits_50_ms_before_it_asks_is_in_time() -> None:
    assert activity.GRACE_S >= 0.1  # VS Code's debounce, and as much again for the way


async def test_where_the_cursor_is_may_be_unknown(
    service: CompletionService, model: Model, patient: None
) -> None:
    await grows(service, model, [])
    service.changed(URI)
    await model.heard()
    assert service.busy(URI)
    assert model.cancelled == []


async def test_typing_something_else_stops_it_at_once(
    service: CompletionService, model: Model, patient: None
) -> None:
    await grows(service, model, [])
    service.changed(URI, [at("def total(items):\n    x", version=2)])
    await until(lambda: model.cancelled)
    assert not service.busy(URI)


async def test_deleting_the_way_to_it_does_not(
    service: CompletionService, model: Model, patient: None
) -> None:
    await grows(service, model, [])
    service.changed(URI, [at("def total(items):\n ", version=2)])
    await model.heard()
    assert service.busy(URI)


async def test_an_edit_that_no_request_follows_stops_it(
    service: CompletionService, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "GRACE_S", 0.0)
    await grows(service, model, [])
    service.changed(URI, [at("def total(items):\n    res", version=2)])
    await until(lambda: model.cancelled)
    assert not service.busy(URI)


async def test_what_was_stopped_half_way_is_asked_anew(service: CompletionService, model: Model) -> None:
    grown: list[Offer] = []
    await grows(service, model, grown)
    service.changed(URI, [at("x", version=2)])
    await until(lambda: model.cancelled)
    again = asyncio.create_task(ask(service, at("def total(items):\n    res", version=3), grown.append))
    await until(lambda: len(model.asked) == 2)
    model.say("ult = 1\n")
    offer = await again
    assert offer is not None
    assert offer.suggestion.text == "ult = 1"


async def test_what_broke_off_half_way_grows_no_more_and_is_asked_anew(
    service: CompletionService, model: Model, errors: list[IdeAgentError]
) -> None:
    grown: list[Offer] = []
    await grows(service, model, grown)
    model.fail()
    await until(lambda: errors)
    assert grown[-1].suggestion.text == "result = 0"
    assert grown[-1].suggestion.complete  # for the client: no more will come
    again = asyncio.create_task(ask(service, at("def total(items):\n    "), grown.append))
    await until(lambda: len(model.asked) == 2)
    again.cancel()


async def test_a_stream_that_dries_up_is_no_answer(service: CompletionService) -> None:
    asked = 0

    async def nothing() -> AsyncGenerator[dict[str, Any], None]:
        nonlocal asked
        asked += 1
        yield {"type": "start", "model": "m"}

    dry = CompletionService(lambda *_: nothing(), lambda generation: None)
    assert await ask(dry, at("x = ")) is None
    assert await ask(dry, at("x = ")) is None
    assert asked == 2


async def test_typing_exactly_what_has_been_said_waits_for_more(
    service: CompletionService, model: Model, patient: None
) -> None:
    grown: list[Offer] = []
    await grows(service, model, grown)
    for version, typed in ((2, "result = 0"), (3, "result = 0\n    fo")):
        here = at(f"def total(items):\n    {typed}", version=version)
        service.changed(URI, [here])
        task = asyncio.create_task(ask(service, here, grown.append))
        await until(lambda here=here: service.last_context(URI) is here)  # type: ignore[misc]
    await model.heard()
    assert len(model.asked) == 1
    model.say(" item in items:\n")
    offer = await task
    assert offer is not None
    assert offer.suggestion.text == "r item in items:"
    assert len(model.asked) == 1
    assert model.cancelled == []
    model.say("        result += item\n    return result\n")
    model.end()
    await until(lambda: grown[-1].suggestion.complete)
    assert grown[-1].context.version == 3
    assert grown[-1].suggestion.text.startswith("r item in items:\n        result += item")


async def test_when_nothing_more_comes_what_follows_is_asked(
    service: CompletionService, model: Model, patient: None
) -> None:
    await grows(service, model, [])
    here = at("def total(items):\n    result = 0\n    for", version=2)
    service.changed(URI, [here])
    task = asyncio.create_task(ask(service, here, lambda offer: None))
    await until(lambda: service.last_context(URI) is here)
    model.end()
    await until(lambda: len(model.asked) == 2)
    assert model.asked[1].prefix == here.prefix
    model.say(" item in items:\n")
    offer = await task
    assert offer is not None
    assert offer.suggestion.text == " item in items:"


async def test_what_is_computed_ahead_survives_typing_towards_it(
    service: CompletionService, model: Model, patient: None
) -> None:
    task = asyncio.create_task(ask(service, at("x = "), lambda offer: None, prefetch=True))
    await until(lambda: model.asked)
    model.say("compute(1)")
    model.end()
    assert await task is not None
    await until(lambda: len(model.asked) == 2)
    for version, typed in enumerate(("c", "comp", "compute(1)"), 2):
        service.changed(URI, [at(f"x = {typed}", version=version)])
    await model.heard()
    assert service.busy(URI)
    service.changed(URI, [at("x = compute(2)", version=5)])
    await until(lambda: model.cancelled)
    assert model.cancelled == [model.asked[1]]


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
    await until(lambda: not service.busy(URI))
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
    await until(lambda: not service.busy(URI))
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


async def test_for_a_client_that_cannot_grow_what_follows_is_computed_ahead_too(
    service: CompletionService, model: Model
) -> None:
    task = asyncio.create_task(ask(service, at("x = "), prefetch=True))
    await until(lambda: model.asked)
    model.say("compute(1)")
    model.end()
    assert await task is not None
    await until(lambda: len(model.asked) == 2)
    assert model.asked[1].prefix == "x = compute(1)"
    assert model.priorities == ["foreground", "background"]


async def test_an_error_is_reported_once_and_the_next_request_asks_again(
    service: CompletionService, model: Model, errors: list[IdeAgentError]
) -> None:
    task = asyncio.create_task(ask(service, at("x = ")))
    await until(lambda: model.asked)
    model.fail()
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
    service.closed(URI)
    assert await task is None
    await until(lambda: model.cancelled)
    assert service.last_context(URI) is None


SLOW = {"debounce_min_ms": 20, "debounce_max_ms": 20}


@pytest.mark.parametrize("end", ["closed", "reset"])
async def test_a_request_that_waits_for_a_pause_dies_with_its_document(
    service: CompletionService, model: Model, end: str
) -> None:
    task = asyncio.create_task(ask(service, at("x = q"), **SLOW))
    await until(lambda: service.last_context(URI) is not None)
    service.closed(URI) if end == "closed" else service.reset()
    assert await task is None
    assert model.asked == []


async def test_after_a_reset_the_limits_of_the_pause_are_the_new_ones(
    service: CompletionService, model: Model
) -> None:
    never = {"debounce_min_ms": 3_600_000, "debounce_max_ms": 3_600_000}
    task = asyncio.create_task(ask(service, at("x = q"), **never))
    await until(lambda: service.last_context(URI) is not None)
    service.reset()
    assert await answered(service, model, at("x = q"), "uick()") is not None
    task.cancel()


async def test_what_is_said_before_the_wait_begins_is_heard(service: CompletionService, model: Model) -> None:
    task = asyncio.create_task(ask(service, at("x = ")))
    await until(lambda: model.asked)
    generation = service._documents[URI].generation
    assert generation is not None
    waiting = generation.heard()
    model.say("1")
    await model.heard()
    await asyncio.wait_for(waiting, 30)
    model.end()
    assert await task is not None


@pytest.mark.parametrize(
    "line",
    [
        "(a() * 10) + (b() * 10) + (b() * 10) + (b() * 10) + (b() * 10) + ",
        " + ".join(f"name_{n}" for n in range(100, 160)),
    ],
    ids=["circles", "never ends"],
)
async def test_a_line_that_comes_to_nothing_is_stopped_before_its_end(
    service: CompletionService, model: Model, line: str
) -> None:
    task = asyncio.create_task(ask(service, at("def f():\n    return ")))
    await until(lambda: model.asked)
    model.say(line[:20])
    await model.heard()
    assert service.busy(URI)
    model.say(line[20:])
    assert await task is None
    await until(lambda: model.cancelled)

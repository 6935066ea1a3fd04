"""The completion policy with a scripted model in place of the host: a request and its answer."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from ide_agent.errors import EngineCrashed, IdeAgentError
from ide_agent.features.completion import service as service_module
from ide_agent.features.completion.cursor import Offer
from ide_agent.features.completion.service import CompletionService
from support.scripted_model import URI, Model, answered, ask, at, until


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


async def test_the_answer_does_not_wait_for_the_connection_to_close(
    service: CompletionService, model: Model
) -> None:
    model.closing.clear()
    offer = await answered(service, model, at("x = "), "compute(1)")
    assert offer is not None
    assert offer.suggestion.complete
    assert model.open == 1
    model.closing.set()
    await until(lambda: model.open == 0)


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


async def test_nothing_worth_showing_is_not_asked_twice(service: CompletionService, model: Model) -> None:
    assert await answered(service, model, at("x = "), "") is None
    assert await ask(service, at("x = ")) is None
    assert len(model.asked) == 1
    again = asyncio.create_task(ask(service, replace(at("x = "), invoked=True)))
    await until(lambda: len(model.asked) == 2)
    model.say("now()")
    model.end()
    assert await again is not None


async def test_what_is_typed_while_nothing_comes_is_asked_after_it(
    service: CompletionService, model: Model
) -> None:
    empty = asyncio.create_task(ask(service, at("", "")))
    await until(lambda: model.asked)
    typed = asyncio.create_task(ask(service, at("#", "", version=2)))
    assert await empty is None
    model.end()
    await until(lambda: len(model.asked) == 2)
    model.say(" Notes")
    model.end()
    offer = await typed
    assert offer is not None
    assert offer.suggestion.text == " Notes"


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


async def test_a_client_that_cannot_grow_does_not_wait_for_a_slow_model(
    service: CompletionService, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "_PATIENCE_S", 0.01)
    task = asyncio.create_task(ask(service, at("def total(items):\n    ")))
    await until(lambda: model.asked)
    model.say("result = 0\n    ret")
    offer = await task
    assert offer is not None
    assert offer.suggestion.text == "result = 0"
    assert model.cancelled == []


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


async def test_where_the_model_was_not_asked_it_is_asked_the_next_time(
    service: CompletionService, model: Model
) -> None:
    task = asyncio.create_task(ask(service, at("x = ")))
    await until(lambda: model.asked)
    model.end(reason="skipped")
    assert await task is None
    task = asyncio.create_task(ask(service, at("x = ")))
    await until(lambda: len(model.asked) == 2)
    model.say("1")
    model.end()
    assert await task is not None

"""The completion policy while the user types on: what the model says goes on, or is asked anew."""

import asyncio

import pytest

from ide_agent.errors import IdeAgentError
from ide_agent.features.completion import activity
from ide_agent.features.completion.cursor import Offer
from ide_agent.features.completion.service import CompletionService
from support.scripted_model import URI, Model, answered, ask, at, until


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


async def test_who_is_as_far_as_the_model_and_is_overtaken_waits_no_longer(
    service: CompletionService, model: Model
) -> None:
    head = "def total(items):\n    "
    first = asyncio.create_task(ask(service, at(head)))
    await until(lambda: model.asked)
    model.say("result = 0\n    for")
    await model.heard()
    second = asyncio.create_task(ask(service, at(head + "result = 0", version=2)))
    assert await first is None
    third = asyncio.create_task(ask(service, at(head + "result = 0\n", version=3)))
    assert await second is None  # though the model goes on
    model.say(" item in items:\n        result += item\n    return result\n")
    model.end()
    offer = await third
    assert offer is not None
    assert offer.suggestion.text.startswith("    for item in items:")


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


async def test_case_27_what_the_user_just_deleted_is_not_brought_back(
    service: CompletionService, model: Model
) -> None:
    await answered(service, model, at("x = old_name"), "()")
    await answered(service, model, at("x = ", version=2), "old_name")
    assert model.asked[-1].removed == "old_name"
    assert await ask(service, at("x = ", version=2)) is None

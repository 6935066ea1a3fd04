"""The completion policy ahead of the user: what follows a suggestion is computed before it is taken."""

import asyncio

from ide_agent.features.completion.service import CompletionService
from support.scripted_model import URI, Model, ask, at, until


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


async def test_the_user_does_not_wait_for_the_turn_of_what_is_computed_ahead(
    service: CompletionService, model: Model
) -> None:
    model.queues = True
    task = asyncio.create_task(ask(service, at("x = "), lambda offer: None, prefetch=True))
    await until(lambda: model.asked)
    model.say("compute(1)")
    model.end()
    assert await task is not None
    await until(lambda: len(model.asked) == 2)
    task = asyncio.create_task(ask(service, at("x = compute(1)", version=2), prefetch=False))
    await until(lambda: len(model.asked) == 3)
    assert model.priorities == ["foreground", "background", "foreground"]
    model.say(" + 3")
    model.end()
    offer = await task
    assert offer is not None
    assert offer.suggestion.text == " + 3"
    assert model.most_open == 1


async def test_of_a_model_on_another_machine_nothing_is_asked_ahead(
    service: CompletionService, model: Model
) -> None:
    model.local = False
    task = asyncio.create_task(ask(service, at("x = "), lambda offer: None, prefetch=True))
    await until(lambda: model.asked)
    model.say("compute(1)")
    model.end()
    offer = await task
    assert offer is not None
    await until(lambda: not service.busy(URI))
    assert await ask(service, at("x = "), prefetch=True) is not None
    assert model.priorities == ["foreground"]

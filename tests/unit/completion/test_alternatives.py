"""Asked again where it has answered, the policy says what it said and one thing more."""

import asyncio
from dataclasses import replace

import pytest

from ide_agent.errors import EngineCrashed, IdeAgentError
from ide_agent.features.completion.alternatives import MOST, NUMBERS, TRIES
from ide_agent.features.completion.cursor import CursorContext, Offer
from ide_agent.features.completion.service import CompletionService
from support.scripted_model import SETTINGS, URI, Model, answered, ask, at, until

HERE = at("x = ")
AGAIN = replace(HERE, invoked=True)


async def shows(service: CompletionService, model: Model, text: str) -> Offer:
    """`text` was answered to an automatic request, and the client shows it."""
    offer = await answered(service, model, HERE, text)
    assert offer is not None
    service.shown(offer.completion_id)
    return offer


def begin(service: CompletionService, context: CursorContext = AGAIN) -> asyncio.Task[list[Offer] | None]:
    return asyncio.create_task(service.another(context, SETTINGS))


async def another(
    service: CompletionService, model: Model, *texts: str, context: CursorContext = AGAIN
) -> list[str]:
    """All suggestions, after the model was asked for one more and said `texts`, one after the other."""
    task = begin(service, context)
    for text in texts:
        count = len(model.asked)
        await until(lambda asked=count: len(model.asked) > asked)
        model.say(text)
        model.end()
    offers = await task
    assert offers is not None
    assert all(offer.suggestion.complete for offer in offers)
    assert len({offer.completion_id for offer in offers}) == len(offers)
    return [offer.suggestion.text for offer in offers]


async def found(service: CompletionService, model: Model, text: str) -> list[Offer]:
    """The same, as they are."""
    task = begin(service)
    count = len(model.asked)
    await until(lambda: len(model.asked) > count)
    model.say(text)
    model.end()
    offers = await task
    assert offers is not None
    return offers


async def test_one_more_each_time_and_the_order_stays(service: CompletionService, model: Model) -> None:
    await shows(service, model, "a()")
    assert await another(service, model, "b()") == ["a()", "b()"]
    assert await another(service, model, "c()") == ["a()", "b()", "c()"]
    assert model.alternatives == [0, 1, 2]
    assert model.priorities == ["foreground"] * 3
    assert model.asked[1:] == [HERE, HERE], "the prompt is that of the first"


async def test_the_first_is_the_one_that_was_answered(service: CompletionService, model: Model) -> None:
    first = await shows(service, model, "a()")
    offers = await found(service, model, "b()")
    assert offers[0].completion_id == first.completion_id
    assert offers[1].model == "scripted"
    assert offers[1].latency_ms > 0


async def test_where_nothing_was_answered_there_is_no_other(service: CompletionService, model: Model) -> None:
    assert await service.another(AGAIN, SETTINGS) is None
    await shows(service, model, "a()")
    assert await service.another(replace(AGAIN, version=2), SETTINGS) is None
    assert await service.another(at("x = a"), SETTINGS) is None
    assert len(model.asked) == 1


async def test_where_nothing_shows_what_is_known_comes_first(
    service: CompletionService, model: Model
) -> None:
    await answered(service, model, HERE, "a()")
    assert await service.another(AGAIN, SETTINGS) is None, "nobody said that it shows"
    offer = await ask(service, AGAIN)
    assert offer is not None
    assert offer.suggestion.text == "a()"
    assert len(model.asked) == 1
    assert await another(service, model, "b()") == ["a()", "b()"], "who asked by hand sees what he got"


async def test_what_shows_no_longer_comes_first(service: CompletionService, model: Model) -> None:
    first = await shows(service, model, "a()")
    service.hidden("another")
    offers = await found(service, model, "b()")
    service.hidden(first.completion_id)
    assert await service.another(AGAIN, SETTINGS) is None
    service.shown(offers[1].completion_id)
    assert await another(service, model, "c()") == ["a()", "b()", "c()"]


async def test_what_was_answered_elsewhere_shows_instead(service: CompletionService, model: Model) -> None:
    await shows(service, model, "a()")
    await found(service, model, "b()")
    await answered(service, model, at("y = "), "")
    assert await service.another(AGAIN, SETTINGS) is None


async def test_where_the_answer_still_grows_there_is_no_other(
    service: CompletionService, model: Model
) -> None:
    context = at("def total(items):\n    ")
    task = asyncio.create_task(ask(service, context, lambda offer: None))
    await until(lambda: model.asked)
    model.say("result = 0\n    for")
    assert await task is not None
    assert await service.another(context, SETTINGS) is None
    assert model.cancelled == []


async def test_it_ends_with_a_few(service: CompletionService, model: Model) -> None:
    await shows(service, model, "a0()")
    for n in range(1, MOST):
        await another(service, model, f"a{n}()")
    assert await another(service, model) == [f"a{n}()" for n in range(MOST)]
    assert len(model.asked) == MOST


async def test_a_model_that_repeats_itself_is_let_go(service: CompletionService, model: Model) -> None:
    await shows(service, model, "a()")
    assert await another(service, model, "a()", "b()") == ["a()", "b()"]
    assert await another(service, model, *["a()", "b()"][:TRIES]) == ["a()", "b()"]
    assert model.alternatives == [0, 1, 2, 3, 4]
    while len(model.asked) <= NUMBERS:
        await another(service, model, *["a()"] * TRIES)
    assert await another(service, model) == ["a()", "b()"]
    assert max(model.alternatives) == NUMBERS


async def test_nothing_worth_showing_is_no_other(service: CompletionService, model: Model) -> None:
    await shows(service, model, "a()")
    assert await another(service, model, "", "") == ["a()"]


async def test_a_failure_leaves_what_is_known(
    service: CompletionService, model: Model, errors: list[IdeAgentError]
) -> None:
    await shows(service, model, "a()")
    task = begin(service)
    await until(lambda: len(model.asked) == 2)
    model.fail()
    offers = await task
    assert offers is not None
    assert [offer.suggestion.text for offer in offers] == ["a()"]
    assert [type(error) for error in errors] == [EngineCrashed]
    assert await another(service, model, "b()") == ["a()", "b()"]
    assert model.alternatives == [0, 1, 1]


async def test_a_cancelled_request_stops_the_engine(service: CompletionService, model: Model) -> None:
    await shows(service, model, "a()")
    task = begin(service)
    await until(lambda: model.open == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: model.cancelled)
    assert not service.busy(URI)


async def test_typing_on_stops_the_engine(service: CompletionService, model: Model) -> None:
    await shows(service, model, "a()")
    task = begin(service)
    await until(lambda: model.open == 1)
    service.changed(URI, [at("x = a", version=2)])
    assert await task == []
    await until(lambda: model.cancelled)
    offer = await ask(service, at("x = a", version=2))
    assert offer is not None
    assert offer.suggestion.text == "()"


async def test_a_newer_request_stops_the_engine(service: CompletionService, model: Model) -> None:
    await shows(service, model, "a()")
    old = begin(service)
    await until(lambda: model.open == 1)
    assert await another(service, model, "b()") == ["a()", "b()"]
    assert await old == []
    assert model.most_open == 1


async def test_the_suggestion_goes_on_ahead_of_the_one_that_was_found(
    service: CompletionService, model: Model
) -> None:
    ahead = SETTINGS.model_copy(update={"prefetch": True})
    await shows(service, model, "a()")
    task = asyncio.create_task(service.another(AGAIN, ahead))
    await until(lambda: len(model.asked) == 2)
    model.say("b()")
    model.end()
    await task
    await until(lambda: len(model.asked) == 3)
    assert (model.asked[-1].prefix, model.priorities[-1]) == ("x = b()", "background")


async def test_what_shows_is_gone_on_from_where_there_is_no_other(
    service: CompletionService, model: Model
) -> None:
    ahead = SETTINGS.model_copy(update={"prefetch": True})
    task = asyncio.create_task(service.suggest(AGAIN, ahead, None))
    await until(lambda: model.asked)
    model.say("a()")
    model.end()
    await task
    await until(lambda: len(model.asked) == 2)
    search = asyncio.create_task(service.another(AGAIN, ahead))
    for count in range(TRIES):
        await until(lambda asked=count: len(model.asked) == 3 + asked)
        model.say("a()")
        model.end()
    await search
    assert model.cancelled == [model.asked[1]], "the search comes first"
    await until(lambda: len(model.asked) == 3 + TRIES)
    assert (model.asked[-1].prefix, model.priorities[-1]) == ("x = a()", "background")


async def test_after_a_failure_nothing_goes_on(service: CompletionService, model: Model) -> None:
    await shows(service, model, "a()")
    task = asyncio.create_task(service.another(AGAIN, SETTINGS.model_copy(update={"prefetch": True})))
    await until(lambda: len(model.asked) == 2)
    model.fail()
    await task
    assert not service.busy(URI)


async def test_what_is_typed_along_another_is_answered_with_it(
    service: CompletionService, model: Model
) -> None:
    await shows(service, model, "min(a)")
    await another(service, model, "max(a)")
    texts = [await ask(service, at(f"x = {typed}", version=2)) for typed in ("", "m", "ma", "mi")]
    assert [offer and offer.suggestion.text for offer in texts] == ["min(a)", "in(a)", "x(a)", "n(a)"]
    assert len(model.asked) == 2


async def test_what_is_typed_along_the_one_that_shows_stays(service: CompletionService, model: Model) -> None:
    await shows(service, model, "min(a)")
    await another(service, model, "max(a)")
    offers = await found(service, model, "sum(a)")
    service.shown(offers[1].completion_id)
    offer = await ask(service, at("x = m", version=2))
    assert offer is not None
    assert (offer.suggestion.text, offer.completion_id) == ("ax(a)", offers[1].completion_id)


async def test_there_are_others_for_what_is_left_of_one(service: CompletionService, model: Model) -> None:
    await shows(service, model, "min(a)")
    await ask(service, at("x = m", version=2))
    there = at("x = m", version=2)
    assert await another(service, model, "ax(a)", context=there) == ["in(a)", "ax(a)"]


async def test_what_is_left_of_the_first_goes_before_the_others(
    service: CompletionService, model: Model
) -> None:
    first = await shows(service, model, "min(a, b)")
    there = at("x = m", version=2)
    await ask(service, there)
    await another(service, model, "int(a)", context=there)
    offers = [await ask(service, at(f"x = {typed}", version=3)) for typed in ("m", "mi", "min")]
    assert [offer and offer.suggestion.text for offer in offers] == ["in(a, b)", "n(a, b)", "(a, b)"]
    assert {offer and offer.completion_id for offer in offers} == {first.completion_id}
    offer = await ask(service, at("x = mint", version=3))
    assert offer is not None
    assert offer.suggestion.text == "(a)"


@pytest.mark.parametrize("which", [0, 1])
async def test_dismissed_they_are_forgotten(service: CompletionService, model: Model, which: int) -> None:
    await shows(service, model, "a()")
    offers = await found(service, model, "b()")
    task = begin(service)
    await until(lambda: model.open == 1)
    service.dismissed(offers[which].completion_id)
    assert await task == []
    await until(lambda: model.cancelled)
    assert await service.another(AGAIN, SETTINGS) is None
    offer = await answered(service, model, HERE, "c()")
    assert offer is not None
    assert offer.suggestion.text == "c()", "neither of them was served"

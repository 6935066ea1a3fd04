"""The end of a generation: told once, whatever comes, and final."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from ide_agent.errors import EngineCrashed, HostUnavailable, IdeAgentError
from ide_agent.features.completion.generation import Generation
from ide_agent.features.completion.shape import decide
from support.scripted_model import SETTINGS, Model, at, until

CONTEXT = at("x = ")
Stream = AsyncGenerator[dict[str, Any], None]


class Told:
    """What `on_grown` has seen: of each call, whether that was the end."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.calls: list[bool] = []
        self.failure = failure

    def __call__(self, generation: Generation) -> None:
        self.calls.append(generation.done)
        if self.failure is not None:
            raise self.failure


def begin(model: Model, told: Told, stream: Stream | None = None) -> Generation:
    shape = decide(CONTEXT, SETTINGS.max_lines)
    return Generation("id", CONTEXT, shape, stream or model(CONTEXT, shape, SETTINGS, "foreground", 0), told)


async def over(generation: Generation) -> None:
    async with asyncio.timeout(30):
        await generation.finished()


async def succeed(model: Model, generation: Generation) -> None:
    model.say("compute(1)")
    model.end()


async def fail(model: Model, generation: Generation) -> None:
    model.fail()


async def break_off(model: Model, generation: Generation) -> None:
    model.mouths[-1].put_nowait({"type": "text"})  # which is not what was agreed


async def cancel(model: Model, generation: Generation) -> None:
    await until(lambda: generation.model)
    generation.cancel()


async def cancel_at_once(model: Model, generation: Generation) -> None:
    generation.cancel()
    generation.cancel()


ENDS = [succeed, fail, break_off, cancel, cancel_at_once]
End = Callable[[Model, Generation], Any]


@pytest.mark.parametrize("end", ENDS)
async def test_the_end_is_told_once(model: Model, end: End) -> None:
    told = Told()
    generation = begin(model, told)
    await end(model, generation)
    await over(generation)
    await until(lambda: model.open == 0)
    generation.cancel()
    await asyncio.sleep(0)  # for the callbacks of the task that has ended just now
    assert told.calls == [True]
    assert generation.conclusive == (end is succeed)


@pytest.mark.parametrize("end", ENDS)
async def test_whoever_fails_to_hear_of_the_end_does_not_hold_it_up(model: Model, end: End) -> None:
    told = Told(ValueError("a listener"))
    generation = begin(model, told)
    heard = generation.heard()
    await end(model, generation)
    await over(generation)
    await asyncio.wait_for(heard, 30)
    await until(lambda: model.open == 0)
    assert told.calls == [True]
    assert generation.done


async def test_a_finished_one_closes_its_connection_undisturbed(model: Model) -> None:
    model.closing.clear()
    generation = begin(model, Told())
    await succeed(model, generation)
    await over(generation)
    generation.cancel()
    assert model.open == 1
    model.closing.set()
    await until(lambda: model.open == 0)
    assert model.cancelled == []


@pytest.mark.parametrize("failure", [HostUnavailable(), ValueError("a transport")])
async def test_a_connection_that_fails_to_close_does_not_undo_the_end(
    model: Model, failure: Exception
) -> None:
    closed = False

    async def breaks() -> Stream:
        nonlocal closed
        try:
            yield {"type": "text", "text": "compute(1)"}
            yield {"type": "done", "finish_reason": "stop"}
        finally:
            closed = True
            raise failure

    told = Told()
    generation = begin(model, told, breaks())
    await over(generation)
    await until(lambda: closed)
    await asyncio.sleep(0)  # what was raised has come to where it is caught
    assert generation.suggestion is not None
    assert generation.suggestion.text == "compute(1)"
    assert (generation.conclusive, generation.error, told.calls) == (True, None, [True])


@pytest.mark.parametrize(("end", "kind"), [(fail, EngineCrashed), (break_off, IdeAgentError)])
async def test_a_failure_before_the_end_is_its_error(
    model: Model, end: End, kind: type[IdeAgentError]
) -> None:
    generation = begin(model, Told())
    await end(model, generation)
    await over(generation)
    assert type(generation.error) is kind

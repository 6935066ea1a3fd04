from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast

import pytest

from ide_agent.errors import EngineCrashed, EngineError, RemoteRefused
from ide_agent.features.completion.dialects.asker import Asker, Piece, Start
from ide_agent.features.completion.dialects.ways import Asked
from ide_agent.features.completion.wire import CompletionRequest
from ide_agent.inference.model import Model


class Scripted:
    """Answers with the next of `answers`: events, or an error."""

    name, backend, dialect = "m", "b", "openai"

    def __init__(self, *answers: list[dict[str, Any]] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.turns: list[str] = []
        self.closed = 0

    @asynccontextmanager
    async def turn(self, priority: str) -> AsyncGenerator[None]:
        self.turns.append(priority)
        yield

    async def stream(self, path: str, payload: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        self.asked.append((path, payload))
        answer = self.answers.pop(0)
        try:
            if isinstance(answer, Exception):
                raise answer
            for event in answer:
                yield event
        finally:
            self.closed += 1


def text(*pieces: str, end: str | None = "stop") -> list[dict[str, Any]]:
    events = [{"choices": [{"text": piece, "finish_reason": None}]} for piece in pieces]
    return [*events, {"choices": [{"text": "", "finish_reason": end}]}]


NO_PATH = EngineError("error.engine.refused", reason="no", status=404)
SAID = [{"choices": [{"delta": {"content": "5"}, "finish_reason": "stop"}]}]


async def ask(
    model: Scripted,
    asker: Asker | None = None,
    id: str = "starcoder",
    endpoint: object = None,
    **more: Any,
) -> list[Any]:
    body = CompletionRequest.model_validate({"document": "d", "prefix": "x = "} | more)
    pieces = (asker or Asker()).ask(
        cast("Model", model), Asked(id, endpoint=endpoint), body, lambda tokens: tokens
    )
    async with aclosing(pieces):
        return [piece async for piece in pieces]


async def test_first_how_it_begins_then_what_it_says() -> None:
    start, *pieces = await ask(Scripted(text("a", "b", end="length")))
    assert start == Start(True, start.tokens)
    assert start.tokens > 0
    assert pieces == [Piece("a"), Piece("b"), Piece(""), Piece("", "length")]


async def test_an_answer_without_an_end_has_one() -> None:
    assert (await ask(Scripted(text("a", end=None))))[-1] == Piece("", "stop")


async def test_behind_a_stop_string_nothing_is_read() -> None:
    model = Scripted(text("a\nb", "c"))
    assert await ask(model, stop=["\n"]) == [Start(True, 3), Piece("a", "stop")]
    assert model.closed == 1


async def test_what_comes_behind_the_end_is_read_for_the_sake_of_its_cost() -> None:
    model = Scripted([*text("a"), {"choices": [], "usage": {"prompt_tokens": 1}}])
    assert [piece.text for piece in (await ask(model))[1:]] == ["a", "", "", ""]


async def test_who_refuses_is_asked_otherwise_from_then_on() -> None:
    model, asker = Scripted(NO_PATH, SAID, SAID), Asker()
    for _ in range(2):
        assert "".join(piece.text for piece in (await ask(model, asker))[1:]) == "5"
    assert [path for path, _ in model.asked] == ["/v1/completions"] + ["/v1/chat/completions"] * 2


@pytest.mark.parametrize(
    ("status", "reason", "lasts"),
    [
        (405, "no", True),
        (400, "The parameter `suffix` is not supported", True),
        (400, "prompt too long: 9000 tokens", False),
        (413, "suffix", False),
        (451, "no", False),
    ],
)
async def test_a_refusal_of_one_request_is_not_remembered(status: int, reason: str, lasts: bool) -> None:
    refusal = RemoteRefused(endpoint="e", reason=reason, status=status)
    model, asker = Scripted(refusal, SAID, SAID), Asker()
    for _ in range(2):
        await ask(model, asker)
    assert [path for path, _ in model.asked] == [
        "/v1/completions",
        "/v1/chat/completions",
        "/v1/chat/completions" if lasts else "/v1/completions",
    ]


async def test_with_other_settings_of_the_endpoint_refusals_are_forgotten() -> None:
    class Endpoint: ...

    one, other = Endpoint(), Endpoint()
    model, asker = Scripted(NO_PATH, SAID, SAID, SAID), Asker()
    for endpoint in (one, one, other):
        await ask(model, asker, endpoint=endpoint)
    paths = [path.removeprefix("/v1/") for path, _ in model.asked]
    assert paths == ["completions", "chat/completions", "chat/completions", "completions"]


async def test_who_breaks_down_is_not_asked_otherwise() -> None:
    model = Scripted(EngineCrashed(model="m", reason="r"))
    with pytest.raises(EngineCrashed):
        await ask(model)
    assert len(model.asked) == 1


async def test_the_turn_is_the_callers() -> None:
    model = Scripted(text("a"))
    await ask(model, priority="background")
    assert model.turns == ["background"]


async def test_alternatives_are_drawn_by_chance() -> None:
    model = Scripted(text("a"))
    await ask(model, alternative=2)
    assert model.asked[0][1]["temperature"] > 0.5

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from ide_agent.errors import EngineCrashed, EngineError
from ide_agent.host import sse
from support import model_folders
from support.adapter_folder import write_adapter
from support.fake_inference import FakeEngine, FakeInference


def data(body: str) -> list[str]:
    return [line.removeprefix("data: ") for line in body.split("\n") if line]


@pytest.mark.parametrize(
    ("path", "purpose", "needed"),
    [
        ("/v1/completions", "text", {"prompt": [4, 7]}),
        ("/v1/chat/completions", "text", {"messages": [{"unheard": "of"}]}),
        ("/v1/embeddings", "embedding", {"input": "x"}),
        ("/v1/rerank", "reranking", {"query": "x", "documents": ["a", ""], "top_n": 1}),
    ],
)
async def test_request_goes_to_the_engine_as_it_is(
    host: httpx.AsyncClient, engine: FakeEngine, path: str, purpose: str, needed: dict[str, object]
) -> None:
    engine.answer = {"object": "x", "model": "/secret/place/fake.gguf"}
    payload = {**needed, "model": "fake", "unheard_of": [1, {"a": None}], "temperature": 0.5}
    answer = await host.post(path, json={**payload, "interactive": True})  # which only ghost text is
    assert answer.json() == {"object": "x", "model": "fake"}
    assert engine.asked == [(path, payload)]
    assert FakeInference.current.purposes == [purpose]


@pytest.mark.parametrize("stream", [True, False])
async def test_who_types_goes_first(host: httpx.AsyncClient, engine: FakeEngine, stream: bool) -> None:
    engine.chunks = [{"choices": []}]
    await host.post("/v1/completions", json={"prompt": "x", "stream": stream})
    assert engine.turns == ["api"]
    assert engine.open_when_asked == [1]
    assert engine.open == 0


@pytest.mark.parametrize("name", ["", "default", "fake", None])
async def test_names_of_the_default_model(
    host: httpx.AsyncClient, engine: FakeEngine, name: str | None
) -> None:
    answer = await host.post(
        "/v1/completions", json={"prompt": "x"} | ({} if name is None else {"model": name})
    )
    assert answer.status_code == 200


async def test_unknown_model(host: httpx.AsyncClient) -> None:
    for answer in (
        await host.post("/v1/completions", json={"prompt": "x", "model": "nobody/knows"}),
        await host.post("/v1/completions", json={"prompt": "x", "model": "nobody/knows", "stream": True}),
        await host.get("/v1/models/nobody/knows"),
    ):
        assert answer.status_code == 404
        error = answer.json()["error"]
        assert error["type"] == "ModelNotFound"
        assert "nobody/knows" in error["message"]


async def test_adapters_are_listed_beside_their_model(host: httpx.AsyncClient, tmp_path: Path) -> None:
    folder = model_folders.llama(tmp_path / "models" / "m")
    write_adapter(folder / "adapters" / "house", model_folders.LLAMA, rank=2, strength=0)
    listed = (await host.get("/v1/models")).json()["data"]
    assert [each["id"] for each in listed] == ["m", "m:house"]
    for each in listed:
        assert (await host.get(f"/v1/models/{each['id']}")).json() == each
        assert (await host.get(f"/v1/models/{each['id'].upper()}")).json() == each
    assert (await host.get("/v1/models/m:none")).status_code == 404


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("path", "needed"), [("completions", "prompt"), ("chat/completions", "messages"), ("embeddings", "input")]
)
async def test_what_is_missing_is_named(
    host: httpx.AsyncClient, engine: FakeEngine, path: str, needed: str, stream: bool
) -> None:
    for body in ({}, {needed: None}, {needed: []}):
        answer = await host.post(f"/v1/{path}", json={**body, "stream": stream})
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == f"The request is not valid: {needed}: missing or empty."
    assert engine.asked == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"documents": ["a"]}, "query: not a text, or empty"),
        ({"query": " ", "documents": ["a"]}, "query: not a text, or empty"),
        ({"query": "x"}, "documents: missing or empty"),
        ({"query": "x", "documents": "a"}, "documents: not a list of texts"),
        ({"query": "x", "documents": ["a", {"text": "b"}]}, "documents.1: not a text"),
        ({"query": "x", "documents": ["a"] * 1001}, "documents: more than 1000"),
        ({"query": "x", "documents": ["a"], "top_n": 0}, "top_n: not a whole number above 0"),
        ({"query": "x", "documents": ["a"], "top_n": True}, "top_n: not a whole number above 0"),
        ({"query": "x", "documents": ["a"], "stream": True}, "stream: a ranking comes in one piece"),
    ],
)
async def test_what_cannot_be_ranked_is_said(
    host: httpx.AsyncClient, engine: FakeEngine, body: dict[str, object], problem: str
) -> None:
    answer = await host.post("/v1/rerank", json=body)
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["params"] == {"problem": problem}
    assert engine.asked == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"prompt": "x", "model": 3}', b"\xff"])
async def test_body_that_makes_no_sense(host: httpx.AsyncClient, body: bytes) -> None:
    answer = await host.post("/v1/completions", content=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "error.request.invalid"


@pytest.mark.parametrize("depth", [200, 900, 970, 100_000])
@pytest.mark.parametrize("inner", ["[]", '{"a":{}}'])
async def test_what_is_nested_too_deep_is_refused(
    host: httpx.AsyncClient, engine: FakeEngine, depth: int, inner: str
) -> None:
    opening, closing = ("[", "]") if inner == "[]" else ('{"a":', "}")
    body = f'{{"prompt": "x", "y": {opening * depth}{inner}{closing * depth}}}'
    answer = await host.post("/v1/completions", content=body)
    assert answer.status_code == 422
    assert "nested" in answer.json()["error"]["message"]
    assert engine.asked == []


async def test_what_is_nested_is_passed_on(host: httpx.AsyncClient, engine: FakeEngine) -> None:
    schema = json.loads('{"a":' * 190 + "{}" + "}" * 190)
    answer = await host.post("/v1/completions", json={"prompt": "x", "json_schema": schema})
    assert answer.status_code == 200
    assert engine.asked[0][1] == {"prompt": "x", "json_schema": schema}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"model": "\ud800"}, 404),
        ({"model": "api/\udfff"}, 404),
        ({"ide_agent": {"\ud800": 1}}, 422),
        ({"ide_agent": {"task": "\ud800"}}, 422),
        ({"ide_agent": {"path": "\ud800", "workspace": "/\ud800"}}, 422),
        ({"max_tokens": "\ud800"}, 200),
        ({"messages": [{"role": "user", "content": "half \ud800"}]}, 200),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_half_a_character_breaks_nothing(
    host: httpx.AsyncClient, more: dict[str, object], status: int, stream: bool
) -> None:
    body = {"messages": [{"role": "user", "content": "x"}], **more, "stream": stream}
    answer = await host.post("/v1/chat/completions", content=json.dumps(body))
    assert answer.status_code == status, answer.text


async def test_stream_is_passed_on_and_ends_as_openai_does(
    host: httpx.AsyncClient, engine: FakeEngine
) -> None:
    engine.chunks = [{"model": "/p", "choices": [{"text": "ş\u2028"}]}, {"model": "/p", "choices": []}]
    answer = await host.post("/v1/completions", json={"prompt": "x", "stream": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.content.isascii()
    *chunks, end = data(answer.text)
    assert [json.loads(chunk) for chunk in chunks] == [
        {"model": "fake", "choices": [{"text": "ş\u2028"}]},
        {"model": "fake", "choices": []},
    ]
    assert end == "[DONE]"


@pytest.mark.parametrize("stream", [True, False])
async def test_refusal_of_the_engine_is_the_callers_fault(
    host: httpx.AsyncClient, engine: FakeEngine, stream: bool
) -> None:
    refusal = EngineError("error.engine.refused", reason="prompt is required")
    engine.chunks, engine.answer = [refusal], refusal
    answer = await host.post("/v1/completions", json={"prompt": "x", "stream": stream})
    assert answer.status_code == 400
    assert answer.json()["error"]["params"] == {"reason": "prompt is required"}


@pytest.fixture
def gate(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Until it is set nobody gets a turn, which is a long wait."""
    opened, turn = asyncio.Event(), engine.turn

    @asynccontextmanager
    async def late(priority: str) -> AsyncIterator[None]:
        try:
            await opened.wait()
        finally:
            engine.cancelled.set()
        async with turn(priority):
            yield

    monkeypatch.setattr(engine, "turn", late)
    monkeypatch.setattr(sse, "_QUIET_SECONDS", 0.01)
    return opened


async def waited(host: httpx.AsyncClient, gate: asyncio.Event) -> list[str]:
    """The lines of an answer that begins while its model is waited for."""
    read = ""
    async with host.stream("POST", "/v1/completions", json={"prompt": "x", "stream": True}) as answer:
        assert answer.status_code == 200
        async for text in answer.aiter_text():
            read += text
            if read.count(": still there") == 2:
                gate.set()
    return data(read)


async def test_a_stream_that_waits_for_its_model_is_not_silent(
    host: httpx.AsyncClient, engine: FakeEngine, gate: asyncio.Event
) -> None:
    engine.chunks = [{"choices": [{"text": "a"}]}, {"choices": []}]
    lines = await waited(host, gate)
    assert lines[:2] == [": still there"] * 2
    told = [line for line in lines if not line.startswith(":")]
    assert told == ['{"choices":[{"text":"a"}]}', '{"choices":[]}', "[DONE]"]


@pytest.mark.parametrize(
    "failure",
    [EngineCrashed(model="fake", reason="SIGKILL"), EngineError("error.engine.refused", reason="no")],
)
async def test_what_fails_after_a_long_wait_is_an_event(
    host: httpx.AsyncClient, engine: FakeEngine, gate: asyncio.Event, failure: EngineError
) -> None:
    engine.chunks = [failure]
    *_, told, end = await waited(host, gate)
    assert json.loads(told)["error"]["code"] == failure.key_used
    assert end == "[DONE]"


async def test_who_leaves_during_a_long_wait_waits_no_longer(
    host: httpx.AsyncClient, engine: FakeEngine, gate: asyncio.Event
) -> None:
    async with host.stream("POST", "/v1/completions", json={"prompt": "x", "stream": True}) as answer:
        await anext(answer.aiter_raw())
    async with asyncio.timeout(60):
        await engine.cancelled.wait()
    assert engine.asked == []


@pytest.mark.parametrize("stream", [True, False])
async def test_crash_before_the_first_word_has_a_status(
    host: httpx.AsyncClient, engine: FakeEngine, stream: bool
) -> None:
    crash = EngineCrashed(model="fake", reason="SIGKILL")
    engine.chunks, engine.answer = [crash], crash
    answer = await host.post("/v1/completions", json={"prompt": "x", "stream": stream})
    assert answer.status_code == 502
    assert answer.json()["error"]["type"] == "EngineCrashed"


async def test_crash_in_the_middle_is_the_last_event(host: httpx.AsyncClient, engine: FakeEngine) -> None:
    engine.chunks = [{"choices": []}, EngineCrashed(model="fake", reason="SIGKILL")]
    answer = await host.post("/v1/completions", json={"prompt": "x", "stream": True})
    assert answer.status_code == 200
    first, error, *_ = data(answer.text)
    assert json.loads(first) == {"choices": []}
    assert json.loads(error)["error"]["type"] == "EngineCrashed"


@pytest.mark.parametrize("chunks", [[None], [{"choices": []}, None]], ids=["before", "after the first chunk"])
async def test_client_that_leaves_a_stream_cancels_the_engine(
    host: httpx.AsyncClient, engine: FakeEngine, chunks: list[dict[str, object] | None]
) -> None:
    engine.chunks = [*chunks]

    async def read() -> None:
        async with host.stream("POST", "/v1/completions", json={"prompt": "x", "stream": True}) as answer:
            async for _ in answer.aiter_raw():
                pass

    await leave(read(), engine)


async def test_client_that_leaves_a_plain_request_cancels_the_engine(
    host: httpx.AsyncClient, engine: FakeEngine
) -> None:
    engine.answer = None
    await leave(host.post("/v1/completions", json={"prompt": "x"}), engine)


async def leave(request: object, engine: FakeEngine) -> None:
    reading = asyncio.ensure_future(request)  # type: ignore[arg-type, var-annotated]
    while not engine.asked:
        await asyncio.sleep(0.005)
    reading.cancel()
    await asyncio.wait([reading])
    await asyncio.wait_for(engine.cancelled.wait(), 60)


@pytest.mark.parametrize("stream", [True, False])
async def test_nobody_ends_the_engine_before_it_was_asked(
    host: httpx.AsyncClient, engine: FakeEngine, stream: bool
) -> None:
    engine.answer, engine.chunks = {"object": "x"}, [{"choices": []}]
    answer = await host.post("/v1/completions", json={"prompt": "x", "stream": stream})
    assert answer.status_code == 200
    assert (engine.held_when_asked, engine.held) == ([1], 0)

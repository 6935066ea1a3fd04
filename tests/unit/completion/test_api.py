"""The host's routes, with an engine that is scripted."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI

from ide_agent.config import Settings
from ide_agent.errors import ModelNotFound
from ide_agent.features.completion import api
from ide_agent.host.routing import Route
from ide_agent.host.services import Services
from ide_agent.inference.models import ModelFile, ModelStore
from ide_agent.inference.routing.router import Decision, Router
from support import gguf_file

ANSWER: list[dict[str, Any]] = [
    {"content": "on"},
    {"content": "e\ntwo"},
    {"content": "", "stop": True, "stop_type": "limit"},
]


class ScriptedEngine:
    """Says `ANSWER`."""

    backend = "scripted"
    dialect = "llama"
    name = "tiny"

    def __init__(self, model: ModelFile) -> None:
        self.model = model
        self.held = 0
        self.held_when_used: list[int] = []
        self.asked: list[dict[str, Any]] = []
        self.turns: list[str] = []
        self.answer: list[dict[str, Any]] = ANSWER

    async def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        self.held_when_used.append(self.held)
        return [ord(letter) for letter in text]

    @asynccontextmanager
    async def turn(self, priority: str) -> AsyncIterator[None]:
        self.held_when_used.append(self.held)
        self.turns.append(priority)
        yield

    async def stream(self, path: str, payload: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        self.held_when_used.append(self.held)
        self.asked.append(payload)
        for chunk in self.answer:
            yield {**chunk, "timings": {"prompt_n": 3, "cache_n": 2}}


class Room:
    """Hands out `engine`; there is no model called ``missing``."""

    def __init__(self, engine: ScriptedEngine) -> None:
        self.engine = engine
        self.asked: list[str] = []

    @asynccontextmanager
    async def model(
        self, model: str = "", *, private: bool = False, priority: str = "api", asked: str = ""
    ) -> AsyncIterator[ScriptedEngine]:
        self.asked.append(model)
        if model == "missing":
            raise ModelNotFound(name=model)
        self.engine.held += 1
        try:
            yield self.engine
        finally:
            self.engine.held -= 1


@pytest.fixture
def model(tmp_path: Path) -> ModelFile:
    file = tmp_path / "tiny" / "tiny.gguf"
    file.parent.mkdir()
    kinds = {"tokenizer.ggml.token_type": [3, 1, 1, 1, 1, 1]}
    file.write_bytes(gguf_file.file(gguf_file.llama(**kinds)))
    return ModelStore(tmp_path).find("tiny")


@asynccontextmanager
async def host(engine: ScriptedEngine, file: Path | None = None) -> AsyncIterator[httpx.AsyncClient]:
    room, rules = Room(engine), Router(file or Path("/no/rules"))
    endpoints = {"cloud": SimpleNamespace(completion="off")}
    remotes = SimpleNamespace(
        owner=lambda name: "cloud" if name.startswith("cloud/") else "",
        settings=SimpleNamespace(endpoints=endpoints),
    )
    services = SimpleNamespace(
        app=FastAPI(), settings=Settings(), inference=room, routing=rules, remotes=remotes
    )
    api.register(cast("Services", services))
    transport = httpx.ASGITransport(services.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def complete(client: httpx.AsyncClient, **more: Any) -> list[dict[str, Any]]:
    body = {"document": "file:///a.py", "prefix": "x(", **more}
    answer = await client.post("/completion", json=body)
    return [json.loads(line[6:]) for line in answer.text.split("\n") if line]


async def test_start_text_done(model: ModelFile) -> None:
    engine = ScriptedEngine(model)
    async with host(engine) as client:
        start, *texts, done = await complete(client, max_tokens=7)
    assert start.pop("prompt_tokens") > 0
    assert start == {"type": "start", "model": "tiny", "engine": "scripted", "local": True, "fim": False}
    assert [event["text"] for event in texts] == ["on", "e\ntwo"]
    assert done == {"type": "done", "finish_reason": "length", "timings": {"prompt_n": 3, "cache_n": 2}}
    assert (engine.asked[0]["prompt"], engine.asked[0]["n_predict"]) == (["x("], 7)
    assert engine.turns == ["foreground"]


async def test_alternatives_are_drawn_reproducibly_from_the_same_prompt(model: ModelFile) -> None:
    engine = ScriptedEngine(model)
    async with host(engine) as client:
        for number in (0, 3, 3, 4):
            await complete(client, alternative=number)
        answer = await client.post("/completion", json={"document": "d", "prefix": "x(", "alternative": 17})
    assert answer.status_code == 422
    greedy, third, again, fourth = engine.asked
    assert greedy["temperature"] == 0
    assert "seed" not in greedy
    drawn = {"temperature": pytest.approx(0.95), "top_p": 0.95, "seed": 3}
    assert third == again == {**greedy, **drawn}
    assert third["cache_prompt"] is third["interactive"] is True
    assert fourth["temperature"] > third["temperature"]


async def test_a_first_line_that_may_be_held_back_comes_in_one_piece(model: ModelFile) -> None:
    async with host(ScriptedEngine(model)) as client:
        _, *texts, _ = await complete(client, hold_ms=60_000)
    assert [event["text"] for event in texts] == ["one\ntwo"]


async def test_the_end_of_the_first_line_is_not_held_back(model: ModelFile) -> None:
    engine = ScriptedEngine(model)
    engine.answer = [{"content": text} for text in ("\n ", "one", "\n", "two", "\n")] + ANSWER[-1:]
    async with host(engine) as client:
        _, *texts, _ = await complete(client, hold_ms=60_000)
    assert [event["text"] for event in texts][:2] == ["\n one\n", "two"]


async def test_the_end_of_a_first_line_that_is_partly_sent_is_not_held_back(
    model: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0.0, 1.0])  # the first piece has waited for a second
    monkeypatch.setattr(api, "time", SimpleNamespace(monotonic=lambda: next(times, 1.0)))
    engine = ScriptedEngine(model)
    engine.answer = [{"content": text} for text in ("one", "\n", "two")] + ANSWER[-1:]
    async with host(engine) as client:
        _, *texts, _ = await complete(client, hold_ms=500)
    assert [event["text"] for event in texts] == ["one", "\n", "two"]


async def test_a_stop_string_ends_the_answer(model: ModelFile) -> None:
    async with host(ScriptedEngine(model)) as client:
        _, *texts, done = await complete(client, stop=["\n"])
    assert "".join(event["text"] for event in texts) == "one"
    assert done["finish_reason"] == "stop"


async def test_tokens_that_the_vocabulary_calls_special_stay_text(model: ModelFile) -> None:
    engine = ScriptedEngine(model)
    async with host(engine) as client:
        await complete(client, prefix="a<s>b(")
    assert engine.asked[0]["prompt"] == ["", *map(ord, "a<s>b(")]


async def test_warming_up_makes_nothing(model: ModelFile) -> None:
    engine = ScriptedEngine(model)
    async with host(engine) as client:
        answer = await client.post("/completion/warm", json={"document": "d", "prefix": "x("})
    assert answer.json() == {"prompt_tokens": 5, "cached_tokens": 2}
    assert (engine.asked[0]["n_predict"], engine.turns) == (0, ["background"])


async def test_of_an_empty_document_the_engine_is_not_asked(model: ModelFile) -> None:
    engine = ScriptedEngine(model)
    empty = {"prefix": "", "path": "new.md", "language": "markdown"}
    async with host(engine) as client:
        start, done = await complete(client, **empty)
        warmed = await client.post("/completion/warm", json={"document": "d", **empty})
    assert start["type"] == "start"
    assert done == {"type": "done", "finish_reason": "stop", "timings": {}}
    assert warmed.json() == {"prompt_tokens": 0, "cached_tokens": 0}
    assert engine.asked == []


@pytest.mark.parametrize("path", ["/completion", "/completion/warm"])
async def test_nobody_ends_the_engine_before_it_was_asked(model: ModelFile, path: str) -> None:
    engine = ScriptedEngine(model)
    async with host(engine) as client:
        answer = await client.post(path, json={"document": "d", "prefix": "x("})
    assert "error" not in answer.text
    assert engine.held_when_used == [1, 1]
    assert engine.held == 0


async def test_rules_choose_the_model_and_how_long_it_writes(model: ModelFile, tmp_path: Path) -> None:
    rules = tmp_path / "routes.yaml"
    rules.write_text(
        """
workspaces: [/work]
rules:
  - name: go
    when: {task: completion, language: go, path: src/**, prompt_tokens: {max: 3}}
    model: missing
    fallbacks: [default]
    limits: {max_tokens: 3}
  - name: rust
    when: {language: rust}
    model: missing
"""
    )
    engine = ScriptedEngine(model)
    async with host(engine, file=rules) as client:
        await complete(client, language="go", path="src/a.go", max_tokens=7)
        await complete(client, language="go", path="lib/a.go", max_tokens=7)
        await complete(client, language="go", path="src/a.go", max_tokens=7, suffix="x" * 20)
        stood_in, *_ = await complete(client, language="rust")
        (error,) = await complete(client, language="rust", model="missing")
        await client.post("/completion/warm", json={"document": "d", "prefix": "x(", "language": "rust"})
        start, *_ = await complete(client, language="rust", model="tiny")
    assert [asked["n_predict"] for asked in engine.asked[:3]] == [3, 7, 7]
    assert stood_in["model"] == "tiny"  # ghost text goes on, and says why it is not what the rule says
    assert stood_in["notice"]["code"] == "error.routes.stand_in"
    assert stood_in["notice"]["params"] == {"rule": "rust", "model": "missing"}
    assert error["error"]["params"] == {"name": "missing"}  # who names it is told
    assert "notice" not in start
    assert start["model"] == "tiny"


@pytest.mark.parametrize("adapter", ["", "none"])
async def test_nothing_stands_in_for_an_adapter(adapter: str) -> None:
    """The notice would say to get a model that may be here."""

    async def ask(name: str) -> str:
        if name:
            raise ModelNotFound(name=name)
        return "the default"

    route = Route(("missing",), Decision("missing", rule="all", adapter=adapter))
    if adapter:
        with pytest.raises(ModelNotFound):
            await api._first(route, ask)
    else:
        assert (await api._first(route, ask))[0] == "the default"


async def test_an_address_that_is_none_is_no_place(model: ModelFile) -> None:
    async with host(ScriptedEngine(model)) as client:
        start, *_ = await complete(client, document="http://[x")
    assert start["type"] == "start"


@pytest.mark.parametrize("fallbacks", ["", "tiny"])
async def test_models_of_an_endpoint_that_is_off_for_ghost_text_are_passed_over(
    model: ModelFile, tmp_path: Path, fallbacks: str
) -> None:
    rules = tmp_path / "routes.yaml"
    rules.write_text(f"rules: [{{name: all, model: cloud/m, fallbacks: [{fallbacks}]}}]")
    async with host(ScriptedEngine(model), file=rules) as client:
        start, *_ = await complete(client)
        named, *_ = await complete(client, model="cloud/m")
    assert start["model"] == "tiny"
    assert named["error"]["code"] == "error.remote.no_ghost_text"  # who names it is told

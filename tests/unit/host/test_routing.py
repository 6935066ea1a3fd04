"""Requests on their way to a model."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from ide_agent.config import Settings
from ide_agent.errors import (
    BudgetSpent,
    EngineCrashed,
    EngineStartError,
    EngineUnavailable,
    IdeAgentError,
    ModelNotFound,
    NotEnoughMemory,
    RemoteOff,
    RemoteRefused,
)
from ide_agent.host import routing
from ide_agent.host.errors import BadRequest
from ide_agent.host.routing import HEADER, Route, route, route_openai
from ide_agent.host.services import Services
from ide_agent.inference.remote.ledger import Allowance
from ide_agent.inference.remote.refusals import refusal
from ide_agent.inference.routing.conditions import Ask
from ide_agent.inference.routing.router import Decision
from ide_agent.inference.routing.rules import Limits
from ide_agent.paths import config_file, models_dir, routes_file
from support.fake_inference import FakeEngine, FakeInference


def write(text: str) -> None:
    routes_file().parent.mkdir(parents=True, exist_ok=True)
    routes_file().write_text(text, encoding="utf-8")


def rule(model: str, when: str = "{}", more: str = "") -> str:
    return f"  - {{name: {model} için, model: {model}, when: {when}{more}}}\n"


async def to(services: Services, path: str = "/v1/chat/completions", **payload: Any) -> tuple[str, ...]:
    return (await route_openai(services, path, payload)).models


def said(text: Any, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": text}


async def test_the_task_comes_from_the_path_and_what_is_sent(services: Services) -> None:
    tasks = ("completion", "embedding", "vision", "audio", "review", "chat")
    write("rules:\n" + "".join(rule(task, f"{{task: {task}}}") for task in tasks))
    image = {"type": "image_url", "image_url": {"url": "data:"}}
    assert await to(services, "/v1/completions", prompt="x") == ("completion",)
    assert await to(services, "/v1/embeddings", input=["x"]) == ("embedding",)
    assert await to(services, messages=[said("x")]) == ("chat",)
    assert await to(services, messages=[said([image, {"type": "text", "text": "x"}])]) == ("vision",)
    assert await to(services, messages=[said([{"type": "input_audio"}])]) == ("audio",)
    assert await to(services, messages=[said([image])], ide_agent={"task": "review"}) == ("review",)
    assert await to(services, messages=[said([{"type": {}}, {"type": []}])]) == ("chat",)


async def test_what_the_user_said_last_counts(services: Services) -> None:
    write("rules:\n" + rule("big", "{message: refactor}") + rule("long", "{prompt_tokens: {min: 100}}"))
    assert await to(services, messages=[said("refactor"), said("ok", "assistant"), said("why?")]) == ("",)
    assert await to(services, messages=[said("hi"), said("refactor"), said("x", "tool")]) == ("big",)
    assert await to(services, messages=[said([{"type": "text", "text": "refactor"}])]) == ("big",)
    assert await to(services, "/v1/completions", prompt=["a", "refactor"]) == ("big",)
    assert await to(services, messages=[said("a" * 400)]) == ("long",)
    assert await to(services, messages=["x", said(3), {}, said([4])], prompt=[3]) == ("",)


async def test_our_field_is_taken_out_and_its_path_is_below_the_workspace(services: Services) -> None:
    write("rules:\n" + rule("py", "{language: python, path: /src/**}"))
    about = {"language": "python", "path": "/home/me/p/src/a.py", "workspace": "/home/me/p"}
    payload: dict[str, Any] = {"messages": [], "ide_agent": about}
    assert (await route_openai(services, "/v1/chat/completions", payload)).models == ("py",)
    assert payload == {"messages": []}
    assert await to(services, ide_agent={"language": "python", "path": "src/a.py"}) == ("py",)
    assert await to(services, ide_agent={"language": "python", "path": "lib/src/a.py"}) == ("",)


@pytest.mark.parametrize(
    "payload",
    [
        {"model": 3},
        {"model": None},
        {"ide_agent": 3},
        {"ide_agent": {"task": "cooking"}},
        {"ide_agent": {"privacy": "public"}},
        {"ide_agent": {"tsk": "chat"}},
    ],
)
async def test_what_makes_no_sense_is_refused(services: Services, payload: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        await route_openai(services, "/v1/chat/completions", payload)


@pytest.mark.parametrize("name", ["", "default", "auto"])
async def test_a_model_that_is_named_goes_by_no_rule(services: Services, name: str) -> None:
    write("rules:\n" + rule("ruled", more=", fallbacks: [other, default]"))
    assert await to(services, model="fake") == ("fake",)
    assert await to(services, model=name) == ("ruled", "other", "")


async def test_a_private_request_stays_on_this_machine(services: Services, tmp_path: Path) -> None:
    (tmp_path / "models" / "here").mkdir(parents=True)
    (tmp_path / "models" / "here" / "m.gguf").write_bytes(b"GGUF")
    write("rules:\n" + rule("cloud/large", more=", fallbacks: [cloud/small, here, default]"))
    private = {"privacy": "private"}
    assert await to(services, ide_agent=private) == ("here", "")
    assert await to(services) == ("cloud/large", "cloud/small", "here", "")
    assert await to(services, model="here", ide_agent=private) == ("here",)
    write("rules:\n" + rule("cloud/large"))
    for model, key in (("", "error.routes.private_rule"), ("cloud/large", "error.routes.private")):
        with pytest.raises(ModelNotFound) as caught:
            await to(services, model=model, ide_agent=private)
        assert caught.value.key_used == key


@pytest.mark.parametrize("fallbacks", ["", "fake"])
async def test_where_a_rules_budget_is_spent_its_fallbacks_answer(
    services: Services, host: httpx.AsyncClient, fallbacks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Allowance]] = []

    async def allow(name: str, allowance: Allowance) -> None:
        asked.append((name, allowance))
        if name == "cloud/m":
            raise BudgetSpent("error.routes.tokens_spent", used=1, limit=1, model=name, rule="x")

    monkeypatch.setattr(services.remotes, "allow", allow)
    write(
        "rules: [{name: x, model: cloud/m, limits: {tokens_per_day: 1, cost_per_day: 0.5}, "
        f"fallbacks: [{fallbacks}]}}]"
    )
    answer = await host.post("/v1/chat/completions", json={"messages": [said("x")]})
    assert answer.status_code == (200 if fallbacks else 402)
    assert asked[0] == ("cloud/m", Allowance("x", 1, 0.5))
    named = await host.post("/v1/chat/completions", json={"model": "fake", "messages": [said("x")]})
    assert named.status_code == 200
    assert len(asked) == (2 if fallbacks else 1)


@pytest.mark.parametrize("named", [True, False])
async def test_an_endpoint_that_appears_in_between_gets_nothing_private(
    services: Services, host: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    """A folder of models is called like an endpoint that is added after the rules were asked."""
    (models_dir() / "cloud").mkdir(parents=True)
    for file in ("m", "n"):
        (models_dir() / "cloud" / f"{file}.gguf").write_bytes(b"GGUF")
    write("rules:\n" + rule("cloud/m"))
    found: list[dict[str, Any]] = []
    find = services.remotes.find

    async def found_later(name: str, **more: Any) -> Any:
        config_file().write_text(
            "[remote]\nenabled = true\n[remote.endpoints.cloud]\nurl = 'https://models.example/v1'\n"
        )
        found.append(more)
        return await find(name, **more)

    monkeypatch.setattr(services.remotes, "find", found_later)
    body = {"messages": [said("x")], "ide_agent": {"privacy": "private"}}
    answer = await host.post("/v1/chat/completions", json={**body, **({"model": "cloud/m"} if named else {})})
    asked = {"private": True, "hurried": False, "asked": "/chat/completions"}
    assert (answer.status_code, found) == (404, [asked])
    assert answer.json()["error"]["code"] == "error.routes.private"


async def test_limits_of_the_rule_go_into_the_request(services: Services) -> None:
    write("rules:\n" + rule("m", more=", limits: {max_tokens: 10}"))

    async def limited(path: str, **payload: Any) -> dict[str, Any]:
        await route_openai(services, path, payload)
        return payload

    chat = "/v1/chat/completions"
    assert await limited(chat) == {"max_tokens": 10}
    assert await limited(chat, max_tokens=5) == {"max_tokens": 5}
    assert await limited(chat, max_completion_tokens=50) == {"max_completion_tokens": 10}
    assert await limited(chat, max_tokens=None) == {"max_tokens": 10}
    assert await limited(chat, max_tokens=-1) == {"max_tokens": 10}
    assert await limited("/v1/embeddings") == {}
    assert await limited(chat, model="m") == {"model": "m"}
    assert await limited(chat, n_predict=-1) == {"n_predict": 10, "max_tokens": 10}
    assert await limited(chat, n_predict=5, max_tokens=50.0) == {"n_predict": 5, "max_tokens": 10}
    for wrong in ("100", 1.5, [1], float("inf")):
        with pytest.raises(BadRequest):
            await limited(chat, max_tokens=wrong)
    assert Route(("m",), Decision(limits=Limits(max_tokens=3))).limit(5) == 3
    assert Route(("m",)).limit(5) == 5


@pytest.mark.parametrize(
    "failure",
    [
        ModelNotFound(name="a"),
        NotEnoughMemory(file="a", need_mb=2, free_mb=1),
        EngineStartError(model="a", reason="x"),
        EngineUnavailable(model="a", crashes=3, reason="x", seconds=9),
        EngineCrashed(model="a", reason="x"),
        RemoteOff(host="a"),
        BudgetSpent(used="1", limit="1", scope="remote", setting="x"),
        *(refusal("a", status, {}, b"", "m", "").error for status in (401, 402, 404, 429, 500)),
    ],
)
async def test_the_next_model_is_tried_when_one_cannot_be_had(failure: IdeAgentError) -> None:
    asked: list[str] = []

    async def ask(name: str) -> str:
        asked.append(name)
        if name in ("a", "b"):
            raise failure if name == "a" else ModelNotFound(name="b")
        return name

    assert await Route(("a", "b", "c", "d")).first(ask) == "c"
    assert asked == ["a", "b", "c"]
    with pytest.raises(type(failure)) as caught:
        await Route(("a", "b")).first(ask)
    assert caught.value is failure


async def test_a_request_that_is_wrong_is_wrong_for_all_models() -> None:
    asked: list[str] = []

    async def ask(name: str) -> str:
        asked.append(name)
        raise BadRequest(problem="x")

    with pytest.raises(BadRequest):
        await Route(("a", "b")).first(ask)
    assert asked == ["a"]


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_what_an_api_refuses_is_shown_to_no_other(status: int) -> None:
    asked: list[str] = []

    async def ask(name: str) -> str:
        asked.append(name)
        raise refusal("cloud", status, {}, b"", "m", "").error if name == "b" else ModelNotFound(name=name)

    with pytest.raises(RemoteRefused) as caught:
        await Route(("a", "b", "c")).first(ask)
    assert (asked, caught.value.params["endpoint"]) == (["a", "b"], "cloud")


@pytest.mark.parametrize("stream", [True, False])
async def test_the_gateway_names_the_model_that_answered_and_the_rule(
    host: httpx.AsyncClient, engine: FakeEngine, stream: bool
) -> None:
    engine.answer, engine.chunks = {"model": "/p"}, [{"model": "/p", "choices": []}]
    write("rules:\n" + rule("nobody", more=", fallbacks: [fake]"))
    answer = await host.post("/v1/chat/completions", json={"stream": stream, "messages": [said("x")]})
    assert answer.status_code == 200
    assert '"model":"fake"' in answer.text.replace(" ", "")
    assert answer.headers[HEADER] == "nobody i%C3%A7in"
    named = await host.post("/v1/chat/completions", json={"model": "fake", "messages": [said("x")]})
    assert HEADER not in named.headers


async def test_when_none_can_be_had_the_first_one_is_named(
    host: httpx.AsyncClient, engine: FakeEngine
) -> None:
    write("rules:\n" + rule("nobody", more=", fallbacks: [no-one]"))
    answer = await host.post("/v1/chat/completions", json={"messages": [said("x")]})
    assert (answer.status_code, answer.json()["error"]["params"]) == (404, {"name": "nobody"})


async def test_what_came_before_a_crash_is_not_begun_anew(
    host: httpx.AsyncClient, engine: FakeEngine
) -> None:
    engine.chunks = [{"choices": []}, EngineCrashed(model="fake", reason="x")]
    write("rules:\n" + rule("fake", more=", fallbacks: [other]"))
    answer = await host.post("/v1/chat/completions", json={"stream": True, "messages": [said("x")]})
    assert answer.status_code == 200
    assert len(engine.asked) == 1
    assert "EngineCrashed" in answer.text


async def test_reading_the_rules_does_not_hold_up_others(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("rules:\n" + rule("m"))
    threads: list[object] = []

    async def to_thread(work: Any) -> None:
        threads.append(work)
        work()

    monkeypatch.setattr(routing.asyncio, "to_thread", to_thread)
    for _ in range(3):
        assert (await route(services, Ask())).models == ("m",)
    assert len(threads) == 1


async def test_errors_in_the_rules_are_among_the_problems(host: httpx.AsyncClient) -> None:
    write("rules:\n  - name: x\n")
    (problem,) = (await host.get("/status")).json()["problems"]
    assert (problem["type"], problem["code"]) == ("RoutesError", "error.routes.missing")
    assert problem["message"].startswith(f"{routes_file()}:2: ")
    write("rules: []")
    assert (await host.get("/status")).json()["problems"] == []


async def test_looking_at_the_problems_reads_no_rules(services: Services) -> None:
    write("rules:\n  - name: x\n")
    assert services.problems == []
    await asyncio.to_thread(services.routing.refresh)
    assert [problem.key_used for problem in services.problems] == ["error.routes.missing"]


def test_services_know_the_models(services: Services, tmp_path: Path) -> None:
    assert isinstance(services.settings, Settings)
    (tmp_path / "models" / "two").mkdir(parents=True)
    for name in ("a", "b"):
        (tmp_path / "models" / "two" / f"{name}.gguf").write_bytes(base64.b64decode("R0dVRg=="))
    assert services.routing.known == {"two", "two/a", "two/b"}
    assert FakeInference.current is services.inference

"""The room in the host: routes, the panel, the gateway's way to a remote model."""

import asyncio
import json
import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import ide_agent.inference
from ide_agent.features import remote as room
from ide_agent.hooks import Plugins
from ide_agent.host import app as app_module
from ide_agent.host.services import Services
from ide_agent.paths import config_file
from ide_agent.safety.network import LOOPBACK, networks
from support.fake_inference import FakeInference
from support.scripted_api import ScriptedApi, echoes, endless, models, refuses, says
from support.served_host import served
from support.waiting import until

TOKEN = "test-token"
SECRET = "ghp_" + "a1B2c3D4e5F6" * 3


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: ScriptedApi, here: ScriptedApi) -> Path:
    """Settings with an endpoint elsewhere and one on this machine."""
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path))
    monkeypatch.setenv("IDE_AGENT_MODELS", str(tmp_path / "models"))
    file = config_file()
    file.parent.mkdir(parents=True)
    file.write_text(
        f'[remote]\nenabled = true\n[remote.endpoints.out]\nurl = "{api.url}"\nrequests_per_second = 1000\n'
        f'[remote.endpoints.near]\nurl = "{here.url}"\n'
    )
    return file


@pytest.fixture
def services(config: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """A host with this room only, to which 127.0.0.1 is this machine and 127.0.0.2 another one."""
    found = Plugins()
    found.register(room, "remote")
    monkeypatch.setattr(app_module, "plugins", lambda: found)
    monkeypatch.setattr(ide_agent.inference, "Inference", FakeInference, raising=False)
    from ide_agent import config as settings

    loaded, problems = settings.load(user=config)
    assert problems == []
    services = Services(loaded, [])
    services.network.local, services.network.plain = networks("127.0.0.1/32"), LOOPBACK
    yield services


@pytest.fixture
async def host(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with served(services, TOKEN) as client:
        yield client


def asks(model: str, text: str = "hi", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


async def chat(host: httpx.AsyncClient, model: str, text: str = "hi", **more: Any) -> httpx.Response:
    return await host.post("/v1/chat/completions", json=asks(model, text, **more))


async def test_the_gateway_asks_the_endpoint(host: httpx.AsyncClient, api: ScriptedApi) -> None:
    api.script += [echoes(3), echoes(3)]
    answer = await chat(host, "out/large", f"say {SECRET}")
    assert answer.json()["choices"][0]["message"]["content"] == f"say {SECRET}"
    assert answer.json()["model"] == "out/large"
    streamed = await chat(host, "out/large", f"say {SECRET}", stream=True)
    *events, end = [line.removeprefix("data: ") for line in streamed.text.split("\n") if line]
    assert end == "[DONE]"
    pieces = [json.loads(event)["choices"][0]["delta"].get("content", "") for event in events]
    assert "".join(pieces) == f"say {SECRET}"
    assert SECRET not in json.dumps(api.asked)


async def test_models_are_listed(host: httpx.AsyncClient) -> None:
    listed = (await host.get("/v1/models")).json()["data"]
    assert [(each["id"], each["owned_by"]) for each in listed] == [
        ("out/small", "out"),
        ("out/large", "out"),
        ("near/small", "near"),
        ("near/large", "near"),
    ]
    assert (await host.get("/v1/models/out/small")).json()["owned_by"] == "out"


async def test_a_refusal_has_a_status_and_says_what_to_do(host: httpx.AsyncClient, api: ScriptedApi) -> None:
    for stream in (True, False):
        api.script.append(refuses(401))
        answer = await chat(host, "out/m", stream=stream)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "error.remote.no_key"
        assert "ide-agent remote key set out" in answer.json()["error"]["message"]


async def test_off_and_on(host: httpx.AsyncClient, api: ScriptedApi, config: Path) -> None:
    state = (await host.post("/remote/switch", json={"enabled": False})).json()
    assert state["enabled"] is False
    assert {each["name"]: each.get("problem", {}).get("code") for each in state["endpoints"]} == {
        "out": "error.remote.off",
        "near": None,
    }
    assert tomllib.loads(config.read_text())["remote"]["enabled"] is False
    answer = await chat(host, "out/m")
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "RemoteOff")
    assert (await host.get("/v1/models/out/small")).status_code == 403
    assert (await host.post("/remote/test", json={"name": "out"})).status_code == 403
    assert (await chat(host, "near/m")).status_code == 200
    assert {each["owned_by"] for each in (await host.get("/v1/models")).json()["data"]} == {"near"}
    assert api.asked == []
    await host.post("/remote/switch", json={"enabled": True})
    assert (await chat(host, "out/m")).status_code == 200


async def test_the_file_counts_as_it_is_now(host: httpx.AsyncClient, api: ScriptedApi, config: Path) -> None:
    config.write_text(config.read_text().replace("enabled = true", "enabled = false"))
    assert (await chat(host, "out/m")).status_code == 403
    assert api.asked == []


async def test_switching_off_ends_what_is_under_way(host: httpx.AsyncClient, api: ScriptedApi) -> None:
    api.script.append(endless)
    async with host.stream("POST", "/v1/chat/completions", json=asks("out/m", stream=True)) as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        await host.post("/remote/switch", json={"enabled": False})
        rest = [line async for line in lines]
    assert "RemoteUnavailable" in "".join(rest)
    await until(api.left.is_set)


async def test_usage_and_audit(host: httpx.AsyncClient, api: ScriptedApi) -> None:
    api.script.append(says("a", "b", usage={"prompt_tokens": 5, "completion_tokens": 2, "cost": 0.25}))
    await chat(host, "out/large", f"the text {SECRET}")
    await chat(host, "near/large")

    async def counted() -> bool:
        return bool((await host.get("/remote/usage")).json()["total"]["requests"] == 1)

    await until(counted)
    usage = (await host.get("/remote/usage")).json()
    assert [(each["model"], each["tokens_in"], each["cost"]) for each in usage["models"]] == [
        ("large", 5, 0.25)
    ]
    audit = (await host.get("/remote/audit")).json()
    (entry,) = audit["requests"]
    assert (entry["endpoint"], entry["host"], entry["secrets"], entry["outcome"]) == (
        "out",
        "127.0.0.2",
        1,
        "ok",
    )
    assert "the text" not in json.dumps(audit)


async def test_a_spent_budget_is_refused_and_told_to_editors(
    host: httpx.AsyncClient, services: Services, api: ScriptedApi, config: Path
) -> None:
    config.write_text(config.read_text().replace("[remote]\n", "[remote]\ntokens_per_day = 10\n"))
    news = services.events.subscribe()
    listening = asyncio.ensure_future(anext(news))
    await until(lambda: len(services.events) > 0)
    api.script.append(says("a", usage={"prompt_tokens": 9, "completion_tokens": 1}))
    assert (await chat(host, "out/m")).status_code == 200
    event = await listening
    await news.aclose()
    assert event["type"] == "notice"
    assert event["error"]["code"] == "error.remote.tokens_near"
    answer = await chat(host, "out/m", stream=True)
    assert (answer.status_code, answer.json()["error"]["type"]) == (402, "BudgetSpent")
    assert len(api.asked) == 1


async def test_keys_never_show(host: httpx.AsyncClient, api: ScriptedApi, services: Services) -> None:
    event = {"action": "key", "values": {"name": "out", "key": "very-secret-key"}}
    told = (await host.post("/panels/remote/event", json=event)).json()["message"]
    assert str(services.secrets.file) in told
    assert "unencrypted" in told
    assert (await host.post("/remote/test", json={"name": "out"})).json()["models"] == ["small", "large"]
    assert api.headers[-1]["authorization"] == "Bearer very-secret-key"
    api.script.append(refuses(401, "very-secret-key"))
    await chat(host, "out/m")
    for path in ("/status", "/remote", "/remote/audit", "/remote/usage", "/panels/remote", "/v1/models"):
        answer = await host.get(path)
        assert answer.status_code == 200
        assert "very-secret-key" not in answer.text, path
    forget = {"action": "forget", "args": {"name": "out"}}
    await host.post("/panels/remote/event", json=forget)
    await host.post("/remote/test", json={"name": "out"})
    assert "authorization" not in api.headers[-1]


@pytest.mark.parametrize("language", ["en", "tr"])
async def test_the_panel(host: httpx.AsyncClient, language: str, config: Path) -> None:
    await chat(host, "out/large")
    state = (await host.get(f"/panels/remote?language={language}")).json()
    blocks = {block["id"]: block for block in state["blocks"]}
    assert list(blocks) == ["about", "switch", "endpoints", "edit", "key", "usage", "log"]
    assert [row["id"] for row in blocks["endpoints"]["rows"]] == ["out", "near"]
    assert blocks["key"]["fields"][1]["kind"] == "secret"
    assert "{" not in json.dumps([block.get("title", "") for block in state["blocks"]])
    act = f"/panels/remote/event?language={language}"
    assert (await host.post(act, json={"action": "off"})).json()["message"]
    blocks = {
        block["id"]: block
        for block in (await host.get(f"/panels/remote?language={language}")).json()["blocks"]
    }
    (action,) = blocks["switch"]["actions"]
    assert action["name"] == "on"
    assert action["confirm"]
    assert not tomllib.loads(config.read_text())["remote"]["enabled"]
    assert (await host.post(act, json={"action": "test", "args": {"name": "near"}})).json()["message"]
    assert (await host.post(act, json={"action": "test", "args": {}})).status_code == 404


async def test_the_state_is_what_a_test_found(
    host: httpx.AsyncClient, here: ScriptedApi, config: Path
) -> None:
    async def state() -> str:
        blocks = (await host.get("/panels/remote")).json()["blocks"]
        (endpoints,) = [block for block in blocks if block["id"] == "endpoints"]
        found: str = next(row for row in endpoints["rows"] if row["id"] == "near")["cells"]["state"]
        return found

    async def tested() -> bool:
        answer = await host.post("/panels/remote/event", json={"action": "test", "args": {"name": "near"}})
        return answer.is_success

    assert await state() == "not tried yet"
    here.listing = refuses(401)
    assert not await tested()
    assert "key" in await state()
    problem = next(each for each in (await host.get("/remote")).json()["endpoints"] if each["name"] == "near")
    assert problem["problem"]["type"] == "RemoteRefused"
    here.listing = models
    assert await tested()
    assert await state() == "ready"
    here.listing = refuses(401)
    assert not await tested()
    assert (await chat(host, "near/large")).status_code == 200  # it answers: what was found is history
    assert await described_problem(host, "near") is None


async def described_problem(host: httpx.AsyncClient, name: str) -> object:
    endpoints = (await host.get("/remote")).json()["endpoints"]
    return next(each for each in endpoints if each["name"] == name).get("problem")


async def test_what_no_cloud_mode_holds_back_is_in_the_log(host: httpx.AsyncClient, config: Path) -> None:
    await host.post("/remote/switch", json={"enabled": False})
    for _ in range(3):
        assert (await chat(host, "out/large", f"the text {SECRET}")).status_code == 403
    assert (await host.post("/v1/embeddings", json={"model": "out/large", "input": "x"})).status_code == 403
    assert (await host.post("/remote/test", json={"name": "out"})).status_code == 403
    assert (await host.get("/v1/models")).status_code == 200  # what nobody asked for is no attempt
    await host.get("/remote")

    async def noted() -> bool:
        return bool((await host.get("/remote/usage")).json()["total"]["unsent"] == 5)

    await until(noted)
    audit = (await host.get("/remote/audit")).json()
    assert [(each["path"], each["model"], each["outcome"], each["left"]) for each in audit["requests"]] == [
        ("/models", "", "RemoteOff off", False),
        ("/embeddings", "large", "RemoteOff off", False),
        ("/chat/completions", "large", "RemoteOff off 3", False),
    ]
    assert {(each["endpoint"], each["host"], each["bytes_out"]) for each in audit["requests"]} == {
        ("out", "127.0.0.2", 0)
    }
    assert "the text" not in json.dumps(audit)
    blocks = (await host.get("/panels/remote")).json()["blocks"]
    log = next(block for block in blocks if block["id"] == "log")
    assert log["rows"][2]["cells"]["outcome"] == "not sent: remote models were off, 3 times"


async def test_a_panel_without_endpoints(host: httpx.AsyncClient, config: Path) -> None:
    config.write_text("")
    blocks = (await host.get("/panels/remote")).json()["blocks"]
    found = {block["id"]: block for block in blocks}
    assert list(found) == ["about", "switch", "endpoints", "example", "edit", "usage", "log"]
    assert str(config) in found["endpoints"]["empty"]
    assert "[remote.endpoints." in found["example"]["text"]

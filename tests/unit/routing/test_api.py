"""The host's routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ide_agent.features import routing
from ide_agent.hooks import Plugins
from ide_agent.host import app as app_module
from ide_agent.host.services import Services
from support.model_folders import embedder
from support.served_host import served

RULES = """rules:
  - name: go
    when: {language: go}
    model: coder
  - name: all
    model: nobody
"""


@pytest.fixture
async def host(services: Services, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    found = Plugins()
    found.register(routing, "routing")
    monkeypatch.setattr(app_module, "plugins", lambda: found)
    async with served(services, "token") as client:
        yield client


async def post(host: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await host.post(path, json=body)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_the_rules_in_force(host: httpx.AsyncClient, file: Path) -> None:
    file.write_text(RULES)
    found = (await host.get("/routes")).json()
    assert (found["file"], found["text"], found["problems"]) == (str(file), RULES, [])
    assert [rule["name"] for rule in found["rules"]] == ["go", "all"]
    file.write_text("rules: [")
    found = (await host.get("/routes")).json()
    assert [rule["name"] for rule in found["rules"]] == ["go", "all"]
    assert [problem["code"] for problem in found["problems"]] == ["error.routes.syntax"]
    file.write_bytes(b"\xff")
    found = (await host.get("/routes")).json()
    assert (found["text"], [problem["code"] for problem in found["problems"]]) == (
        "",
        ["error.routes.encoding"],
    )


async def test_a_text_is_checked_with_the_models_of_this_machine(host: httpx.AsyncClient) -> None:
    (problem,) = (await post(host, "/routes/check", text=RULES, language="tr"))["problems"]
    assert problem["range"] == {"line": 5, "column": 11, "end_line": 5, "end_column": 17}
    assert (problem["severity"], problem["code"]) == ("warning", "error.routes.model")
    assert "“nobody”" in problem["message"]
    (problem,) = (await post(host, "/routes/check", text="workspaces: []", workspace=True))["problems"]
    assert problem["code"] == "error.routes.unknown"


async def test_a_text_is_checked_with_what_the_models_are_for(host: httpx.AsyncClient, home: Path) -> None:
    embedder(home / "models" / "vectors")
    text = "rules:\n  - name: r\n    model: vectors\n    when: {task: chat}"
    (problem,) = (await post(host, "/routes/check", text=text, language="tr"))["problems"]
    assert (problem["severity"], problem["code"]) == ("warning", "error.routes.for_vectors")
    assert problem["range"] == {"line": 2, "column": 11, "end_line": 2, "end_column": 18}
    assert "chat" in problem["message"]


async def test_where_a_message_would_go(host: httpx.AsyncClient, file: Path, tmp_path: Path) -> None:
    file.write_text(RULES)
    found = await post(host, "/routes/test", message="x", language="go")
    assert (found["model"], found["rule"]) == ("coder", "go")
    assert found["sentence"].startswith("This would go to coder, because")
    assert "kuralı" in (await post(host, "/routes/test", message="x", locale="tr"))["sentence"]
    file.write_text(f"workspaces: [{tmp_path}]\n{RULES}")
    (tmp_path / ".ide-agent-routes.yaml").write_text("rules: [{name: theirs, model: starter}]")
    assert (await post(host, "/routes/test", workspace=str(tmp_path)))["rule"] == "theirs"
    assert (await host.post("/routes/test", json={"task": "cooking"})).status_code == 422


async def test_a_whole_text_is_saved_unless_it_is_wrong_or_late(host: httpx.AsyncClient, file: Path) -> None:
    stamp = (await host.get("/routes")).json()["stamp"]
    saved = await host.put("/routes", json={"text": RULES, "stamp": stamp})
    assert saved.json() == {"stamp": (await host.get("/routes")).json()["stamp"]}
    assert file.read_text() == RULES
    late = await host.put("/routes", json={"text": "rules: []", "stamp": stamp})
    assert (late.status_code, late.json()["error"]["code"]) == (400, "error.routes.changed")
    wrong = await host.put("/routes", json={"text": "rules: 3", "stamp": saved.json()["stamp"]})
    assert wrong.json()["error"]["params"]["line"] == 1
    assert file.read_text() == RULES


async def test_the_schema_speaks_the_users_language(host: httpx.AsyncClient) -> None:
    english, turkish = [(await host.get(f"/routes/schema?language={each}")).json() for each in ("en", "tr")]
    assert english["properties"].keys() == turkish["properties"].keys() == {"version", "rules", "workspaces"}
    assert english != turkish


async def test_models_of_this_machine_and_of_apis_are_offered(host: httpx.AsyncClient, home: Path) -> None:
    (home / "config").mkdir(exist_ok=True)
    endpoint = '[remote.endpoints.api]\nurl = "http://127.0.0.1:9/v1"\nmodels = ["m"]\n'
    (home / "config" / "config.toml").write_text(endpoint)
    asked = {"text": "rules:\n  - name: a\n    model: x", "line": 2}
    values = (await post(host, "/routes/assist", column=11, **asked))["completions"]
    assert [each["label"] for each in values] == ["api/m", "coder", "starter", "api/", "default"]
    told = (await post(host, "/routes/assist", column=6, **asked))["hover"]["text"]
    assert told.endswith("api/m, coder, starter, api/.")

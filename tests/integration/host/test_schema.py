"""The whole HTTP API by its own document: a real host is asked what nobody would ask."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode

from ide_agent import errors
from ide_agent.paths import models_dir
from support import gguf_file
from support.fake_hub import FakeHub
from support.panel_host import PanelHost, panel_host

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

EXAMPLES = 8
LEFT_OUT = {"POST /shutdown", "POST /engine/native"}  # the one ends the test, the other builds for minutes
KNOWN = {"delete": ["spare", "spare2"], "models": ["starter"], "panels": ["hub", "gallery", "panel.js"]}
"""Names that are there; what may go is no model that another operation asks."""
OPEN = {"GET /health", "GET /panels/assets/{name}", "GET /panels/{name}/page"}
OPEN |= {"POST /panels/enter", "POST /panels/prove"}
TEXT = {"type": "string", "maxLength": 40}
FEW = {"type": "integer", "minimum": 0, "maximum": 3}
# What the document leaves to the engines, so that some of it is answered by them.
BODIES: dict[str, dict[str, Any]] = {
    "/v1/completions": {"prompt": TEXT},
    "/v1/chat/completions": {
        "messages": {
            "type": "array",
            "maxItems": 3,
            "items": {
                "type": "object",
                "required": ["role", "content"],
                "properties": {"role": {"enum": ["user", "system", "tool", ""]}, "content": TEXT},
            },
        }
    },
    "/v1/embeddings": {"input": TEXT},
    "/v1/rerank": {"query": TEXT, "documents": {"type": "array", "maxItems": 3, "items": TEXT}, "top_n": FEW},
}
OPTIONS = {
    "max_tokens": FEW,
    "model": {"enum": ["", "default", "starter", "none"]},
    "stream": {"type": "boolean"},
    "temperature": {"type": "number"},
    "n": FEW,
    "stop": {"type": ["array", "string", "null"], "items": TEXT},
    "echo": {"type": "boolean"},
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelHost]:
    """A host with the starter model, a hub to search and no package index."""
    folder = tmp_path_factory.mktemp("schema")
    hub = FakeHub({"someone/coder": {"coder-Q4_0.gguf": gguf_file.file({"general.architecture": "llama"})}})
    with pytest.MonkeyPatch.context() as patch, hub.running():
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setenv("PIP_INDEX_URL", f"{hub.url}/simple")
        models = folder / "models" / "starter"
        models.mkdir(parents=True)
        for file in (models_dir() / "starter").iterdir():
            (models / file.name).symlink_to(file)
        for name in KNOWN["delete"]:
            (folder / "models" / name).mkdir()
            (folder / "models" / name / "m.gguf").write_bytes(gguf_file.file(gguf_file.llama()))
        config = folder / "home" / "config"
        config.mkdir(parents=True)
        # Who forgets to say how much is to be written gets as much as there is room for.
        (config / "config.toml").write_text("[inference]\ncontext_tokens = 512\n")
        with panel_host(folder) as running:
            yield running


@pytest.fixture(scope="module")
def operations(host: PanelHost) -> dict[str, Any]:
    """Those of the host's own document, by method and path."""
    document = host.call("GET", "/openapi.json")
    for path, needed in BODIES.items():
        schema = {"type": "object", "properties": needed | OPTIONS, "required": [*needed, "max_tokens"]}
        content = {"application/json": {"schema": schema}}
        document["paths"][path]["post"]["requestBody"] = {"content": content, "required": True}
    for path, operations in document["paths"].items():
        for method, each in operations.items():
            known = KNOWN.get(method) or KNOWN["models" if "/models/" in path else "panels"]
            for schema in [p["schema"] for p in each.get("parameters", ()) if p["in"] == "path"]:
                # Were they among the others, these would be taken for all there is to it.
                others = {"type": schema.pop("type"), "pattern": "^[^a-z]"}
                schema["anyOf"] = [{"enum": known}, others]
    found = [each.ok() for each in schemathesis.openapi.from_dict(document).get_all_operations()]
    return {f"{each.method.upper()} {each.path}": each for each in found}


def ask(case: Case, host: PanelHost) -> None:
    """Send it; whatever comes back is an answer that docs/protocol.md knows."""
    kwargs = case.as_transport_kwargs(base_url=host.address)
    kwargs["headers"] = {**kwargs["headers"], "Authorization": f"Bearer {host.token}"}
    with requests.request(**kwargs, stream=True, timeout=60) as answer:
        kind = answer.headers.get("content-type", "")
        if kind.startswith("text/event-stream") and case.path == "/events":
            pass  # there may be no news
        elif answer.status_code == 200 and kind.startswith("text/event-stream"):
            first = next(answer.iter_lines(), b"data: [DONE]")
            if first != b"data: [DONE]":
                told = json.loads(first.removeprefix(b"data: "))
                if told.get("type") == "error":
                    check(told["error"])
        elif answer.status_code == 200:
            if kind.startswith("application/json"):
                assert isinstance(answer.json(), dict)
        else:
            assert kind == "application/json"
            check(answer.json()["error"])
            assert answer.status_code != 500


def check(error: dict[str, Any]) -> None:
    """It is one of ours, and somebody foresaw it."""
    assert set(error) == {"message", "type", "code", "params"}
    assert error["code"] != errors.IdeAgentError.key
    assert errors.from_wire(error).message("tr")


def requests_of(operation: Any, mode: GenerationMode, send: Callable[[Case], None]) -> None:
    """Let `send` send what schemathesis thinks of: the same things in each run."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Case) -> None:
        send(case)

    run()


def test_whatever_is_asked_is_answered_as_documented(operations: dict[str, Any], host: PanelHost) -> None:
    assert len(operations) >= 29
    assert set(operations) > LEFT_OUT | OPEN
    for name, operation in operations.items():
        if name in LEFT_OUT:
            continue
        requests_of(operation, GenerationMode.POSITIVE, lambda case: ask(case, host))
        if operation.body or operation.query:
            requests_of(operation, GenerationMode.NEGATIVE, lambda case: ask(case, host))
    assert host.call("GET", "/status")["problems"] == []
    here = {model["name"] for model in host.call("GET", "/models")["models"]}
    assert "starter" in here
    assert not here >= {*KNOWN["delete"]}  # some of it was really done


def test_nobody_is_let_in_without_the_token(operations: dict[str, Any], host: PanelHost) -> None:
    for name, operation in operations.items():
        path = operation.path.replace("assets/{name}", "assets/panel.js").replace("{name}", "hub")
        for token in ("", "x"):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            url = f"{host.address}{path}"
            answer = requests.request(operation.method, url, headers=headers, json={}, timeout=60)
            if name in OPEN:
                assert answer.status_code != 401, name
            else:
                assert answer.status_code == 401, name
                assert answer.json()["error"]["type"] == "Unauthorized"

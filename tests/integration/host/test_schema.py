"""The whole HTTP API by its own document: a real host is asked what nobody would ask."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
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
PROTOCOL = Path(__file__).parents[3] / "docs" / "protocol.md"
LEFT_OUT = {
    "POST /shutdown": "ends the host that is asked",
    "POST /engine/native": "builds an engine for minutes",
}
UNMET = {
    "POST /panels/enter": "needs a secret that was given to a browser: tests/e2e/web/test_page.py",
    "POST /remote/test": "needs an endpoint: tests/unit/remote",
    "POST /v1/rerank": "needs a reranker: tests/integration/inference",
    "GET /events": "stays open: what it says may not come while the host is asked",
}
"""Asked like all others, but no answer of theirs is one to a request that is right."""
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
# What has an answer: that schemathesis thinks of it by itself is not to be expected.
NAMED = {"path_parameters": {"name": "starter"}}
PANEL = {"path_parameters": {"name": "gallery"}}
THERE: dict[str, dict[str, Any]] = {
    "GET /models/{name}": NAMED,
    "GET /models/files": {"query": {"repository": "someone/coder"}},
    "POST /models/pull": {"body": {"name": "starter"}},
    "POST /models/fit": {"body": {"name": "starter"}},
    "POST /models/pull/stop": {"body": {"name": "starter"}},
    "POST /models/pull/discard": {"body": {"name": "someone-else"}},
    "POST /models/verify": {"body": {"name": "starter"}},
    "POST /models/activate": {"body": {"name": "starter"}},
    "POST /models/default": {"body": {"name": "starter"}},
    "POST /models/deactivate": {"body": {"name": "starter"}},
    "POST /models/ask": {"body": {"text": "Hello", "model": "starter", "max_tokens": 3}},
    "POST /completion": {"body": {"document": "file:///a.py", "prefix": "def add(", "max_tokens": 3}},
    "POST /v1/completions": {"body": {"prompt": "def", "max_tokens": 3}},
    "POST /v1/chat/completions": {
        "body": {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 3, "stream": True}
    },
    "POST /v1/embeddings": {"body": {"input": "Hello"}},
    "GET /v1/models/{name}": NAMED,
    "GET /panels/{name}": PANEL,
    "GET /panels/{name}/events": PANEL,
    "POST /panels/{name}/link": PANEL,
    "POST /panels/{name}/event": {**PANEL, "body": {"action": "greet"}},
    "GET /panels/{name}/page": PANEL,
    "GET /panels/assets/{name}": {"path_parameters": {"name": "panel.js"}},
}
# Names in the answer; with “…” there may be others, with a “?” one may be missing. After a bar: in an event.
ANSWERS = {
    "GET /health": "status version protocol",
    "GET /status": "version pid uptime engines editors activity settings problems",
    "GET /events": "| type …",
    "POST /v1/completions": "choices created id model object usage … | choices …",
    "POST /v1/chat/completions": "choices created id model object usage … | choices …",
    "POST /v1/embeddings": "data model object usage",
    "POST /v1/rerank": "model object usage results",
    "GET /v1/models": "object data",
    "GET /v1/models/{name}": "id object created owned_by",
    "POST /engine/release": "released",
    "GET /engine/runtimes": "here lacking for_speech problems",
    "GET /panels": "panels",
    "POST /panels/enter": "session",
    "POST /panels/prove": "proof",
    "GET /panels/assets/{name}": "",
    "GET /panels/{name}/page": "",
    "POST /panels/{name}/link": "url",
    "GET /panels/{name}": "id title blocks revision …",
    "GET /panels/{name}/events": "| type panel",
    "POST /panels/{name}/event": "message level",
    "POST /completion": "| type …",
    "POST /completion/warm": "prompt_tokens cached_tokens",
    "POST /completion/events": "recorded",
    "GET /models": "models",
    "POST /models/pull": "| phase …",
    "POST /models/fit": "name here bytes memory instead repository",
    "GET /models/pulls": "running stopped failed",
    "POST /models/pull/stop": "name stopped",
    "POST /models/pull/discard": "name bytes",
    "DELETE /models/{name}": "name bytes loaded adapters …",
    "GET /models/search": "catalogue repositories problem",
    "GET /models/files": "files",
    "POST /models/verify": "name file sha256 files known",
    "POST /models/activate": "| phase name …",
    "POST /models/default": "name purpose",
    "POST /models/deactivate": "deactivated name",
    "POST /models/ask": "| type …",
    "POST /models/gc": "removed",
    "GET /models/running": "limit models",
    "GET /models/{name}": "name bytes memory format engine files loaded …",
    "GET /remote": "enabled endpoints",
    "POST /remote/switch": "enabled endpoints",
    "POST /remote/reload": "enabled endpoints",
    "POST /remote/test": "models seconds",
    "GET /remote/usage": "total models",
    "GET /remote/audit": "requests",
    "GET /routes": "file text stamp rules problems",
    "PUT /routes": "stamp",
    "GET /routes/schema": "type properties …",
    "POST /routes/check": "problems",
    "POST /routes/assist": "completions hover",
    "POST /routes/test": "model fallbacks adapter limits rule refused because sentence",
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


def ask(name: str, case: Case, host: PanelHost) -> bool:
    """Send it; whatever comes back is an answer that docs/protocol.md knows. Whether it is no error."""
    kwargs = case.as_transport_kwargs(base_url=host.address)
    kwargs["headers"] = {**kwargs["headers"], "Authorization": f"Bearer {host.token}"}
    whole, _, event = (part.strip() for part in ANSWERS[name].partition("|"))
    with requests.request(**kwargs, stream=True, timeout=60) as answer:
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if answer.status_code != 200:
            assert kind == "application/json"
            check(answer.json()["error"], answer.status_code)
        elif kind == "text/event-stream":
            assert event, name
            if case.path == "/events":
                return False  # there may be no news
            lines = (line for line in answer.iter_lines() if line.startswith(b"data: "))
            first = next(lines, b"data: [DONE]").removeprefix(b"data: ")
            told = {} if first == b"[DONE]" else json.loads(first)
            if told.get("type") == "error":
                check(told["error"])
                return False
            if told:
                names(name, told, event)
            return bool(told)
        elif kind == "application/json":
            assert whole, name
            names(name, answer.json(), whole)
            case.operation.validate_response(answer)
        else:
            assert not ANSWERS[name], name
        return answer.status_code == 200


def names(name: str, told: dict[str, Any], wanted: str) -> None:
    """What is told has the names that `ANSWERS` has."""
    known = {each.strip("?") for each in wanted.split()}
    needed = {each for each in wanted.split() if not each.endswith("?")} - {"…"}
    assert needed <= set(told), (name, told)
    assert "…" in known or set(told) <= known, (name, told)


def statuses() -> dict[str, set[int]]:
    """Of errors by their type, as docs/protocol.md has them."""
    found: dict[str, set[int]] = {}
    table = PROTOCOL.read_text(encoding="utf-8").partition("| `type` | HTTP status |")[2]
    for row in table.strip().splitlines():
        if not row.startswith("|"):
            break
        types, numbers = row.strip("|").split("|")
        for kind in re.findall(r"`([A-Z]\w+)`", types):
            found[kind] = {int(number) for number in re.findall(r"\b[45]\d\d\b", numbers)}
    return found


STATUSES = statuses()


def check(error: dict[str, Any], status: int | None = None) -> None:
    """It is one of ours, somebody foresaw it, and docs/protocol.md has its status."""
    assert set(error) == {"message", "type", "code", "params"}
    assert error["code"] != errors.IdeAgentError.key
    assert errors.from_wire(error).message("tr")
    assert status != 500
    assert status is None or status in STATUSES[error["type"]], (error, status)


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
    assert set(operations) == set(ANSWERS) | set(LEFT_OUT)  # a new one says what it answers
    met = set()
    for name, operation in operations.items():
        if name in LEFT_OUT:
            continue

        def send(case: Case, name: str = name) -> None:
            if ask(name, case, host):
                met.add(name)

        requests_of(operation, GenerationMode.POSITIVE, send)
        if operation.body or operation.query:
            requests_of(operation, GenerationMode.NEGATIVE, send)
        if name in THERE:
            assert ask(name, operation.Case(**THERE[name]), host), name
            met.add(name)
    assert met == set(ANSWERS) - set(UNMET)
    assert host.call("GET", "/status")["problems"] == []
    here = {model["name"] for model in host.call("GET", "/models")["models"]}
    assert "starter" in here
    assert not here >= {*KNOWN["delete"]}  # some of it was really done


def test_every_operation_stands_in_the_documentation(operations: dict[str, Any]) -> None:
    known = re.sub(r"\{\w+\}", "{}", PROTOCOL.read_text(encoding="utf-8"))
    for name in operations:
        route = re.escape(re.sub(r"\{\w+\}", "{}", name))
        assert re.search(rf"`{route}[`?]", known), name


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

"""With remote models off a real host and its engines reach no other machine, whatever they are asked."""

import json
import os
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ide_agent.paths import models_dir
from support.host_process import clean_home
from support.models import starter_model
from support.network_guard import attempts, install
from support.panel_host import PanelHost

pytestmark = pytest.mark.engine

CONFIG = """
[inference]
threads = 1
[remote]
enabled = {enabled}
[remote.endpoints.named]
url = "https://models.example/v1"
[remote.endpoints.address]
url = "https://192.0.2.1/v1"
models = ["m"]
"""
RULES = """
rules:
  - name: go
    when: {task: completion, language: go}
    model: address/starcoder
    fallbacks: [named/gpt, starter]
  - name: rust
    when: {task: completion, language: rust}
    model: named/gpt
"""


class Guarded(PanelHost):
    """A host with the guard, and with the starter model."""

    def __init__(self, folder: Path, enabled: bool) -> None:
        super().__init__(folder)
        self.site = folder / "site"
        (self.home / "config").mkdir(parents=True)
        (self.home / "config" / "routes.yaml").write_text(RULES)
        (self.home / "config" / "config.toml").write_text(CONFIG.format(enabled=str(enabled).lower()))
        self.environment |= {**install(self.site), "IDE_AGENT_MODELS": str(models_dir())}
        self.environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

    def ghost_text(self, path: str = "/completion", **more: Any) -> list[dict[str, Any]]:
        """The events of a completion."""
        body = {"document": "file:///a", "prefix": "def f(", "max_tokens": 4, **more}
        request = urllib.request.Request(
            self.address + path,
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return [json.loads(line[6:]) for line in answer.read().decode().split("\n") if line]

    def status(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and body of an answer, whatever it is."""
        try:
            return 200, json.dumps(self.call(method, path, body))
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()


@pytest.fixture
def guarded(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Guarded]:
    starter_model()
    host = Guarded(tmp_path, enabled=request.param)
    with clean_home(host.home):
        host.start()
        yield host
        host.process.terminate()
        host.process.wait()


def test_the_guard_sees_what_there_is(tmp_path: Path) -> None:
    environment = {**os.environ, **install(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join((str(tmp_path), str(Path(__file__).parents[2])))
    for attempt in (
        "import socket; socket.create_connection(('192.0.2.1', 9))",
        "import socket; socket.getaddrinfo('models.example', 80)",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 53))",
        "import asyncio; asyncio.run(asyncio.open_connection('192.0.2.1', 9))",
    ):
        ended = subprocess.run([sys.executable, "-c", attempt], env=environment, capture_output=True)
        assert ended.returncode != 0
    assert [line.split()[1] for line in attempts(tmp_path)] == [
        "192.0.2.1",
        "models.example",
        "192.0.2.1",
        "192.0.2.1",
    ]


@pytest.mark.parametrize("guarded", [False], indirect=True)
def test_nothing_leaves_in_no_cloud_mode(guarded: Guarded) -> None:
    messages = [{"role": "user", "content": "one two three"}]
    texts = {"prompt": "one two three", "input": "x", "max_tokens": 4}
    texts |= {"query": "x", "documents": ["one", "two"]}
    local = texts | {"messages": messages}
    assert guarded.status("POST", "/v1/completions", texts)[0] == 200
    assert guarded.status("POST", "/v1/chat/completions", local)[0] == 200
    assert guarded.status("POST", "/v1/embeddings", texts)[0] in (200, 400, 502)
    for model in ("named/m", "address/m"):
        code, body = guarded.status("POST", "/v1/rerank", {**local, "model": model})
        assert (code, json.loads(body)["error"]["type"]) == (403, "RemoteOff")
        for path in ("/v1/completions", "/v1/chat/completions", "/v1/embeddings"):
            for stream in (False, True):
                code, body = guarded.status("POST", path, {**local, "model": model, "stream": stream})
                assert (code, json.loads(body)["error"]["type"]) == (403, "RemoteOff")
        assert guarded.status("GET", f"/v1/models/{model}")[0] == 403
    assert guarded.ghost_text(language="go")[0]["model"] == "starter"
    for refused in ({"language": "rust"}, {"model": "address/starcoder"}, {"model": "named/gpt"}):
        (error,) = guarded.ghost_text(**refused)
        assert error["error"]["code"] == "error.remote.off"
    warm = {"document": "file:///a", "prefix": "def f(", "language": "go"}
    assert guarded.call("POST", "/completion/warm", warm)["prompt_tokens"] > 0
    assert guarded.status("POST", "/completion/warm", {**warm, "language": "rust"})[0] == 403
    for name in ("named", "address"):
        assert guarded.status("POST", "/remote/test", {"name": name})[0] == 403
    listed = guarded.call("GET", "/v1/models")["data"]
    assert {each["owned_by"] for each in listed} == {"local"}
    for panel in ("hub", "remote"):
        assert guarded.state(panel)["blocks"]
    for path in ("/status", "/models", "/remote", "/remote/usage", "/remote/audit"):
        assert guarded.status("GET", path)[0] == 200
    noted = guarded.call("GET", "/remote/audit")["requests"]
    assert {each["outcome"].partition(" ")[0] for each in noted} == {"RemoteOff"}
    assert not any(each["left"] or each["bytes_out"] for each in noted)
    assert {each["path"] for each in noted} >= {"/rerank", "/completions", "/chat/completions", "/completion"}
    assert "three" not in json.dumps(noted)
    assert attempts(guarded.site) == []


@pytest.mark.parametrize("guarded", [True], indirect=True)
def test_it_is_the_switch_that_holds_it_back(guarded: Guarded) -> None:
    """The same requests with remote on are held back by the guard, and by nothing else."""
    code, body = guarded.status(
        "POST", "/v1/chat/completions", {"model": "named/m", "messages": [{"role": "user", "content": "hi"}]}
    )
    assert (code, json.loads(body)["error"]["code"]) == (503, "error.remote.unreachable")
    assert "socket.getaddrinfo models.example" in attempts(guarded.site)
    (failed,) = guarded.ghost_text(language="rust")
    assert failed["error"]["code"] == "error.remote.unreachable"
    assert guarded.ghost_text(language="rust", priority="background")[1]["finish_reason"] == "skipped"
    guarded.call("POST", "/completion/warm", {"document": "d", "prefix": "x", "language": "rust"})
    other, entry = guarded.call("GET", "/remote/audit")["requests"]
    assert other["model"] == "gpt"
    assert (entry["endpoint"], entry["host"], entry["tokens_in"]) == ("named", "models.example", 0)

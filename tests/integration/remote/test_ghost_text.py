"""Ghost text in an editor from another IDE-Agent host with a real engine, an endpoint of this host."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ide_agent.paths import models_dir
from support.editor import Editor, process
from support.host_process import clean_home
from support.models import starter_model
from support.panel_host import PanelHost

pytestmark = pytest.mark.engine

CONFIG = """
[completion]
prompt_tokens = 256
[remote.endpoints.self]
url = "{address}/v1"
completion = "{completion}"
"""
RULES = "rules: [{name: ghost text, when: {task: completion}, model: self/starter}]\n"
SOURCE = '''def largest(items):
    """The largest of the items."""
    return max(items)


def smallest(items):
    """The smallest of the items."""
    '''
END = {"line": 7, "character": 4}


class Hosts:
    """One without models that knows the other one, in no-cloud mode."""

    def __init__(self, folder: Path, completion: str) -> None:
        (folder / "near").mkdir()
        (folder / "far").mkdir()
        self.near, self.far = PanelHost(folder / "near"), PanelHost(folder / "far")
        self.far.environment["IDE_AGENT_MODELS"] = str(models_dir())
        engine = self.far.home / "config" / "config.toml"
        engine.parent.mkdir(parents=True)
        # the engine that is always there: the test knows what the model says on it
        engine.write_text('[inference]\nengine = "xllamacpp"\nthreads = 1\n')
        self.far.start()
        self.near.environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
        config = self.near.home / "config"
        config.mkdir(parents=True)
        (config / "config.toml").write_text(CONFIG.format(address=self.far.address, completion=completion))
        (config / "routes.yaml").write_text(RULES)
        data = self.near.home / "data"
        data.mkdir()
        (data / "secrets.json").write_text(json.dumps({"remote.self": self.far.token}))
        self.near.start()

    def engines(self, host: PanelHost) -> list[str]:
        """The models that a host has in memory."""
        return [engine["model"] for engine in host.call("GET", "/status")["engines"]]


@pytest.fixture
def hosts(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Hosts]:
    starter_model()
    with clean_home(tmp_path / "near" / "home"), clean_home(tmp_path / "far" / "home"):
        made = Hosts(tmp_path, request.param)
        yield made
        for host in (made.near, made.far):
            host.process.terminate()
            host.process.wait()


async def ghost_text(editor: Editor, uri: str) -> Any:
    """What an editor that cannot show growth is answered at the end of `SOURCE`."""
    params = {"textDocument": {"uri": uri}, "position": END, "context": {"triggerKind": 1}}
    answer = await editor.request("textDocument/inlineCompletion", params)
    return [item["insertText"] for item in (answer or {"items": []})["items"]]


@pytest.mark.parametrize("hosts", ["fim"], indirect=True)
async def test_an_editor_shows_what_a_model_behind_an_endpoint_says(hosts: Hosts, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with process(hosts.near.environment) as (editor, _):
        await editor.initialize()
        editor.open(uri, SOURCE)
        assert await ghost_text(editor, uri) == ["return min(items)"]
        assert editor.all("window/showMessage") == []
    assert hosts.engines(hosts.near) == []
    assert hosts.engines(hosts.far) == ["starter"]
    assert hosts.near.call("GET", "/remote/audit")["requests"] == [], "it stayed on this machine"


@pytest.mark.parametrize("hosts", ["auto"], indirect=True)
async def test_a_model_of_no_known_family_is_asked_in_a_chat(hosts: Hosts, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with process(hosts.near.environment) as (editor, _):
        await editor.initialize()
        editor.open(uri, SOURCE)
        for text in await ghost_text(editor, uri):
            assert "CURSOR" not in text
            assert "```" not in text
        assert editor.all("window/showMessage") == []
    assert hosts.engines(hosts.far) == ["starter"]

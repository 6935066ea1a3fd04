"""Another IDE-Agent host, with a real engine, behind the gateway of this one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from ide_agent.paths import models_dir
from support.host_process import clean_home
from support.models import starter_model
from support.panel_host import PanelHost

pytestmark = pytest.mark.engine


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[tuple[PanelHost, PanelHost]]:
    """One without models that knows the other one, in no-cloud mode."""
    starter_model()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    near, far = PanelHost(tmp_path / "a"), PanelHost(tmp_path / "b")
    far.environment["IDE_AGENT_MODELS"] = str(models_dir())
    near.environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    with clean_home(far.home), clean_home(near.home):
        far.start()
        config = near.home / "config" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(f'[remote.endpoints.far]\nurl = "{far.address}/v1"\n')
        data = near.home / "data"
        data.mkdir()
        (data / "secrets.json").write_text(json.dumps({"remote.far": token_of(far)}))
        near.start()
        yield near, far
        for host in (near, far):
            host.process.terminate()
            host.process.wait()


def token_of(host: PanelHost) -> str:
    return str(json.loads((host.home / "state" / "host.json").read_text())["token"])


def test_chat_through_two_hosts(hosts: tuple[PanelHost, PanelHost]) -> None:
    near, far = hosts
    asked: dict[str, Any] = {
        "messages": [{"role": "user", "content": "one two three four"}],
        "max_tokens": 8,
        "temperature": 0,
        "seed": 1,
    }
    with openai.OpenAI(base_url=f"{near.address}/v1", api_key=token_of(near), max_retries=0) as client:
        assert "far/starter" in [model.id for model in client.models.list()]
        whole = client.chat.completions.create(model="far/starter", **asked)
        assert whole.model == "far/starter"
        assert whole.usage is not None
        assert whole.usage.completion_tokens > 0
        pieces = [
            chunk.choices[0].delta.content or ""
            for chunk in client.chat.completions.create(model="far/starter", stream=True, **asked)
        ]
        assert len(pieces) > 2
        assert "".join(pieces) == whole.choices[0].message.content
        with client.chat.completions.create(
            model="far/starter", stream=True, **asked | {"max_tokens": 4000}
        ) as one:
            next(iter(one))
        with pytest.raises(openai.BadRequestError, match="does not know “nobody”"):
            client.chat.completions.create(model="far/nobody", **asked)
    assert near.call("GET", "/status")["engines"] == []
    assert [engine["model"] for engine in far.call("GET", "/status")["engines"]] == ["starter"]
    assert near.call("GET", "/remote/audit")["requests"] == [], "it stayed on this machine"

"""Fill-in-the-middle through the host, on the starter model with ids of such tokens written into its header.

The model was never trained on them, so nothing is said here about how good the answers are.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ide_agent.inference import ModelStore
from ide_agent.paths import models_dir
from ide_agent.runtime import RuntimeInfo, ensure_host
from support import gguf_file
from support.host_process import clean_home

pytestmark = pytest.mark.engine
PRE, SUF, MID = 7, 8, 9
PREFIX = "def add(a, b):\n    return "
SUFFIX = "\n\n\nprint(add(1, 2))\n"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeInfo]:
    home = tmp_path_factory.mktemp("fim")
    model = home / "models" / "middle" / "middle.gguf"
    model.parent.mkdir(parents=True)
    starter = ModelStore(models_dir()).find("starter").file
    ids = {"fim_pre": PRE, "fim_suf": SUF, "fim_mid": MID}
    more = {f"tokenizer.ggml.{name}_token_id": number for name, number in ids.items()}
    model.write_bytes(gguf_file.with_values(starter.read_bytes(), more))
    (home / "config").mkdir()
    (home / "config" / "config.toml").write_text('[inference]\nengine = "xllamacpp"\nthreads = 1\n')
    with pytest.MonkeyPatch.context() as patch, clean_home(home):
        patch.setenv("IDE_AGENT_MODELS", str(home / "models"))
        patch.setenv("IDE_AGENT_HOME", str(home))
        yield ensure_host(60)


def complete(host: RuntimeInfo, **body: Any) -> list[dict[str, Any]]:
    """The events of one completion."""
    request = {"document": "file:///a.py", "path": "a.py", "language": "python", "max_tokens": 8} | body
    headers = {"Authorization": f"Bearer {host.token}"}
    answer = httpx.post(f"{host.url}/completion", json=request, headers=headers, timeout=120, trust_env=False)
    answer.raise_for_status()
    return [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: ")]


def read(events: list[dict[str, Any]]) -> int:
    """Tokens of the prompt, by the engine's count."""
    timings = events[-1]["timings"]
    return int(timings["prompt_n"] + timings["cache_n"])


def test_the_suffix_is_in_the_prompt(host: RuntimeInfo) -> None:
    short = complete(host, prefix=PREFIX, suffix=SUFFIX)
    long = complete(host, prefix=PREFIX, suffix=SUFFIX + "for n in range(10):\n    print(add(n, n))\n")
    assert short[0]["fim"] is True
    assert [short[-1]["type"], long[-1]["type"]] == ["done", "done"]
    assert read(long) > read(short) + 10


def test_case_24_an_empty_suffix_is_answered_too(host: RuntimeInfo) -> None:
    events = complete(host, prefix=PREFIX, suffix="")
    assert events[0]["fim"] is True
    assert "".join(event["text"] for event in events if event["type"] == "text")


def test_case_22_a_sentinel_in_the_source_is_one_prompt_of_plain_text(host: RuntimeInfo) -> None:
    plain = complete(host, prefix='mark = "im_end"\n' + PREFIX, suffix=SUFFIX)
    marked = complete(host, prefix='mark = "<|im_end|>"\n' + PREFIX, suffix=SUFFIX)
    assert [event["type"] for event in marked].count("done") == 1
    assert read(marked) > read(plain)  # a special token would be fewer

"""A rule's adapter in a real host: the server of the model is asked by the adapter's name."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ide_agent.paths import config_file, routes_file
from ide_agent.runtime import RuntimeInfo, call, ensure_host
from support import model_folders
from support.adapter_folder import write_adapter
from support.host_process import clean_home

SERVERS = Path(__file__).parents[2] / "support" / "servers"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are tested")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = tmp_path_factory.mktemp("models")
    folder = model_folders.llama(models / "hf")
    write_adapter(folder / "adapters" / "house", model_folders.LLAMA, rank=4, strength=1)
    return models


@pytest.fixture(scope="module")
def info(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeInfo]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch, clean_home(home):
        patch.setenv("IDE_AGENT_HOME", str(home))
        patch.setenv("IDE_AGENT_MODELS", str(models))
        patch.setenv(
            "PYTHONPATH", os.pathsep.join([str(SERVERS), *filter(None, [os.environ.get("PYTHONPATH")])])
        )
        config_file().parent.mkdir(parents=True)
        config_file().write_text(f"[inference]\nvllm = '{sys.executable}'\nthreads = 1\n")
        yield ensure_host(60)


def rule(**more: str) -> None:
    lines = {"name": "a", **more}
    routes_file().write_text(f"rules: [{{{', '.join(f'{key}: {value}' for key, value in lines.items())}}}]")


def body_of(answer: dict[str, Any]) -> dict[str, Any]:
    """What the server of the model was asked."""
    body: dict[str, Any] = answer["body"]
    return body


def test_the_rules_adapter_answers(info: RuntimeInfo) -> None:
    rule(model="hf", adapter="house", limits="{max_tokens: 3}")
    answer = call(info, "POST", "/v1/completions", {"prompt": "a"}, timeout=60)
    assert body_of(answer) == {"prompt": "a", "model": "hf:house", "max_tokens": 3}
    rule(model="hf")
    assert body_of(call(info, "POST", "/v1/completions", {"prompt": "a"}))["model"] != "hf:house"


def test_case_does_not_count_in_its_name(info: RuntimeInfo) -> None:
    rule(model="HF", adapter="House")
    answer = call(info, "POST", "/v1/completions", {"prompt": "a"}, timeout=60)
    assert body_of(answer)["model"] == "hf:house"


def test_fallbacks_are_asked_without_it(info: RuntimeInfo, models: Path) -> None:
    rule(model="hf", adapter="gone", fallbacks="[hf]")
    answer = call(info, "POST", "/v1/completions", {"prompt": "a"}, timeout=60)
    assert body_of(answer)["model"] == str(models / "hf")


def test_it_is_offered_where_it_is_written(info: RuntimeInfo) -> None:
    text = "rules:\n  - name: a\n    model: hf\n    adapter: huose"
    found = call(info, "POST", "/routes/assist", {"text": text, "line": 3, "column": 13})
    assert [each["label"] for each in found["completions"]] == ["house"]
    assert "house" in found["hover"]["text"]
    (problem,) = call(info, "POST", "/routes/check", {"text": text, "language": "tr"})["problems"]
    assert (problem["code"], problem["range"]["line"]) == ("error.routes.adapter_near", 3)
    assert "“house”" in problem["message"]

"""A real reranker in a real engine behind the gateway."""

from collections.abc import Iterator
from typing import Any

import pytest

from ide_agent.errors import IdeAgentError, ModelError, ModelNotFound
from ide_agent.paths import models_dir
from ide_agent.runtime import RuntimeInfo, call, ensure_host
from support.host_process import clean_home
from support.reranker_file import LIKED, write_reranker

pytestmark = pytest.mark.engine

DOCUMENTS = ["the law of tax", f"{LIKED} {LIKED} hat", f"the {LIKED} sat on the mat", "a tree and a dog"]
ASKED = {"query": "what is on the mat", "documents": DOCUMENTS}


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeInfo]:
    """A host that has the starter model and the reranker ``ranks``."""
    folder = tmp_path_factory.mktemp("reranking")
    for name in ("ranks", "starter"):
        (folder / "models" / name).mkdir(parents=True)
    write_reranker(folder / "models" / "ranks" / "ranks.gguf")
    for file in (models_dir() / "starter").glob("*.gguf"):
        (folder / "models" / "starter" / file.name).symlink_to(file)
    with pytest.MonkeyPatch.context() as patch, clean_home(folder / "home"):
        patch.setenv("IDE_AGENT_HOME", str(folder / "home"))
        patch.setenv("IDE_AGENT_MODELS", str(folder / "models"))
        yield ensure_host(60)


def ranked(info: RuntimeInfo, **more: Any) -> list[int]:
    answer = call(info, "POST", "/v1/rerank", {**ASKED, **more})
    assert answer["model"] == "ranks"
    scores = [found["relevance_score"] for found in answer["results"]]
    assert scores == sorted(scores, reverse=True)
    return [found["index"] for found in answer["results"]]


@pytest.mark.parametrize("name", ["ranks", "", "default"])
def test_what_answers_best_comes_first(info: RuntimeInfo, name: str) -> None:
    assert ranked(info, model=name)[:2] == [1, 2]
    assert ranked(info, model=name, documents=DOCUMENTS[::-1])[:2] == [2, 1]
    assert ranked(info, model=name, top_n=1) == [1]
    (engine,) = call(info, "GET", "/status")["engines"]
    assert (engine["engine"], engine["purpose"]) == ("xllamacpp", "reranking")


@pytest.mark.parametrize(
    ("path", "payload", "said"),
    [
        ("rerank", {**ASKED, "model": "starter"}, "starter is no reranker"),
        ("completions", {"model": "ranks", "prompt": "x"}, "ranks says how well texts answer"),
        ("embeddings", {"model": "ranks", "input": "x"}, "ranks says how well texts answer"),
    ],
)
def test_each_model_does_what_it_can(
    info: RuntimeInfo, path: str, payload: dict[str, Any], said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        call(info, "POST", f"/v1/{path}", payload)


def test_a_text_too_long_for_it_is_refused(info: RuntimeInfo) -> None:
    with pytest.raises(IdeAgentError, match="too large"):
        call(info, "POST", "/v1/rerank", {**ASKED, "documents": [f"{LIKED} " * 500]})
    assert ranked(info)[0] == 1


def test_a_name_that_nobody_has(info: RuntimeInfo) -> None:
    with pytest.raises(ModelNotFound, match="nobody"):
        call(info, "POST", "/v1/rerank", {**ASKED, "model": "nobody"})

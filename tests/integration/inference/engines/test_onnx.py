"""A real embedder in its process, asked as the host asks it."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ide_agent.config import InferenceSettings
from ide_agent.errors import EngineError, ModelError, ModelFileInvalid, PictureError
from ide_agent.inference.models import ModelStore
from ide_agent.inference.service import Inference
from support.minilm import minilm

pytestmark = pytest.mark.engine

ALIKE = ("How do I read a file line by line?", "Iterating over the lines of a text file")
# on these ONNX Runtime keeps quiet by itself
BUILD_SERVERS = (
    *("CI", "TF_BUILD", "GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "TRAVIS", "JENKINS_URL", "BUILDKITE"),
    *("CODEBUILD_BUILD_ID", "TEAMCITY_VERSION", "APPVEYOR", "BITBUCKET_BUILD_NUMBER"),
)
UNLIKE = "The recipe needs two ripe bananas and some cinnamon."


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path / "home"))
    minilm(tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def told() -> list[dict[str, Any]]:
    return []


@pytest.fixture
async def inference(models: Path, told: list[dict[str, Any]]) -> AsyncGenerator[Inference]:
    room = Inference(InferenceSettings(threads=1), ModelStore(models), told.append)
    yield room
    await room.close()


async def embed(room: Inference, texts: Any, **more: Any) -> dict[str, Any]:
    async with room.model("minilm-int8", "embedding") as model:
        answer: dict[str, Any] = await model.request("POST", "/v1/embeddings", {"input": texts, **more})
        return answer


def dot(one: list[float], other: list[float]) -> float:
    return math.sumprod(one, other) if hasattr(math, "sumprod") else sum(map(float.__mul__, one, other))


async def test_what_means_the_same_is_near(inference: Inference, told: list[dict[str, Any]]) -> None:
    answer = await embed(inference, [*ALIKE, UNLIKE])
    one, same, other = (item["embedding"] for item in answer["data"])
    assert [item["index"] for item in answer["data"]] == [0, 1, 2]
    assert dot(one, same) > dot(one, other) and dot(one, same) > dot(same, other)
    assert math.isclose(dot(one, one), 1.0, abs_tol=1e-5)
    assert answer["usage"]["prompt_tokens"] == answer["usage"]["total_tokens"] > 20
    assert (told[-1]["engine"], told[-1]["format"]) == ("onnxruntime", "onnx/int8")


async def test_a_text_alone_is_as_among_others(inference: Inference) -> None:
    many = await embed(inference, [f"{number} {UNLIKE * (number % 7 + 1)}" for number in range(60)])
    alone = await embed(inference, f"3 {UNLIKE * 4}")
    # the weights of its activations are chosen by batch: the numbers differ a little
    assert dot(many["data"][3]["embedding"], alone["data"][0]["embedding"]) > 0.98
    assert len(many["data"]) == 60


async def test_base64_holds_the_same_numbers(inference: Inference) -> None:
    plain = (await embed(inference, UNLIKE))["data"][0]["embedding"]
    coded = (await embed(inference, [UNLIKE], encoding_format="base64"))["data"][0]["embedding"]
    raw = base64.b64decode(coded)
    assert list(struct.unpack(f"<{len(plain)}f", raw)) == pytest.approx(plain, abs=1e-6)


async def test_long_texts_are_cut(inference: Inference) -> None:
    assert (await embed(inference, "word " * 5000))["usage"]["prompt_tokens"] == 128


@pytest.mark.parametrize("texts", [5, [5], [[1, 2]], ["a", None]])
async def test_what_is_no_text_is_refused(inference: Inference, texts: Any) -> None:
    with pytest.raises(EngineError, match="a text or a list of texts"):
        await embed(inference, texts)


async def test_objects_reach_no_engine(inference: Inference) -> None:
    with pytest.raises(PictureError):
        await embed(inference, {"a": 1})


async def test_only_who_has_the_key_is_answered(inference: Inference) -> None:
    engine = await inference.engine("minilm-int8", "embedding")
    async with httpx.AsyncClient(base_url=engine.url, trust_env=False) as stranger:
        assert (await stranger.post("/v1/embeddings", json={"input": "a"})).status_code == 401
        assert (await stranger.get("/health")).status_code == 200


async def test_it_tells_its_makers_nothing(
    inference: Inference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*BUILD_SERVERS, "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS"):
        monkeypatch.delenv(name, raising=False)
    person = tmp_path / "person"
    person.mkdir()
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(person))
    await embed(inference, UNLIKE)
    assert not [path for path in person.rglob("*") if {"Microsoft", "deviceid"} & set(path.parts)]


async def test_it_writes_no_text(inference: Inference) -> None:
    with pytest.raises(ModelError, match="turns text into vectors"):
        await inference.engine("minilm-int8")


async def test_the_plan_is_near_what_it_takes(inference: Inference) -> None:
    await embed(inference, ["word " * 500] * 40)
    (row,) = inference.running()
    assert row["rss"] is not None
    assert row["rss"] < 1.1 * (row["bytes"] + row["cache"])


async def test_a_text_of_megabytes_costs_no_more(inference: Inference) -> None:
    answer = await embed(inference, "word, some (text) " * 450_000)
    assert answer["usage"]["prompt_tokens"] == 128
    (row,) = inference.running()
    assert row["rss"] is not None
    assert row["rss"] < 1.3 * (row["bytes"] + row["cache"])


async def test_a_damaged_graph_is_refused(inference: Inference, models: Path) -> None:
    broken = models / "broken"
    broken.mkdir()
    for file in (models / "minilm-int8").iterdir():
        (broken / file.name).write_bytes(
            file.read_bytes()[:90_000] if file.suffix == ".onnx" else file.read_bytes()
        )
    with pytest.raises(ModelFileInvalid):
        await inference.engine("broken", "embedding")

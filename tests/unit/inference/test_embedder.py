"""Embedders in ONNX: how much of a text is read, and how one vector comes of many."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ide_agent.errors import ModelFileInvalid
from ide_agent.inference.backends.base import EngineSpec
from ide_agent.locale import LANGUAGES
from support import onnx_file

if TYPE_CHECKING:
    from ide_agent.inference.serve.embedder import Embedder

WORDS = ("a", "b", "c")
PLAIN = ((1.0, 0.0, 0.0), (0.0, 2.0, 0.0), (0.0, 0.0, 4.0))


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "1")


def load(graph: Path, context: int = 64) -> Embedder:
    from ide_agent.inference.serve.embedder import Embedder

    return Embedder(EngineSpec(str(graph), context, 1, 1, 64, "k", 0))


def vector(embedder: Embedder, text: str) -> list[float]:
    (step,) = embedder.steps([text])
    return step.rows[0]


def test_a_sum_of_small_numbers_is_not_a_small_number(tmp_path: Path) -> None:
    large = ((60000.0, 0.0), (0.0, 60000.0), (0.0, 0.0))
    embedder = load(onnx_file.embedder(tmp_path / "m", onnx_file.graph(large, half=True), WORDS))
    assert vector(embedder, "a a b b") == pytest.approx([0.5**0.5, 0.5**0.5])


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({}, (1, 2, 4)),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, (1, 2, 4)),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, (1, 2, 4)),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, (1, 0, 0)),
        ({"pooling_mode": "cls"}, (1, 0, 0)),
        ({"pooling_mode_lasttoken": True}, (0, 0, 4)),
        ({"pooling_mode_max_tokens": True}, (1, 2, 4)),
        ({"pooling_mode_weightedmean_tokens": True}, (1, 4, 12)),
    ],
)
def test_one_vector_comes_of_many_as_the_model_asks(
    tmp_path: Path, pooling: dict[str, Any], expected: tuple[int, ...]
) -> None:
    embedder = load(onnx_file.embedder(tmp_path / "m", onnx_file.graph(PLAIN), WORDS, **pooling))
    length = sum(each**2 for each in expected) ** 0.5
    wanted = pytest.approx([each / length for each in expected])
    (step,) = embedder.steps(["a b c", "a " * 9])  # padded to the length of the other
    assert step.rows[0] == wanted


def test_the_largest_is_not_that_of_the_padding(tmp_path: Path) -> None:
    below = ((-1.0, -1.0), (-3.0, -1.0), (0.0, 0.0))
    graph = onnx_file.embedder(tmp_path / "m", onnx_file.graph(below), WORDS, pooling_mode_max_tokens=True)
    (step,) = load(graph).steps(["b", "a a a"])
    assert step.rows[0] == pytest.approx([-3 / 10**0.5, -1 / 10**0.5])


STEPS = [
    {"idx": number, "type": f"sentence_transformers.models.{name}"}
    for number, name in enumerate(("Transformer", "Pooling", "Normalize"))
]


def test_a_step_that_is_not_computed_is_not_left_out(tmp_path: Path) -> None:
    graph = onnx_file.embedder(tmp_path / "m", onnx_file.graph(PLAIN), WORDS)
    modules = graph.with_name("modules.json")
    modules.write_text(json.dumps(STEPS))
    assert vector(load(graph), "a") == [1.0, 0.0, 0.0]
    modules.write_text(json.dumps([*STEPS, {"type": "sentence_transformers.models.Dense"}]))
    with pytest.raises(ModelFileInvalid) as caught:
        load(graph)
    assert caught.value.key_used == "error.model.module"
    for language in LANGUAGES:
        assert "modules.json" in caught.value.message(language) and "Dense" in caught.value.message(language)


@pytest.mark.parametrize("steps", [[{}], [7], [{"type": 7}]])
def test_steps_that_make_no_sense_are_refused(tmp_path: Path, steps: list[Any]) -> None:
    graph = onnx_file.embedder(tmp_path / "m", onnx_file.graph(PLAIN), WORDS)
    graph.with_name("modules.json").write_text(json.dumps(steps))
    with pytest.raises(ModelFileInvalid):
        load(graph)


def test_a_graph_that_wants_more_is_refused(tmp_path: Path) -> None:
    inputs = ("input_ids", "attention_mask", "position_ids", "past_key_values.0.key")
    graph = onnx_file.embedder(tmp_path / "m", onnx_file.graph(PLAIN, inputs=inputs), WORDS)
    with pytest.raises(ValueError, match=r"past_key_values\.0\.key, position_ids$"):
        load(graph)


def test_texts_are_read_as_they_are_needed(tmp_path: Path) -> None:
    read = 0

    def texts(text: str) -> Iterator[str]:
        nonlocal read
        for _ in range(5000):
            read += 1
            yield text

    embedder = load(onnx_file.embedder(tmp_path / "m", onnx_file.graph(PLAIN), WORDS))
    for text in ("a " * 64, "a" * 5000):  # many tokens, many characters
        read = 0
        steps = embedder.steps(texts(text))
        next(steps)
        assert 1 < read < 30
    assert sum(len(step.rows) for step in embedder.steps(texts("a b"))) == 5000


def test_no_more_of_a_text_is_read_than_counts(tmp_path: Path) -> None:
    seen: list[int] = []

    class Watched(str):
        def __getitem__(self, key: Any) -> str:
            seen.append(key.stop)
            return super().__getitem__(key)

    embedder = load(onnx_file.embedder(tmp_path / "m", onnx_file.graph(PLAIN), WORDS), context=8)
    (step,) = embedder.steps([Watched("a " * 1_000_000)])
    assert step.tokens == 8 and seen == [128]

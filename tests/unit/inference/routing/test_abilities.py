"""Warnings of rules whose model cannot do the task."""

from pathlib import Path
from typing import Any

import pytest

from ide_agent.inference.models import ModelStore
from ide_agent.inference.routing.known import Known, known_models
from ide_agent.inference.routing.reading import read
from support import gguf_file, model_folders

PROJECTOR = {"general.architecture": "clip", "clip.has_vision_encoder": True}


@pytest.fixture
def known(tmp_path: Path) -> Known:
    def gguf(path: str, keys: dict[str, Any]) -> None:
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(gguf_file.file(keys))

    gguf("writer/m.gguf", gguf_file.llama())
    gguf("vectors/m.gguf", gguf_file.llama(**{"llama.pooling_type": 1}))
    gguf("ranker/m.gguf", gguf_file.llama(**{"llama.pooling_type": 4}))
    gguf("eyes/m.gguf", gguf_file.llama())
    gguf("eyes/mmproj.gguf", PROJECTOR)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "m.gguf").write_bytes(b"GGUF")
    model_folders.embedder(tmp_path / "onnx")
    model_folders.whisper(tmp_path / "whisper")
    model_folders.voice(tmp_path / "joe")
    return known_models(ModelStore(tmp_path), ["api"])


def found(known: Known, model: str, when: str = "", more: str = "") -> list[tuple[str, str]]:
    head = f"rules:\n  - name: r\n    model: {model}\n"
    text = head + (f"    when: {{{when}}}\n" if when else "") + more
    reading = read(text, known)
    assert not reading.broken
    assert {problem.severity for problem in reading.problems} <= {"warning"}
    return [
        (problem.key.removeprefix("error.routes."), str(problem.params.get("tasks")))
        for problem in reading.problems
    ]


WRITING = "completion, chat, review, tests"


@pytest.mark.parametrize(
    ("model", "when", "warned"),
    [
        ("writer", "", []),
        ("writer", "task: embedding", []),
        ("writer", "task: vision", [("no_vision", "vision")]),
        ("writer", "task: [audio, chat]", [("no_audio", "audio")]),
        ("eyes", "task: [vision, chat]", []),
        ("eyes", "task: [vision, audio]", [("no_audio", "audio")]),
        ("vectors", "", [("for_vectors", WRITING)]),
        ("VECTORS", "task: [chat, review]", [("for_vectors", "chat, review")]),
        ("onnx", "task: completion", [("for_vectors", "completion")]),
        ("onnx", "task: [embedding]", []),
        ("ranker", "task: embedding", [("for_ranking", "embedding")]),
        ("whisper", "task: tests", [("for_speech", "tests")]),
        ("whisper", "task: audio", [("for_speech", "audio")]),
        ("joe", "language: go", [("for_speech", WRITING)]),
        ("broken", "task: vision", []),
        ("api/vectors", "task: chat", []),
        ("default", "task: vision", []),
    ],
)
def test_what_a_model_cannot_do(known: Known, model: str, when: str, warned: list[tuple[str, str]]) -> None:
    assert found(known, model, when) == warned


def test_a_fallback_counts_too_and_a_rule_that_is_off_does_not(known: Known) -> None:
    text = "rules:\n  - name: r\n    model: writer\n    fallbacks:\n      - default\n      - onnx\n"
    (problem,) = read(text, known).problems
    assert (problem.key, problem.at.line) == ("error.routes.for_vectors", 5)
    assert read(text + "    enabled: false\n", known).problems == ()


def test_names_alone_tell_nothing(known: Known) -> None:
    assert read("rules: [{name: r, model: onnx}]", set(known)).problems == ()


@pytest.mark.parametrize("language", ["en", "tr"])
def test_a_warning_names_model_tasks_and_what_to_do(known: Known, language: str) -> None:
    for model, tasks in (("onnx", "chat"), ("ranker", "embedding"), ("joe", "chat"), ("writer", "vision")):
        (problem,) = read(f"rules: [{{name: r, model: {model}, when: {{task: {tasks}}}}}]", known).problems
        assert f"“{model}”" in problem.message(language)

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ide_agent.config import InferenceSettings
from ide_agent.errors import EngineStartError
from ide_agent.inference import gpus
from ide_agent.inference.backends import BACKENDS, Costs, costs, llamacpp_python, suited, usable
from ide_agent.inference.backends.base import Backend
from ide_agent.inference.backends.llamacpp_python import LlamaCppPython
from ide_agent.inference.backends.onnx import OnnxRuntime
from ide_agent.inference.backends.xllamacpp import Xllamacpp


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_threads_that_wait_spin_only_briefly(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert 0 < int(backend.environment()["GOMP_SPINCOUNT"]) < 1000


def test_elsewhere_only_the_prebuilt_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert LlamaCppPython().environment() == {}
    assert Xllamacpp().environment() == {"OMP_WAIT_POLICY": "passive"}


@pytest.mark.parametrize(
    ("preference", "key"),
    [("llama-cpp-python", "error.engine.not_built"), ("xllamacpp", "error.engine.missing")],
)
def test_an_engine_that_is_not_here_says_how_to_get_it(
    preference: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in (LlamaCppPython, Xllamacpp):
        monkeypatch.setattr(kind, "available", lambda self: False)
    with pytest.raises(EngineStartError) as caught:
        usable(preference, "m")
    assert caught.value.key_used == key


def test_the_format_decides_what_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = InferenceSettings()
    assert [each.name for each in suited(settings, "m", "onnx", "embedding")] == ["onnxruntime"]
    for form, purpose in (("onnx", "text"), ("piper", "text"), ("ctranslate2", "embedding")):
        with pytest.raises(EngineStartError) as caught:
            suited(settings, "m", form, purpose)
        assert caught.value.key_used == "error.engine.no_runtime"
    monkeypatch.setattr(OnnxRuntime, "available", lambda self: False)
    with pytest.raises(EngineStartError) as caught:
        suited(settings, "m", "onnx", "embedding")
    assert caught.value.key_used == "error.engine.missing"
    assert costs(settings, "onnx", "embedding") == Costs()


def test_what_is_free_on_gpus_counts_for_an_engine_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "room", lambda: 7)
    monkeypatch.setattr(LlamaCppPython, "available", lambda self: True)
    settings = InferenceSettings(engine="llama-cpp-python")
    monkeypatch.setattr(LlamaCppPython, "offloads", lambda self: False)
    assert costs(settings).gpu_room == 0
    monkeypatch.setattr(LlamaCppPython, "offloads", lambda self: True)
    assert costs(settings).gpu_room == 7
    assert costs(settings.model_copy(update={"gpu_layers": 0})).gpu_room == 0


def test_an_engine_with_cuda_is_known_by_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(llamacpp_python, "find_spec", lambda _: spec)
    assert not LlamaCppPython().offloads()
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libggml-cuda.so").touch()
    assert LlamaCppPython().offloads()

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ide_agent.config import InferenceSettings
from ide_agent.errors import EngineStartError
from ide_agent.inference import gpus
from ide_agent.inference.backends import BACKENDS, Costs, costs, costs_of, llamacpp_python, suited, usable
from ide_agent.inference.backends.base import Backend
from ide_agent.inference.backends.llamacpp_python import LlamaCppPython
from ide_agent.inference.backends.onnx import OnnxRuntime
from ide_agent.inference.backends.spawned import Spawned, TransformersServe, Vllm, python_of
from ide_agent.inference.backends.xllamacpp import Xllamacpp
from ide_agent.inference.models import ModelStore
from ide_agent.inference.resources import share
from support import model_folders


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


@pytest.mark.parametrize("preference", ["auto", "llama-cpp-python"])
def test_what_one_does_not_do_another_one_does(preference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LlamaCppPython, "available", lambda self: True)
    settings = InferenceSettings(engine=preference)
    assert [each.name for each in suited(settings, "m", "gguf", "reranking")] == ["xllamacpp"]
    assert suited(settings, "m", "gguf", "embedding")[0].name == "llama-cpp-python"


def test_what_sees_runs_where_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LlamaCppPython, "available", lambda self: True)
    for preference in ("auto", "llama-cpp-python", "xllamacpp"):
        assert [each.name for each in usable(preference, projector=True)] == ["xllamacpp"]
    monkeypatch.setattr(Xllamacpp, "available", lambda self: False)
    assert [each.name for each in usable("auto", projector=True)] == ["llama-cpp-python"], "without eyes"
    assert costs(InferenceSettings(), projector=True) == LlamaCppPython.costs


def test_what_is_free_on_gpus_counts_for_an_engine_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "room", lambda: 7)
    monkeypatch.setattr(LlamaCppPython, "available", lambda self: True)
    settings = InferenceSettings(engine="llama-cpp-python")
    monkeypatch.setattr(LlamaCppPython, "offloads", lambda self: False)
    assert costs(settings).gpu_room == 0
    monkeypatch.setattr(LlamaCppPython, "offloads", lambda self: True)
    assert costs(settings).gpu_room == 7
    assert costs_of(Xllamacpp(), settings) == Xllamacpp.costs, "the one that takes over counts as it is"
    assert costs(settings.model_copy(update={"gpu_layers": 0})).gpu_room == 0


def test_an_engine_with_cuda_is_known_by_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(llamacpp_python, "find_spec", lambda _: spec)
    assert not LlamaCppPython().offloads()
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libggml-cuda.so").touch()
    assert LlamaCppPython().offloads()


def script(file: Path, first: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{first}\n")
    file.chmod(0o755)
    return file


def test_the_python_of_a_program(tmp_path: Path) -> None:
    python = script(tmp_path / "env" / "bin" / "python3", "")
    beside = script(tmp_path / "env" / "bin" / "python", "")
    assert python_of(python) == str(python)
    assert python_of(script(tmp_path / "a", f"#!{python}")) == str(python)
    assert python_of(script(tmp_path / "b", "#!/bin/sh")) == ""
    assert python_of(script(beside.with_name("vllm"), "#!/bin/sh")) == str(beside)
    link = tmp_path / "vllm"
    link.symlink_to(beside.with_name("vllm"))
    assert python_of(link) == str(beside)
    for wrong in (tmp_path / "none", tmp_path):
        assert python_of(wrong) == ""
    beside.with_name("vllm").chmod(0o644)
    assert python_of(link) == ""


def environment(folder: Path, *lie: str) -> str:
    """A Python with such packages, in an environment of its own."""
    packages = folder / "lib" / "python3.12" / "site-packages"
    for each in lie:
        (packages / each).parent.mkdir(parents=True, exist_ok=True)
        (packages / each).touch()
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\n")
    return str(script(folder / "bin" / "python3", ""))


@pytest.mark.parametrize("kind", [Vllm, TransformersServe])
def test_an_environment_that_cannot_serve_is_none(
    kind: type[Spawned], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert kind(environment(tmp_path / "all", *kind.needs)).available()
    for lacking in kind.needs:
        python = environment(tmp_path / lacking, *(need for need in kind.needs if need != lacking))
        assert not kind(python).available()
    for need in kind.needs:
        (tmp_path / "elsewhere" / need).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "elsewhere" / need).touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    assert kind(python).available()


def test_an_environment_that_sees_the_packages_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "nobody")
    environment(tmp_path / "below", "uvicorn")
    python = environment(tmp_path / "above", "__editable__.vllm-0.32.0.pth")
    assert not Vllm(python).available()
    below = f"home = {tmp_path / 'below' / 'bin'}\ninclude-system-site-packages = True\n"
    (tmp_path / "above" / "pyvenv.cfg").write_text(below)
    assert Vllm(python).available()


def test_vllm_is_asked_before_transformers(tmp_path: Path) -> None:
    python = str(script(tmp_path / "python", ""))
    both = InferenceSettings(vllm=python, transformers=python)
    assert [each.name for each in suited(both, "m", "safetensors")] == ["vllm", "transformers"]
    one = InferenceSettings(vllm="/none", transformers=python)
    assert [each.name for each in suited(one, "m", "safetensors")] == ["transformers"]
    with pytest.raises(EngineStartError) as caught:
        suited(InferenceSettings(vllm="/none", transformers="/none"), "m", "safetensors")
    assert caught.value.key_used == "error.engine.no_server"


def test_room_for_the_cache_is_taken_in_pieces(tmp_path: Path) -> None:
    model_folders.llama(tmp_path / "m")
    model = ModelStore(tmp_path).find("m")
    part = share(model, context_tokens=512, slots=1, threads=1, costs=Vllm.costs)
    assert part.kv == 1 << 30
    assert part.bytes == model.bytes + Vllm.costs.process + part.kv

from pathlib import Path

from ide_agent.config import InferenceSettings
from ide_agent.host.runtimes import survey
from ide_agent.inference.models import ModelStore
from support import model_folders


def test_models_that_nothing_here_runs(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    none = InferenceSettings(vllm="/none", transformers="/none")
    bare = {"here": ["onnxruntime"], "lacking": ["vllm", "transformers"], "for_speech": [], "problems": []}
    assert survey(none, store) == bare
    model_folders.llama(tmp_path / "models" / "smol")
    model_folders.embedder(tmp_path / "models" / "vectors")
    model_folders.voice(tmp_path / "models" / "joe")
    model_folders.whisper(tmp_path / "models" / "whisper")
    seen = survey(none, store)
    assert sorted(seen["for_speech"]) == ["joe", "whisper"]
    (problem,) = seen["problems"]
    assert (problem["code"], problem["params"]["model"]) == ("error.engine.no_server", "smol")
    python = tmp_path / "python"
    python.touch(mode=0o755)
    seen = survey(InferenceSettings(vllm="/none", transformers=str(python)), store)
    assert (seen["here"], seen["lacking"]) == (["onnxruntime", "transformers"], ["vllm"])
    assert seen["problems"] == []


def test_a_damaged_one_is_a_problem_of_its_own(tmp_path: Path) -> None:
    folder = model_folders.llama(tmp_path / "models" / "smol")
    (folder / "config.json").write_text("no JSON")
    (problem,) = survey(InferenceSettings(), ModelStore(tmp_path / "models"))["problems"]
    assert problem["code"] == "error.model.corrupt"

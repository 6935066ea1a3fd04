"""Which models rules may name."""

from pathlib import Path

import pytest

from ide_agent.inference.models import ModelStore
from ide_agent.inference.routing.known import known_models, suggested
from support import gguf_file


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    for name in ("Two/a", "Two/b", "one/m"):
        file = tmp_path / f"{name}.gguf"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(gguf_file.file(gguf_file.llama()))
    return ModelStore(tmp_path)


def test_names_of_models_of_folders_and_of_apis(store: ModelStore) -> None:
    known = known_models(store, ["api"])
    assert set(known) == {"one", "Two", "Two/a", "Two/b", "api/"}
    assert len(known) == 5
    for name, is_known in {"ONE": True, "two/A": True, "api/": True, "API/": False, "three": False}.items():
        assert (name in known) is is_known


def test_a_folder_stands_for_the_model_that_the_store_finds(store: ModelStore) -> None:
    known = known_models(store)
    assert known.model("two") == store.find("Two")
    assert known.model("TWO/B") == store.find("Two/b")
    assert known.model("three") is None


def test_what_nothing_here_runs_is_not_suggested(store: ModelStore) -> None:
    known = known_models(store, ["api"])
    assert suggested(known, {"gguf"}) == set(known)
    assert suggested(known, {"onnx"}) == {"api/"}
    assert suggested({"a", "b/"}, set()) == {"a", "b/"}  # nobody looked

from pathlib import Path

import pytest

from ide_agent.errors import NotEnoughMemory
from ide_agent.inference import resources
from ide_agent.inference.models import ModelFile, ModelStore
from support import gguf_file


@pytest.fixture
def model(tmp_path: Path) -> ModelFile:
    file = tmp_path / "m" / "m.gguf"
    file.parent.mkdir()
    file.write_bytes(gguf_file.file(gguf_file.llama()))
    return ModelStore(tmp_path).find("m")


def test_memory_grows_with_context_and_slots(model: ModelFile) -> None:
    per_token = model.header.kv_bytes_per_token
    small = resources.share(model, context_tokens=100, slots=1, threads=1)
    large = resources.share(model, context_tokens=200, slots=3, threads=1)
    assert large.bytes - small.bytes == (200 * 3 - 100) * per_token


def test_all_parts_of_a_split_model_count(tmp_path: Path) -> None:
    folder = tmp_path / "split"
    folder.mkdir()
    tensors = [gguf_file.tensor("w", (32, 4), 2, 0)]
    (folder / "b-00001-of-00002.gguf").write_bytes(gguf_file.file(gguf_file.llama(), tensors, 72))
    with (folder / "b-00002-of-00002.gguf").open("wb") as later:
        later.truncate(500_000_000)  # a hole, it takes no room
    model = ModelStore(tmp_path).find("split")
    part = resources.share(model, context_tokens=1, slots=1, threads=1)
    assert part.bytes > 500_000_000
    assert part.batch < resources.prompt_batch(model.header.parameters, 1)


def test_context_is_no_longer_than_the_model_was_trained_for(model: ModelFile) -> None:
    assert resources.share(model, context_tokens=8192, slots=1, threads=1).context == 512


def test_an_embedding_is_computed_in_one_piece(model: ModelFile) -> None:
    part = resources.share(model, context_tokens=512, slots=1, threads=1, embedding=True)
    assert part.batch == part.context == 512


def test_threads_are_chosen_unless_set(model: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "default_threads", lambda: 5)
    assert resources.share(model, context_tokens=99, slots=1, threads=0).threads == 5
    assert resources.share(model, context_tokens=99, slots=1, threads=2).threads == 2


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 2), (3, 3), (4, 3), (16, 15)])
def test_a_core_is_left_where_there_are_enough(
    monkeypatch: pytest.MonkeyPatch, cores: int, threads: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)), raising=False)
    monkeypatch.setattr("psutil.cpu_count", lambda logical: cores)
    assert resources.default_threads() == threads


def test_hyperthreads_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 8 if logical else 4)
    assert resources.default_threads() == 3


def test_prompt_batches_shrink_with_the_model_and_grow_with_the_cores() -> None:
    starter = 134_515_008
    assert resources.prompt_batch(starter, 2) == 8
    assert resources.prompt_batch(starter, 8) > resources.prompt_batch(starter, 2)
    assert resources.prompt_batch(7_000_000_000, 2) == 16
    assert resources.prompt_batch(1_000_000, 64) == 256


def test_what_does_not_fit_is_refused_with_numbers(model: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "free_memory", lambda: 628 << 20)
    resources.check_memory(model, 500 << 20)
    with pytest.raises(NotEnoughMemory) as caught:
        resources.check_memory(model, (500 << 20) + 1)
    assert caught.value.params == {"file": str(model.file), "need_mb": 501, "free_mb": 500}
    assert "501" in caught.value.message("tr")


def test_a_containers_limit_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("900000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 50000\nactive_file 3\n")
    monkeypatch.setattr(resources, "_CGROUP", tmp_path)
    assert resources.free_memory() == 150_000
    (tmp_path / "memory.max").write_text("max\n")
    assert resources.free_memory() > 150_000

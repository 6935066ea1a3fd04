from pathlib import Path

import pytest

from ide_agent.errors import NotEnoughMemory
from ide_agent.inference import resources
from ide_agent.inference.backends import Costs
from ide_agent.inference.beside import beside
from ide_agent.inference.models import ModelFile, ModelStore
from ide_agent.inference.resources import kv_cache, share
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


def test_what_it_sees_with_counts(model: ModelFile) -> None:
    file = model.file.with_name("mmproj.gguf")
    file.write_bytes(gguf_file.file({"general.architecture": "clip"}, data=5_000_000))
    blind = share(model, context_tokens=100, slots=1, threads=1)
    seeing = share(model, context_tokens=100, slots=1, threads=1, beside=beside(model))
    assert seeing.bytes - blind.bytes > 5_000_000
    assert seeing.batch == blind.batch


def test_a_picture_whose_parts_look_at_each_other_is_computed_at_once(tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    size = 4 << 30  # of weights: a batch of them is small
    tensors = [gguf_file.tensor("w", (size,), 24, 0)]
    values = {"general.architecture": "gemma3", "gemma3.context_length": 4096}
    with (tmp_path / "g" / "g.gguf").open("wb") as file:
        file.write(gguf_file.file(values, tensors))
        file.truncate(file.tell() + size)  # a hole, it takes no room
    (tmp_path / "g" / "mmproj.gguf").write_bytes(gguf_file.file({"general.architecture": "clip"}))
    found = ModelStore(tmp_path).find("g")
    assert share(found, context_tokens=4096, slots=1, threads=1).batch < 256
    seeing = share(found, context_tokens=4096, slots=1, threads=1, beside=beside(found))
    assert seeing.batch == 256


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


def test_blocks_that_see_a_window_only_need_less_where_the_engine_knows(tmp_path: Path) -> None:
    values = {"general.architecture": "gemma3", "gemma3.attention.sliding_window": 512}
    values |= {
        f"gemma3.{key}": number
        for key, number in {
            "context_length": 32768,
            "block_count": 12,
            "embedding_length": 64,
            "attention.head_count": 4,
            "attention.head_count_kv": 1,
            "attention.key_length": 16,
            "attention.value_length": 16,
        }.items()
    }
    file = tmp_path / "m" / "m.gguf"
    file.parent.mkdir()
    file.write_bytes(gguf_file.file(values))
    header = ModelStore(tmp_path).find("m").header
    a_token = 1 * (16 + 16) * 2
    whole = kv_cache(header, context=8192, slots=2, batch=8, slides=False)
    assert whole == 12 * 8192 * a_token * 2 == header.kv_bytes_per_token * 8192 * 2
    # two of twelve see all of it, the others 512 tokens and a batch
    assert (
        kv_cache(header, context=8192, slots=2, batch=8, slides=True) == (2 * 8192 + 10 * 768) * a_token * 2
    )
    assert kv_cache(header, context=256, slots=1, batch=8, slides=True) == 12 * 256 * a_token


def test_each_engine_has_costs_of_its_own(model: ModelFile) -> None:
    small, large = Costs(process=1, token=0), Costs(process=2, token=10, prompts=5)
    shares = [share(model, context_tokens=512, slots=1, threads=1, costs=costs) for costs in (small, large)]
    assert shares[1].bytes - shares[0].bytes == 1 + 10 * model.header.vocabulary
    assert [each.cache for each in shares] == [0, 5]
    embedder = share(model, context_tokens=512, slots=1, threads=1, embedding=True, costs=large)
    assert embedder.cache == 512 * model.header.vocabulary * 4  # a score for each token at each place


def test_what_goes_onto_a_gpu_is_not_taken_of_memory(model: ModelFile) -> None:
    without = share(model, context_tokens=4096, slots=2, threads=1)
    whole = share(model, context_tokens=4096, slots=2, threads=1, costs=Costs(gpu_room=1 << 40))
    assert without.gpu is None
    assert whole.gpu is not None
    assert whole.gpu.layers == whole.gpu.of == len(model.header.kv_heads) + 1
    assert whole.bytes + whole.gpu.bytes == without.bytes
    none = share(model, context_tokens=4096, slots=2, threads=1, costs=Costs(gpu_room=1 << 40, gpu_layers=0))
    assert none.gpu is not None
    assert (none.gpu.layers, none.bytes) == (0, without.bytes)

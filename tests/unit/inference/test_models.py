import os
from pathlib import Path
from typing import Any

import pytest

from ide_agent.errors import ModelFileInvalid, ModelNotFound
from ide_agent.inference import models
from ide_agent.inference.chosen import NAME, choose
from ide_agent.inference.gguf import GgufHeader, read_header
from ide_agent.inference.models import ModelStore, called
from support import gguf_file, model_folders

_FIM = {f"tokenizer.ggml.fim_{part}_token_id": 3 for part in ("pre", "suf", "mid")}


def put(folder: Path, name: str, file: str, age: int = 0, content: bytes | None = None) -> Path:
    target = folder / name / file
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(gguf_file.file(gguf_file.llama()) if content is None else content)
    os.utime(target, ns=(10**18 - age * 10**9,) * 2)
    return target


def test_newest_first(tmp_path: Path) -> None:
    put(tmp_path, "old", "o.gguf", age=9)
    put(tmp_path, "new", "n.gguf", age=1)
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").write_text("x")
    put(tmp_path, "loading", "x.gguf.part")
    assert [model.name for model in ModelStore(tmp_path).list()] == ["new", "old"]


def test_a_folder_that_leaves_while_somebody_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "stays", "m.gguf")
    leaving = put(tmp_path, "leaves", "m.gguf")
    real = os.scandir

    def scandir(path: Any = ".") -> Any:
        if Path(path) == leaving.parent and leaving.exists():
            leaving.unlink()
            leaving.parent.rmdir()
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert [model.name for model in ModelStore(tmp_path).list()] == ["stays"]
    assert not leaving.parent.exists()


def test_no_folder_is_no_models(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "none")
    assert store.list() == []
    with pytest.raises(ModelNotFound) as caught:
        store.find()
    assert caught.value.key_used == "error.model.none"


def test_without_a_name_the_chosen_else_the_newest(tmp_path: Path) -> None:
    put(tmp_path, "old", "o.gguf", age=9)
    put(tmp_path, "new", "n.gguf", age=1)
    assert ModelStore(tmp_path).find().name == "new"
    assert ModelStore(tmp_path, default="old").find().name == "old"
    assert ModelStore(tmp_path, default="old").find("new").name == "new"


@pytest.mark.parametrize(
    "able", [{"tokenizer.chat_template": "{{ messages }}"}, _FIM], ids=["chats", "fills_in"]
)
def test_a_new_base_model_takes_no_ones_place(tmp_path: Path, able: dict[str, Any]) -> None:
    put(tmp_path, "chat", "m.gguf", age=9, content=gguf_file.file(gguf_file.llama(**able)))
    put(tmp_path, "base", "m.gguf", age=1)
    assert ModelStore(tmp_path).find().name == "chat"
    assert ModelStore(tmp_path).find("base").name == "base"


def test_unknown_names_are_told(tmp_path: Path) -> None:
    put(tmp_path, "starter", "s.gguf")
    for name in ("stater", "../starter", str(tmp_path / "gone.gguf")):
        with pytest.raises(ModelNotFound) as caught:
            ModelStore(tmp_path).find(name)
        assert name in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "~nosuchuser",
        "~nosuchuser/m.gguf",
        "a\0b",
        "/a\0b",
        "/a\0b.gguf",
        "\udc80.gguf",
        "/\ud800",
        "/" + 5000 * "a",
    ],
)
def test_what_can_be_no_path_is_no_model(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelNotFound):
        ModelStore(tmp_path).find(name)


def test_a_path_is_a_name(tmp_path: Path) -> None:
    file = put(tmp_path / "elsewhere", "x", "mine.gguf")
    found = ModelStore(tmp_path / "models").find(str(file))
    assert (found.name, found.file, found.bytes) == ("mine", file, file.stat().st_size)


@pytest.mark.parametrize("way", ["{there}/m/mine.gguf", "{there}/x/../m/mine.gguf", "{link}/m/mine.gguf"])
def test_the_path_of_a_model_that_has_a_name_is_that_model(tmp_path: Path, way: str) -> None:
    put(tmp_path / "models", "x", "x.gguf")
    put(tmp_path / "models", "m", "mine.gguf")
    (tmp_path / "link").symlink_to(tmp_path / "models", target_is_directory=True)
    store = ModelStore(tmp_path / "models")
    found = store.find(way.format(there=tmp_path / "models", link=tmp_path / "link"))
    assert found == store.find("m")


def test_all_paths_of_a_model_without_a_name_are_one(tmp_path: Path) -> None:
    file = put(tmp_path / "elsewhere", "x", "mine.gguf")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    store = ModelStore(tmp_path / "models")
    assert store.find(str(tmp_path / "link" / "x" / "mine.gguf")) == store.find(str(file))


def test_several_files_of_one_model(tmp_path: Path) -> None:
    put(tmp_path, "qwen", "q4.gguf", age=5)
    put(tmp_path, "qwen", "q8.gguf", age=1)
    put(tmp_path, "split", "big-00001-of-00002.gguf", age=7)
    put(tmp_path, "split", "big-00002-of-00002.gguf", age=7)
    put(tmp_path, "split", "mmproj-big.gguf", age=7)
    store = ModelStore(tmp_path)
    assert [model.name for model in store.list()] == ["qwen/q8", "qwen/q4", "split"]
    assert store.find("qwen").name == "qwen/q8"
    assert store.find("qwen/q4").file.name == "q4.gguf"
    assert store.find("split").file.name == "big-00001-of-00002.gguf"


def test_the_header_is_that_of_the_file_as_it_is_now(tmp_path: Path) -> None:
    put(tmp_path, "m", "m.gguf", age=5, content=b"not a model")
    store = ModelStore(tmp_path)
    with pytest.raises(ModelFileInvalid):
        _ = store.find("m").header
    put(tmp_path, "m", "m.gguf", age=1)
    found = store.find("m")
    assert found.header.architecture == "llama"
    assert found.header is store.find("m").header


def test_a_split_model_is_as_large_as_all_its_parts(tmp_path: Path) -> None:
    tensors = [gguf_file.tensor("w", (32, 4), 2, 0)]
    first = gguf_file.file(gguf_file.llama(), tensors, 72)
    put(tmp_path, "whole", "w.gguf", content=first)
    put(tmp_path, "split", "big[q4]-00001-of-00003.gguf", age=9, content=first)
    put(tmp_path, "split", "big[q4]-00002-of-00003.gguf", age=8, content=bytes(len(first)))
    put(tmp_path, "split", "big[q4]-00003-of-00003.gguf", age=9, content=bytes(len(first)))
    put(tmp_path, "split", "other-00002-of-00003.gguf", age=9, content=bytes(99))
    store = ModelStore(tmp_path)
    found = store.find("split")
    assert found.bytes == 3 * len(first)
    assert found.modified_ns == 10**18 - 8 * 10**9
    assert (store.find("whole").weights, found.weights) == (128, 3 * 128)
    assert store.find(str(found.file)).bytes == found.bytes


def test_a_first_part_without_weights(tmp_path: Path) -> None:
    head = gguf_file.file(gguf_file.llama())
    put(tmp_path, "split", "big-00001-of-00002.gguf", content=head)
    put(tmp_path, "split", "big-00002-of-00002.gguf", content=bytes(5000))
    assert ModelStore(tmp_path).find("split").weights == len(head) + 5000


def test_who_names_none_gets_one_that_writes(tmp_path: Path) -> None:
    model_folders.whisper(tmp_path / "whisper")
    store = ModelStore(tmp_path)
    with pytest.raises(ModelNotFound):
        store.find()
    model_folders.embedder(tmp_path / "onnx")
    assert store.find().name == "onnx"  # for vectors
    model_folders.llama(tmp_path / "hf")
    assert store.find().name == "hf"
    put(tmp_path, "old", "o.gguf", age=9)
    bert = gguf_file.file({"general.architecture": "bert"})
    put(tmp_path, "new", "n.gguf", content=bert)
    assert store.find().name == "old"


def test_who_names_none_and_wants_vectors_gets_an_embedder(tmp_path: Path) -> None:
    put(tmp_path, "writer", "w.gguf")
    store = ModelStore(tmp_path, default="writer")
    assert store.find(purpose="embedding").name == "writer", "better than none"
    model_folders.embedder(tmp_path / "mini")
    assert store.find(purpose="embedding").name == "mini"
    assert store.find().name == "writer"
    assert store.find("writer", purpose="embedding").name == "writer"


def test_a_reranker_is_for_who_wants_one(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    put(tmp_path, "ranks", "r.gguf", content=gguf_file.file(gguf_file.llama(**{"llama.pooling_type": 4})))
    assert store.find(purpose="reranking").name == "ranks"
    for purpose in ("text", "embedding"):
        with pytest.raises(ModelNotFound):
            store.find(purpose=purpose)
    (tmp_path / "ranks" / "r.gguf").unlink()
    put(tmp_path, "writer", "w.gguf")
    model_folders.embedder(tmp_path / "mini")
    with pytest.raises(ModelNotFound, match="no reranker on this machine"):
        ModelStore(tmp_path, default="writer").find(purpose="reranking")


def test_near_names_are_told(tmp_path: Path) -> None:
    put(tmp_path, "starter", "s.gguf")
    with pytest.raises(ModelNotFound, match=r"Did you mean starter\?"):
        ModelStore(tmp_path).find("Starer")


@pytest.mark.parametrize("name", ["MINILM", "minilm", "MİNİLM", "mInIlm", "mınılm"])
def test_names_are_compared_without_their_case(tmp_path: Path, name: str) -> None:
    file = tmp_path / "MiniLM" / "M.gguf"
    file.parent.mkdir()
    file.write_bytes(b"GGUF")
    assert ModelStore(tmp_path).find(name).name == "MiniLM"


def test_case_counts_where_two_names_differ_by_it_alone(tmp_path: Path) -> None:
    for name in ("a", "A"):
        (tmp_path / "m" / name).mkdir(parents=True)
        (tmp_path / "m" / name / "x.gguf").write_bytes(b"GGUF")
    models = ModelStore(tmp_path / "m").list()
    if len(models) == 2:  # the file system tells them apart
        for name in ("a", "A"):
            found = called(name, models)
            assert found is not None
            assert found.name == name


def test_a_file_without_a_header_is_read_once_for_every_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m").mkdir()
    file = tmp_path / "m" / "m.gguf"
    file.write_bytes(b"GGUF")
    read: list[Path] = []

    def noted(place: Path) -> GgufHeader:
        read.append(place)
        return read_header(place)

    monkeypatch.setattr(models, "read_header", noted)
    store = ModelStore(tmp_path)
    failures = []
    for _ in range(3):
        with pytest.raises(ModelFileInvalid) as caught:
            _ = store.find("m").header
        failures.append(caught.value)
    assert read == [file]
    assert len({str(failure) for failure in failures}) == 1 and failures[0] is not failures[1]
    file.write_bytes(gguf_file.file(gguf_file.llama()))
    assert store.find("m").header.architecture == "llama"
    assert read == [file, file]


def test_what_the_system_forbids_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "m.gguf").write_bytes(gguf_file.file(gguf_file.llama()))
    found = ModelStore(tmp_path).find("m")

    def forbidden(place: Path) -> GgufHeader:
        raise ModelFileInvalid(file=str(place), reason="no") from PermissionError(13, "no")

    with monkeypatch.context() as patch:
        patch.setattr(models, "read_header", forbidden)
        with pytest.raises(ModelFileInvalid):
            _ = found.header
    assert found.header.architecture == "llama"


_CHATS = gguf_file.file(gguf_file.llama(**{"tokenizer.chat_template": "{{ messages }}"}))
_VECTORS = gguf_file.file({"general.architecture": "bert", "tokenizer.ggml.model": "bert"})


def test_who_comes_later_takes_no_ones_place(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    for purpose, content in (("text", _CHATS), ("embedding", _VECTORS)):
        put(tmp_path, f"old-{purpose}", "m.gguf", age=9, content=content)
    store.hold()
    for purpose, content in (("text", _CHATS), ("embedding", _VECTORS)):
        put(tmp_path, f"new-{purpose}", "m.gguf", age=1, content=content)
    assert store.find().name == "old-text"
    assert store.find(purpose="embedding").name == "old-embedding"
    choose(tmp_path, "text", "new-text")
    store.hold()
    assert store.find().name == "new-text"
    assert ModelStore(tmp_path, default="old-text").find().name == "old-text"
    (tmp_path / "new-text" / "m.gguf").unlink()
    assert store.find().name == "old-text"  # what was chosen is gone


def test_two_that_come_at_once_hold_each_other_off(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.hold()  # both were begun when there was none
    put(tmp_path, "first", "m.gguf", age=9, content=_CHATS)
    store.hold(besides="first")
    put(tmp_path, "second", "m.gguf", age=1, content=_CHATS)
    store.hold(besides="second")
    assert store.find().name == "first"


def test_a_base_model_gives_way_to_one_that_has_a_job(tmp_path: Path) -> None:
    put(tmp_path, "base", "m.gguf", age=9)
    store = ModelStore(tmp_path)
    store.hold()
    put(tmp_path, "chat", "m.gguf", age=1, content=_CHATS)
    store.hold(besides="chat")
    assert store.find().name == "chat"


@pytest.mark.parametrize("noted", ["", "[]", "{", '{"text": 3}', '{"text": "gone"}', '{"text": "vectors"}'])
def test_a_note_of_no_use_is_none(tmp_path: Path, noted: str) -> None:
    put(tmp_path, "mine", "m.gguf", age=9, content=_CHATS)
    put(tmp_path, "vectors", "m.gguf", age=1, content=_VECTORS)
    (tmp_path / NAME).write_text(noted)
    assert ModelStore(tmp_path).find().name == "mine"


def test_what_is_still_arriving_is_no_model(tmp_path: Path) -> None:
    put(tmp_path, "mine", "m.gguf", age=9, content=_CHATS)
    put(tmp_path, ".downloads", "other.gguf", age=1, content=_CHATS)
    store = ModelStore(tmp_path)
    assert [model.name for model in store.list()] == ["mine"]
    store.hold(besides="mine")
    assert not (tmp_path / NAME).exists()

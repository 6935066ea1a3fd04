"""Files and folders of this machine."""

from __future__ import annotations

from functools import partial, partialmethod
from pathlib import Path
from typing import Any

import pytest

from ide_agent.config import InferenceSettings
from ide_agent.errors import IdeAgentError, ModelError, ModelFileInvalid
from ide_agent.features.hub import fetch
from ide_agent.features.hub.about import about, verify
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources.url import of_path
from support import gguf_file, model_folders

GGUF = gguf_file.file(gguf_file.llama())
LARGER = gguf_file.file(gguf_file.llama(**{"general.name": "Larger than that"}))


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    return Hub(tmp_path / "models", entries={})


@pytest.mark.parametrize(
    ("make", "form"),
    [
        (model_folders.llama, "safetensors"),
        (model_folders.embedder, "onnx"),
        (model_folders.whisper, "ctranslate2"),
        (model_folders.voice, "piper"),
    ],
)
async def test_a_folder(make: object, form: str, models: Hub, tmp_path: Path) -> None:
    folder = make(tmp_path / "My Model")  # type: ignore[operator]
    (folder / "modeling.py").write_text("raise SystemExit")
    (folder / ".hidden").write_text("x")
    pulled = await models.pull(of_path(folder))
    assert pulled.name == "my-model" or form == "piper"
    [model] = models.list()
    assert (model.format, model.name) == (form, pulled.name)
    assert not {"modeling.py", ".hidden"} & {file.name for file in pulled.file.parent.iterdir()}
    assert (folder / "modeling.py").exists()
    await models.pull(of_path(folder))  # it is here


async def test_what_lies_below_an_embedder(models: Hub, tmp_path: Path) -> None:
    folder = model_folders.embedder(tmp_path / "x")
    below = model_folders.put(folder / "1_Pooling", config__json={"pooling_mode": "cls"}, evil__py=b"")
    await models.pull(of_path(folder))
    there = models.folder / "x" / "1_Pooling"
    assert [file.name for file in there.iterdir()] == ["config.json"]
    assert "1_Pooling/config.json" in [
        file["file"] for file in about(models, "x", InferenceSettings())["files"]
    ]
    assert verify(models, "x")["files"] == 3
    (there / "config.json").write_text('{"pooling_mode": "max"}')
    with pytest.raises(ModelFileInvalid):
        verify(models, "x")
    (below / "config.json").write_text('{"pooling_mode": "lasttoken"}')
    await models.pull(of_path(folder))  # in the place of the one before
    assert models.list()[0].header.pooling_type == 3
    models.remove("x")
    assert not there.parent.exists()


async def test_an_embedder_that_cannot_be_run_as_it_asks(models: Hub, tmp_path: Path) -> None:
    folder = model_folders.embedder(tmp_path / "x")
    model_folders.put(folder / "1_Pooling", config__json={"pooling_mode": "attention"})
    with pytest.raises(ModelFileInvalid) as caught:
        await models.pull(of_path(folder))
    assert caught.value.key_used == "error.model.pooling"
    assert models.list() == [] and not (models.folder / "x").exists()


async def test_a_voice_by_its_graph_and_a_gguf_by_its_folder(models: Hub, tmp_path: Path) -> None:
    voice = model_folders.voice(tmp_path / "v") / "joe.onnx"
    assert (await models.pull(of_path(voice))).name == "joe"
    folder = model_folders.put(tmp_path / "sees", **{"a__gguf": GGUF, "mmproj-a__gguf": GGUF})
    pulled = await models.pull(of_path(folder))
    assert pulled.size == 2 * len(GGUF)


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("README.md", b"#", "error.model.no_model_file"),
        ("text.gguf", b"some text", "error.model.not_a_model"),
        ("empty.gguf", b"", "error.model.not_a_model"),
        ("pytorch_model.bin", b"PK\x03\x04", "error.model.pickle_file"),
        ("gone.gguf", None, "error.download.no_file"),
    ],
)
async def test_a_file_that_is_no_model(
    models: Hub, tmp_path: Path, name: str, content: bytes | None, key: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(IdeAgentError) as caught:
        await models.pull(of_path(file))
    assert caught.value.key_used == key
    for language in ("en", "tr"):
        assert str(file) in caught.value.message(language)
    assert models.list() == [] and not list(models.folder.rglob("*.gguf"))


@pytest.mark.parametrize(
    ("files", "key"),
    [
        ({"config__json": {}, "pytorch_model__bin": b"PK\x03\x04"}, "error.model.pickle_file"),
        ({"notes__txt": b"x"}, "error.model.no_model_folder"),
        (
            {"model__bin": b"\x80\x04", "config__json": {}, "vocabulary__txt": b""},
            "error.model.pickle_inside",
        ),
        ({"a__gguf": GGUF, "b__gguf": GGUF}, "error.model.which_file"),
    ],
)
async def test_a_folder_that_is_no_model(
    models: Hub, tmp_path: Path, files: dict[str, bytes], key: str
) -> None:
    folder = model_folders.put(tmp_path / "x", **files)
    with pytest.raises(IdeAgentError) as caught:
        await models.pull(of_path(folder))
    assert caught.value.key_used == key
    assert models.list() == []


async def test_links_are_not_followed_out(models: Hub, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    folder = model_folders.embedder(tmp_path / "x")
    (folder / "vocab.json").symlink_to(secret)
    with pytest.raises(ModelFileInvalid) as caught:
        await models.pull(of_path(folder))
    assert caught.value.key_used == "error.model.link"
    (folder / "vocab.json").unlink()
    outside = model_folders.put(tmp_path / "outside", config__json={})
    (folder / "1_Pooling").symlink_to(outside, target_is_directory=True)
    with pytest.raises(ModelFileInvalid) as caught:
        await models.pull(of_path(folder))
    assert caught.value.key_used == "error.model.link"
    (folder / "1_Pooling").unlink()
    (folder / "vocab.json").symlink_to(folder / "tokenizer.json")
    assert (await models.pull(of_path(folder))).name == "x"


async def test_names_that_are_no_names_of_files_here(models: Hub, tmp_path: Path) -> None:
    for name in ("My Model Q4 (1)", "a+b", "-x"):
        folder = model_folders.put(tmp_path / "some", **{f"{name}__gguf": GGUF})
        file = folder / f"{name}.gguf"
        of_folder, of_file = models.entry(of_path(folder)), models.entry(of_path(file))
        assert of_folder.file == of_file.file == (await models.pull(of_path(file))).file.name
        file.unlink()
    assert {model.file.name for model in models.list()} == {"My-Model-Q4-1-.gguf", "a-b.gguf", "x.gguf"}


def test_a_file_that_cannot_be_called_anything_here(models: Hub, tmp_path: Path) -> None:
    folder = model_folders.put(tmp_path / "some", __gguf=GGUF)
    assert [file.name for file in folder.iterdir()] == [".gguf"]
    with pytest.raises(ModelFileInvalid, match=r"some.\.gguf cannot be taken"):
        models.entry(of_path(folder))


@pytest.mark.parametrize("steps", range(5))
async def test_a_kill_while_a_model_is_replaced_is_made_good_by_the_next_pull(
    steps: int, models: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = model_folders.put(tmp_path / "sees", **{"a__gguf": GGUF, "mmproj-a__gguf": GGUF})
    await models.pull(of_path(folder))
    model_folders.put(folder, **{"a__gguf": LARGER, "mmproj-a__gguf": LARGER})
    left, whole = [steps], models.drafts.whole("sees")

    def counted(real: Any, file: Path, *given: Any, **named: Any) -> Any:
        if models.folder / "sees" in (file.parent, *(Path(to).parent for to in given)):
            left[0] -= 1
            if left[0] < 0 and whole.exists():
                raise _Killed
        return real(file, *given, **named)

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink"):
            patch.setattr(Path, name, partialmethod(partial(counted, getattr(Path, name))))
        with pytest.raises(_Killed):
            await models.pull(of_path(folder))
    pulled = await models.pull(of_path(folder))
    assert pulled.file.read_bytes() == LARGER
    assert models.unfinished() == []
    assert sorted(file.name for file in pulled.file.parent.iterdir()) == [
        "a.gguf",
        "mmproj-a.gguf",
        "model.json",
    ]
    assert [file.name for file in models.drafts.folder.iterdir()] == ["sees.lock"]


class _Killed(Exception):
    pass


async def test_what_is_there_is_not_unfinished(models: Hub, tmp_path: Path) -> None:
    folder = model_folders.put(tmp_path / "sees", **{"a__gguf": GGUF, "mmproj-a__gguf": GGUF})
    await models.pull(of_path(folder))
    models.drafts.begin(models.entry(of_path(folder)))  # as a kill just before the end leaves it
    assert [left.entry.name for left in models.unfinished()] == ["sees"]
    await models.pull(of_path(folder))
    assert models.unfinished() == []


async def test_a_model_without_a_note_is_not_replaced(models: Hub, tmp_path: Path) -> None:
    folder = model_folders.put(tmp_path / "sees", **{"a__gguf": GGUF, "mmproj-a__gguf": GGUF})
    other = model_folders.put(tmp_path / "other", **{"b__gguf": GGUF, "mmproj-b__gguf": GGUF})
    models.drafts.begin(models.entry(of_path(other), "sees"))
    model_folders.put(models.folder / "sees", mine__gguf=GGUF)
    with pytest.raises(ModelError, match="is here or in the catalogue"):
        models.entry(of_path(folder))

"""What is known of a model, whether it fits, and whether it is what it was."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ide_agent.config import InferenceSettings
from ide_agent.errors import DownloadError, ModelError, ModelFileInvalid, ModelNotFound
from ide_agent.features.hub import catalogue, fetch, manifest
from ide_agent.features.hub.about import about, verify
from ide_agent.features.hub.download import Policy
from ide_agent.features.hub.listing import engine_for
from ide_agent.features.hub.progress import Progress
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources.url import of_path
from ide_agent.features.hub.words import facts
from support import gguf_file, http_server, model_folders
from support.http_server import FileServer
from support.package_index import entry

HASTY = Policy(stall=20.0, attempts=3, first_wait=0.001, longest_wait=0.01)
GGUF = gguf_file.file(gguf_file.llama(**{"general.license": "mit"}))
SETTINGS = InferenceSettings()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    return Hub(tmp_path / "models", entries={"tiny": entry()}, policy=HASTY)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer(GGUF, path="/models/Some-Model.gguf").running() as running:
        yield running


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_a_model_behind_an_address(server: FileServer, hub: Hub) -> None:
    reports: list[Progress] = []
    pulled = await hub.pull(server.url, reports.append)
    assert pulled.name == "some-model"
    assert pulled.file.read_bytes() == GGUF
    assert files(hub.folder) == [
        ".downloads/some-model.lock",
        "some-model/Some-Model.gguf",
        "some-model/model.json",
    ]
    noted = manifest.read(pulled.file.parent)
    assert noted is not None
    assert (noted.source, noted.sha256) == (server.url, hashlib.sha256(GGUF).hexdigest())
    await hub.pull(server.url)
    assert len(server.requests) == 1  # it is here
    known = about(hub, "some-model", SETTINGS)
    assert known["licence"] == "mit"
    assert known["quantisation"] == "Q4_1"
    assert known["memory"]["verdict"] == "fits"
    assert [key for key, _, _ in facts(known, "en")][:3] == [
        "title",
        "size",
        "memory",
    ]  # a page folds the rest
    told = {key: value for key, _, value in facts(known, "en")}
    assert told["context"] == "512 tokens"
    assert told["memory"].endswith(" of it for the context: 2 requests at once of 512 tokens")
    assert {key for key, _, _ in facts(known, "tr")} >= {
        "title",
        "size",
        "memory",
        "source",
        "sha256",
        "file",
    }


async def test_a_cut_connection_is_taken_up_again(server: FileServer, hub: Hub) -> None:
    server.script.append(http_server.cut_after(100))
    assert (await hub.pull(server.url)).file.read_bytes() == GGUF
    assert server.ranges[-1] == "bytes=100-"


async def test_what_is_no_model_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    with FileServer(b"<html>", path="/m.gguf").running() as server, pytest.raises(ModelFileInvalid):
        await hub.pull(server.url)
    assert files(hub.folder) == [".downloads/m.lock"]
    assert not (hub.folder / "m").exists()


async def test_the_hash_that_was_told_must_be_right(server: FileServer, hub: Hub) -> None:
    right = hashlib.sha256(GGUF).hexdigest()
    with pytest.raises(DownloadError) as caught:
        await hub.pull(hub.entry(server.url, "", "0" * 64))
    assert caught.value.key_used == "error.download.hash"
    assert not (hub.folder / "some-model").exists()
    assert (await hub.pull(hub.entry(server.url, "other", right))).name == "other"


async def test_a_file_of_this_machine(hub: Hub, tmp_path: Path) -> None:
    file = tmp_path / "My Model.gguf"
    file.write_bytes(GGUF)
    pulled = await hub.pull(of_path(file))
    assert (pulled.name, pulled.file.read_bytes()) == ("my-model", GGUF)
    assert file.exists()
    with pytest.raises(DownloadError) as caught:
        await hub.pull(of_path(tmp_path / "gone.gguf"))
    assert caught.value.key_used == "error.download.no_file"
    file.write_bytes(GGUF[:40])
    with pytest.raises(ModelFileInvalid):
        await hub.pull(hub.entry(of_path(file), "cut"))
    assert [model.name for model in hub.list()] == ["my-model"]


async def test_a_name_is_not_taken_from_another_model(server: FileServer, hub: Hub) -> None:
    other = hub.folder / "some-model" / "mine.gguf"
    other.parent.mkdir(parents=True)
    other.write_bytes(GGUF)
    for name in ("", "tiny"):
        with pytest.raises(ModelError) as caught:
            hub.entry(server.url, name)
        assert caught.value.key_used == "error.model.taken"
    assert hub.entry(server.url, "free").name == "free"


async def test_verifying(server: FileServer, hub: Hub) -> None:
    pulled = await hub.pull(server.url)
    sha256 = hashlib.sha256(GGUF).hexdigest()
    whole = {"name": "some-model", "file": str(pulled.file), "sha256": sha256, "files": 1}
    assert verify(hub, "some-model") == {**whole, "known": True}
    pulled.file.write_bytes(GGUF[:-1] + bytes([GGUF[-1] ^ 1]))
    with pytest.raises(ModelFileInvalid) as caught:
        verify(hub, "some-model")
    assert caught.value.key_used == "error.model.changed"
    pulled.file.write_bytes(GGUF)
    (pulled.file.parent / manifest.NAME).write_text("{")
    assert verify(hub, "some-model") == {**whole, "known": False}
    pulled.file.write_bytes(b"GGUF")
    with pytest.raises(ModelFileInvalid):
        verify(hub, "some-model")
    with pytest.raises(ModelNotFound):
        verify(hub, "nothing")


def test_one_that_is_not_here_is_known_from_the_catalogue(hub: Hub) -> None:
    known = about(hub, "tiny", SETTINGS)
    assert (known["title"], known["source"]) == ("Tiny", "pypi:demo-model==1.0")
    assert known["memory"]["need"] > known["bytes"]
    one = catalogue.load()["starter"]
    told = facts(about(Hub(hub.folder), one.name, SETTINGS), "en")
    assert "memory" in [key for key, _, _ in told][:5]
    assert ("size", "Size", "92.9 MB to download, 98.4 MB on disk") in told
    with pytest.raises(ModelNotFound):
        about(hub, "nothing", SETTINGS)


def test_what_came_from_the_catalogue_keeps_its_title(hub: Hub) -> None:
    one = entry().model_copy(update={"title": "Tiny (Q4_1)"})
    hub = Hub(hub.folder, entries={"tiny": one})
    folder = hub.folder / "tiny"
    folder.mkdir(parents=True)
    (folder / one.file).write_bytes(GGUF)
    assert about(hub, "tiny", SETTINGS)["title"] == "Tiny"  # as its header says
    noted = manifest.of(one, folder, {one.file: "0" * 64})
    (folder / manifest.NAME).write_text(noted.model_dump_json())
    assert about(hub, "tiny", SETTINGS)["title"] == one.title


def test_a_damaged_one_is_told_of_too(hub: Hub) -> None:
    file = hub.folder / "broken" / "m.gguf"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"GGUF")
    known = about(hub, "broken", SETTINGS)
    assert known["problem"]["code"].startswith("error.model.")
    assert facts(known, "en")


async def test_a_model_of_several_files(hub: Hub, tmp_path: Path) -> None:
    folder = model_folders.embedder(tmp_path / "mini")
    pulled = await hub.pull(of_path(folder))
    known = about(hub, "mini", SETTINGS)
    assert (known["format"], known["kind"]) == ("onnx", "embedding")
    assert known["bytes"] == pulled.size == sum(file["bytes"] for file in known["files"])
    assert {file["file"] for file in known["files"]} == {"model_int8.onnx", "tokenizer.json"}
    told = {key: value for key, _, value in facts({**known, "engine": "", "loaded": True}, "en")}
    assert told["format"] == "ONNX" and "tokenizer.json (0.1 kB)" in told["files"]
    assert (told["engine"], told["running"]) == ("none here runs this format", "yes")
    assert verify(hub, "mini")["files"] == 2
    tokenizer = pulled.file.parent / "tokenizer.json"
    tokenizer.write_text("[]")
    with pytest.raises(ModelFileInvalid) as caught:
        verify(hub, "mini")
    assert caught.value.key_used == "error.model.changed" and str(tokenizer) in str(caught.value)


async def test_a_file_that_came_along_and_is_gone(hub: Hub, tmp_path: Path) -> None:
    folder = model_folders.put(tmp_path / "sees", a__gguf=GGUF, **{"mmproj-a__gguf": GGUF})
    pulled = await hub.pull(of_path(folder))
    assert verify(hub, "sees")["files"] == 2
    (pulled.file.parent / "mmproj-a.gguf").unlink()
    with pytest.raises(ModelFileInvalid) as caught:
        verify(hub, "sees")
    assert caught.value.key_used == "error.model.missing"


def test_what_an_engine_here_runs() -> None:
    assert engine_for("gguf", InferenceSettings())
    assert engine_for("piper", InferenceSettings()) == ""


def test_the_nearest_names_are_told(hub: Hub) -> None:
    with pytest.raises(ModelNotFound) as caught:
        about(hub, "tin", SETTINGS)
    assert "Did you mean tiny?" in caught.value.message("en")


def test_a_damaged_one_is_found_by_a_python_that_skips_assertions(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "m.gguf").write_bytes(b"GGUF")
    program = (
        "import sys, pathlib; from ide_agent.features.hub.about import verify;"
        "from ide_agent.features.hub.service import Hub;"
        "verify(Hub(pathlib.Path(sys.argv[1]), entries={}), 'broken')"
    )
    ended = subprocess.run(
        [sys.executable, "-O", "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "ModelFileInvalid" in ended.stderr

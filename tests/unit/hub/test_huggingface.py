"""Models on a Hugging Face hub, which is on loopback here."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ide_agent.config import InferenceSettings
from ide_agent.errors import DownloadError, ModelFileInvalid, ModelNotFound
from ide_agent.features.hub import fetch, fit, manifest
from ide_agent.features.hub.about import files_of, repositories
from ide_agent.features.hub.catalogue import Entry, of_offer
from ide_agent.features.hub.download import Policy
from ide_agent.features.hub.filters import source_of
from ide_agent.features.hub.fit import Machine, needed, smaller
from ide_agent.features.hub.formats import INDEX
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources import huggingface, pages
from ide_agent.features.hub.sources.huggingface import Offer
from ide_agent.inference.gguf import FILE_TYPES, read_start
from support import gguf_file
from support.fake_hub import REVISION, TOKEN, FakeHub

HASTY = Policy(stall=20.0, attempts=3, first_wait=0.001, longest_wait=0.01)
GGUF = gguf_file.file(gguf_file.llama())
LARGER = gguf_file.file(gguf_file.llama(**{"general.name": "Larger than that"}))
SETTINGS = InferenceSettings()
FILES = {
    "README.md": b"# Coder",
    "coder-q8_0.gguf": LARGER,
    "sub dir/coder-Q4_K_M.gguf": GGUF,
    "big-00001-of-00002.gguf": GGUF,
}


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    monkeypatch.setattr(fetch, "SPARE_BYTES", 0)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("IDE_AGENT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    everything = {
        "me/coder-GGUF": FILES,
        "me/one": {"one.gguf": GGUF},
        "you/chat": {"weights.safetensors": b"x"},
    }
    with FakeHub(everything).running() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


@pytest.fixture
def models(tmp_path: Path) -> Hub:
    return Hub(tmp_path / "models", entries={}, policy=HASTY)


def test_searching(hub: FakeHub) -> None:
    hub.gated.add("me/one")
    assert repositories("CODER") == [
        {
            "name": "me/coder-GGUF",
            "downloads": 13000,
            "likes": 3,
            "licence": "apache-2.0",
            "gated": False,
            "format": "gguf",
        }
    ]
    assert [found["gated"] for found in repositories("one")] == [True]
    assert repositories("nothing of that name") == []
    assert "filter=gguf" in hub.requests[0][0]


def test_the_files_of_a_repository() -> None:
    files = files_of("me/coder-GGUF")
    assert [(file["name"], file["quantisation"]) for file in files] == [
        ("hf:me/coder-GGUF/sub dir/coder-Q4_K_M.gguf", "Q4_K_M"),
        ("hf:me/coder-GGUF/coder-q8_0.gguf", "Q8_0"),
    ]
    assert files[0]["bytes"] == len(GGUF)
    assert files[0]["memory"]["verdict"] == "fits"


def test_every_quantisation_is_read_from_a_name(hub: FakeHub) -> None:
    hub.repositories["me/coder-GGUF"] = {f"coder-7B-{kind}.gguf": GGUF for kind in FILE_TYPES.values()}
    read = {file["path"]: file["quantisation"] for file in files_of("me/coder-GGUF")}
    assert read == {f"coder-7B-{kind}.gguf": kind for kind in FILE_TYPES.values()}


async def test_a_file_is_pulled_by_name_and_checked(hub: FakeHub, models: Hub) -> None:
    pulled = await models.pull("hf:me/coder-GGUF/sub dir/coder-Q4_K_M.gguf")
    assert (pulled.name, pulled.file.read_bytes()) == ("coder-q4_k_m", GGUF)
    assert f"/me/coder-GGUF/resolve/{REVISION}/sub%20dir/coder-Q4_K_M.gguf" in hub.requests[-1][0]
    hub.repositories["me/one"]["one.gguf"] = GGUF
    entry = models.entry("hf:me/one")
    assert (entry.name, entry.licence) == ("one", "apache-2.0")
    hub.repositories["me/one"]["one.gguf"] = LARGER  # not what was promised a moment ago
    with pytest.raises(DownloadError) as caught:
        await models.pull(entry)
    assert caught.value.key_used == "error.download.hash"


async def test_a_gated_repository_needs_a_token(
    hub: FakeHub, models: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.gated.add("me/one")
    with pytest.raises(DownloadError) as caught:
        await models.pull("hf:me/one")
    assert caught.value.key_used == "error.download.gated"
    assert f"{hub.url}/me/one, or" in str(caught.value)
    assert f"{hub.url}/settings/tokens" in str(caught.value)
    assert "ide-agent models login" in str(caught.value)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert (await models.pull("hf:me/one")).file.read_bytes() == GGUF
    assert hub.requests[-1][1] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("hf:me/gone", "error.model.repository"),
        ("hf:me", "error.model.repository"),
        ("hf:../../x/y", "error.model.repository"),
        ("hf:you/chat", "error.model.no_model"),
        ("hf:me/coder-GGUF/other.gguf", "error.model.which_file"),
    ],
)
def test_what_is_not_there(models: Hub, name: str, key: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        models.entry(name)
    assert caught.value.key_used == key


@pytest.mark.parametrize("status", [400, 429, 500])
def test_a_hub_that_does_not_answer_well(hub: FakeHub, status: int) -> None:
    hub.status = status
    with pytest.raises(DownloadError) as caught:
        repositories("x")
    assert caught.value.key_used == "error.download.hub"
    assert hub.url in str(caught.value)


def test_no_hub_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(DownloadError) as caught:
            files_of("me/one")
    assert caught.value.key_used == "error.download.hub"


@pytest.mark.parametrize(
    ("path", "quantisation"),
    [
        ("Qwen2.5-Coder-1.5B-Instruct-Q4_K_M.gguf", "Q4_K_M"),
        ("model.IQ2_XXS.gguf", "IQ2_XXS"),
        ("m-bf16.gguf", "BF16"),
        ("F16/model-f16.gguf", "F16"),
        ("model.gguf", ""),
        ("qwen-coder.gguf", ""),
    ],
)
def test_the_quantisation_is_in_the_name(path: str, quantisation: str) -> None:
    assert Offer("o/n", path, "gguf", (), "").quantisation == quantisation


async def test_a_new_commit_is_no_other_model(hub: FakeHub, models: Hub) -> None:
    await models.pull("hf:me/one")
    hub.revision = "beef" + "0" * 36
    entry = models.entry("hf:me/one")
    asked = len(hub.requests)
    await models.pull(entry)
    assert len(hub.requests) == asked  # the file is the same
    hub.repositories["me/one"]["one.gguf"] = LARGER
    assert (await models.pull("hf:me/one")).file.read_bytes() == LARGER


def test_the_largest_file_that_fits_is_named(monkeypatch: pytest.MonkeyPatch, models: Hub) -> None:
    assert [file["best"] for file in files_of("me/coder-GGUF")] == [False, True]
    entry = models.entry("hf:me/coder-GGUF/coder-q8_0.gguf")
    sizes = read_start(GGUF)
    free = needed(len(GGUF), "gguf", sizes, Machine(SETTINGS))[
        "need"
    ]  # the smaller one fits, the other does not
    monkeypatch.setattr(fit, "spare_memory", lambda: free)
    assert [file["best"] for file in files_of("me/coder-GGUF")] == [True, False]
    assert models.entry("hf:me/coder-GGUF").origin == "hf:me/coder-GGUF/sub dir/coder-Q4_K_M.gguf"
    fitting = smaller(entry, SETTINGS)
    assert fitting is not None and fitting.path == "sub dir/coder-Q4_K_M.gguf"
    monkeypatch.setattr(fit, "spare_memory", lambda: 1)
    assert smaller(entry, SETTINGS) is None


def test_each_model_of_a_repository_is_judged_by_itself(hub: FakeHub) -> None:
    deep = gguf_file.llama(**{"llama.attention.head_count_kv": 64, "llama.context_length": 4096})
    hub.repositories["me/several"] = {
        "imatrix.gguf": GGUF[:40],
        "small-Q4_0.gguf": GGUF,
        "deep-Q4_0.gguf": gguf_file.file(deep),
    }
    kv = {file["path"]: file["memory"]["kv"] for file in files_of("me/several")}
    assert kv["imatrix.gguf"] == 0
    assert kv["deep-Q4_0.gguf"] > 64 * kv["small-Q4_0.gguf"] > 0


def test_the_format_is_in_the_tags(hub: FakeHub) -> None:
    for name, tags in (("me/one", ["onnx", "safetensors"]), ("you/chat", ["safetensors"])):
        hub.tags[name] = tags
    assert {each["name"]: each["format"] for each in repositories("")} == {
        "me/coder-GGUF": "gguf",
        "me/one": "onnx",
        "you/chat": "safetensors",
    }
    hub.tags["you/chat"] = ["dataset"]
    assert "you/chat" not in {each["name"] for each in repositories("")}


def test_offline_nobody_is_asked(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DownloadError) as caught:
        repositories("x")
    assert caught.value.key_used == "error.download.offline"
    assert hub.requests == []


def test_a_search_for_one_type_only(hub: FakeHub) -> None:
    repositories("coder", "embedding")
    assert "pipeline_tag=feature-extraction" in hub.requests[-1][0]


async def test_a_model_of_the_catalogue_that_lies_on_a_hub(hub: FakeHub, tmp_path: Path) -> None:
    row = {
        "name": "coder",
        "title": "Coder",
        "about": "hub.about.coder",
        "licence": "MIT",
        "file": "coder-q8_0.gguf",
        "about_bytes": 7,
        "source": {"type": "huggingface", "repository": "me/coder-GGUF", "path": "coder-q8_0.gguf"},
    }
    models = Hub(tmp_path / "of the catalogue", entries={"coder": Entry.model_validate(row)})
    entry = models.entry("coder")
    assert entry.sha256 and entry.size > 7
    pulled = await models.pull("coder")
    assert (pulled.name, pulled.size) == ("coder", entry.size)
    noted = manifest.read(pulled.file.parent)
    assert noted is not None and source_of(noted.source) == "hub"
    before = len(hub.requests)
    await models.pull(entry)
    assert len(hub.requests) == before  # it is here


async def test_names_that_are_no_names_of_files_here(hub: FakeHub, models: Hub) -> None:
    hub.repositories["me/one"] = {"sub/Model Q4 (1).gguf": GGUF}
    pulled = await models.pull("hf:me/one/sub/Model Q4 (1).gguf")
    assert (pulled.name, pulled.file.name) == ("model-q4-1", "Model-Q4-1-.gguf")


def test_a_hash_is_written_in_capitals_or_is_none(hub: FakeHub) -> None:
    def offered(sha256: str) -> Offer:
        file = huggingface.HubFile("me/one", "one.gguf", "https://h/x", 10, sha256)
        return Offer("me/one", "one.gguf", "gguf", (file,), "mit")

    assert of_offer(offered("A" * 64)).sha256 == "a" * 64
    with pytest.raises(ModelFileInvalid, match=r"one\.gguf cannot be taken"):
        of_offer(offered("none"))


@pytest.mark.parametrize(
    "odd",
    [
        {"siblings": [{"size": 3}]},
        {"siblings": [{"rfilename": "a.gguf", "size": "many"}]},
        {"siblings": 3},
        {"siblings": ["a.gguf"]},
        {"siblings": [{"rfilename": "a.gguf", "size": float("inf")}]},
        {"cardData": "mit"},
        [],
        None,
    ],
)
def test_an_answer_that_makes_no_sense(hub: FakeHub, monkeypatch: pytest.MonkeyPatch, odd: Any) -> None:
    monkeypatch.setattr(hub, "described", lambda _: odd)
    with pytest.raises(DownloadError) as caught:
        files_of("me/one")
    assert caught.value.key_used == "error.download.hub"


@pytest.mark.parametrize("odd", [{"tags": ["gguf"]}, {"tags": ["gguf"], "id": "a/b", "likes": "many"}])
def test_a_finding_that_makes_no_sense(hub: FakeHub, monkeypatch: pytest.MonkeyPatch, odd: Any) -> None:
    monkeypatch.setattr(hub, "described", lambda _: odd)
    with pytest.raises(DownloadError) as caught:
        repositories("one")
    assert caught.value.key_used == "error.download.hub"


def test_an_answer_is_not_read_for_ever(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface, "_MAX_ANSWER", 100)
    with pytest.raises(DownloadError) as caught:
        files_of("me/one")
    assert caught.value.key_used == "error.download.hub"
    index = {"config.json": b"{}", INDEX: b" " * 200, "a.safetensors": b"x"}
    monkeypatch.setattr(huggingface, "_MAX_ANSWER", 1 << 20)
    monkeypatch.setattr(huggingface, "MAX_INDEX", 100)
    hub.repositories["me/one"] = index
    with pytest.raises(DownloadError) as caught:
        files_of("me/one")
    assert caught.value.key_used == "error.download.hub"


@pytest.mark.parametrize(
    ("page", "meant"),
    [
        ("https://huggingface.co/me/coder", "me/coder"),
        ("huggingface.co/me/coder/", "me/coder"),
        ("https://huggingface.co/me/coder/tree/main", "me/coder"),
        ("https://huggingface.co/me/coder/tree/main/q8?x=1#y", "me/coder"),
        ("https://huggingface.co/me/coder/blob/main/q8/a%20b.gguf", "me/coder/q8/a b.gguf"),
        ("http://hub.example:81/me/coder", "me/coder"),
        ("https://huggingface.co/me/coder/blob/other/m.gguf", ""),
        ("https://huggingface.co/me/coder/resolve/main/m.gguf", ""),
        ("https://huggingface.co/me/coder/blob/main/../other/m.gguf", ""),
        ("https://huggingface.co/me/coder/blob/main/q8/%2e%2e/%2E%2E/m.gguf", ""),
        ("https://huggingface.co/me/coder/blob/main/./m.gguf", ""),
        ("https://huggingface.co/me/../coder", ""),
        ("https://huggingface.co/me/coder/tree/main/..", ""),
        ("https://example.org/me/coder", ""),
        ("https://huggingface.co/", ""),
        ("https://[", ""),
        ("me/coder", ""),
        ("coder", ""),
    ],
)
def test_pages_of_a_hub(monkeypatch: pytest.MonkeyPatch, page: str, meant: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example:81")
    assert pages.of_page(page) == meant


def test_what_may_name_a_repository() -> None:
    good = ["a/b", "A-1/b.c_d", "hf:a/b", "a/b/c.gguf", "a/b/c/d.gguf"]
    bad = ["a", "<b>hi</b>", "../../etc", "a/..", "a/b/../c", "a b/c", "/a/b", "a..b/c", ""]
    assert [each for each in [*good, *bad] if pages.is_repository(each)] == good

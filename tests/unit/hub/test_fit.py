"""Whether a model fits before it is here, and what would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ide_agent.config import InferenceSettings
from ide_agent.features.hub import catalogue, fit
from ide_agent.features.hub.catalogue import of_address
from ide_agent.features.hub.fit import Machine, all_expected, asked, expected, memory, needed
from ide_agent.features.hub.service import Hub
from ide_agent.features.hub.sources import Remote
from ide_agent.features.hub.sources.start import start_of
from ide_agent.features.hub.words import fits, unfit
from ide_agent.inference.backends import Costs
from ide_agent.inference.backends import costs as engine_costs
from ide_agent.inference.gguf import read_start
from ide_agent.inference.gpus import Offload
from ide_agent.inference.resources import RESERVE, Share, share
from support import gguf_file, http_server
from support.http_server import FileServer
from support.models import models_dir

SETTINGS = InferenceSettings()
GB = 1 << 30


@pytest.mark.parametrize(("need", "verdict"), [(5, "fits"), (15, "crowded"), (25, "too_big")])
def test_the_verdict(need: int, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "spare_memory", lambda: 10)
    monkeypatch.setattr(fit, "total_memory", lambda: 20 + RESERVE)
    found = memory(need, Machine(SETTINGS))
    assert found["need"] == need and (found["free"], found["total"]) == (10, 20 + RESERVE)
    assert (found["verdict"], found["gpu"]) == (verdict, None)


def test_what_goes_onto_a_gpu_needs_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "spare_memory", lambda: 10)
    monkeypatch.setattr(fit, "total_memory", lambda: 20 + RESERVE)
    found = memory(5, Machine(SETTINGS), Offload(3, 4, 30_000_000))
    assert (found["verdict"], found["gpu"]) == ("fits", {"layers": 3, "of": 4, "bytes": 30_000_000})
    assert fits(found, "en").endswith("; 3 of 4 layers on the GPU (30.0 MB)")
    assert fits(found, "tr").endswith("; 4 katmanın 3 tanesi GPU’da (30,0 MB)")


def test_what_is_free_on_gpus_counts_for_what_is_not_here_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "spare_memory", lambda: 10)
    monkeypatch.setattr(fit, "total_memory", lambda: 20 + RESERVE)
    monkeypatch.setattr(fit, "costs", lambda _: Costs(gpu_room=100))
    assert memory(90, Machine(SETTINGS))["verdict"] == "fits"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """One with 4 GiB, of which 3 are free, without a GPU."""
    monkeypatch.setattr(fit, "spare_memory", lambda: 3 * GB)
    monkeypatch.setattr(fit, "total_memory", lambda: 4 * GB)
    monkeypatch.setattr(fit, "costs", lambda *_, **__: Costs())


@pytest.mark.usefixtures("machine")
def test_the_catalogue_is_judged_with_its_kv_cache() -> None:
    entries = list(catalogue.load().values())
    takes = all_expected(entries, SETTINGS)
    verdicts = {name: each["memory"]["verdict"] for name, each in takes.items()}
    assert verdicts["starter"] == verdicts["minilm"] == "fits"
    assert verdicts["qwen2.5-coder-7b"] == "too_big"
    assert verdicts["qwen3-1.7b"] == "crowded"  # its file fits, and its KV cache does not
    seven = takes["qwen2.5-coder-7b"]
    assert (seven["instead"], seven["repository"]) == (
        "qwen2.5-coder-3b",
        "Qwen/Qwen2.5-Coder-7B-Instruct-GGUF",
    )
    assert takes["qwen3-1.7b"]["instead"] == ""  # for it runs once there is room
    assert takes["qwen3-4b"]["instead"] == "gemma3-1b"  # another one for chats
    assert takes["starter"]["instead"] == takes["starter"]["repository"] == ""
    for language in ("en", "tr"):
        said = unfit("qwen2.5-coder-7b", seven["memory"], seven, language)
        assert "qwen2.5-coder-3b" in said and "{" not in said
        assert unfit("starter", takes["starter"]["memory"], takes["starter"], language) == ""


def test_the_catalogue_is_planned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A panel that is open looks every two seconds."""
    looks: list[bool] = []
    plans: list[int] = []

    def costs(settings: InferenceSettings, *, projector: bool = False) -> Costs:
        looks.append(projector)
        return engine_costs(settings, projector=projector)

    def planned(model: Any, **how: Any) -> Share:
        plans.append(model.bytes)
        return share(model, **how)

    monkeypatch.setattr(fit, "costs", costs)
    monkeypatch.setattr(fit, "share", planned)
    entries, settings = list(catalogue.load().values()), InferenceSettings(context_tokens=1000)
    first = all_expected(entries, settings)
    assert sorted(looks) == [False, True]  # one of those that see, one of the others
    assert 0 < len(plans) <= len(entries)
    plans.clear()
    again = all_expected(entries, settings)
    assert plans == []
    assert {name: each["memory"]["need"] for name, each in again.items()} == {
        name: each["memory"]["need"] for name, each in first.items()
    }
    monkeypatch.setattr(fit, "spare_memory", lambda: 1)  # what is free is looked at each time
    assert {each["memory"]["verdict"] for each in all_expected(entries, settings).values()} != {"fits"}
    all_expected(entries, InferenceSettings(context_tokens=1001))
    assert plans


def test_less_context_takes_less() -> None:
    entry = catalogue.load()["qwen3-4b"]
    much, little = (
        expected(entry, Machine(InferenceSettings(context_tokens=tokens)))["need"] for tokens in (8192, 2048)
    )
    assert much - little > GB


def test_the_catalogue_knows_models_as_their_files_do() -> None:
    entry = catalogue.load()["starter"]
    content = (models_dir() / "starter" / entry.file).read_bytes()[: 64 << 10]
    header, shape = read_start(content), entry.shape
    assert header is not None and shape is not None
    for name in (
        *("architecture", "context_length", "kv_heads", "key_length", "value_length", "vocabulary"),
        "sliding_window",
    ):
        assert getattr(header, name) == getattr(shape, name), name


@pytest.mark.parametrize("size", [0, 3, 24, 100])
def test_too_little_of_a_file_tells_nothing(size: int) -> None:
    assert read_start(gguf_file.file(gguf_file.llama())[:size]) is None


@pytest.mark.usefixtures("machine")
def test_what_is_behind_an_address_is_judged_by_its_beginning(tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    large = gguf_file.llama(**{"llama.attention.head_count_kv": 32, "llama.context_length": 1 << 20})
    content = gguf_file.file(large)
    with FileServer(content, "/m.gguf").running() as web:
        web.script.append(http_server.parts)
        found = asked(hub, of_address(web.url), SETTINGS)
        web.script.append(http_server.parts)
        more = asked(hub, of_address(web.url), InferenceSettings(context_tokens=65536))
        assert len(web.requests) == 2
    assert found["bytes"] == more["bytes"] == len(content)
    assert more["memory"]["kv"] == 8 * found["memory"]["kv"] > 0


def test_who_gives_no_beginning_is_asked_for_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with FileServer(b"x", "/m.gguf").running() as web:
        web.script += [http_server.status(500)]
        assert start_of(Remote(web.url)) == (b"", 0)
        assert len(web.requests) == 1
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        assert start_of(Remote(web.url)) == (b"", 0)
        assert len(web.requests) == 1
    assert start_of(Remote(web.url)) == (b"", 0)


def test_a_file_of_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"x" * 100_000)
    assert start_of(Remote(file.as_uri())) == (b"x" * (64 << 10), 100_000)
    assert start_of(Remote((tmp_path / "none.gguf").as_uri())) == (b"", 0)


@pytest.mark.usefixtures("machine")
def test_a_header_that_lies_is_not_believed() -> None:
    lying = gguf_file.llama(**{"llama.attention.head_count_kv": 0xFFFFFFFF, "llama.block_count": 4096})
    found = needed(1000, "gguf", read_start(gguf_file.file(lying)), Machine(SETTINGS))
    assert (found["verdict"], found["kv"]) == ("fits", 0)


@pytest.mark.usefixtures("machine")
def test_what_nothing_here_runs_is_no_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "runnable", lambda _: frozenset({"onnx"}))
    assert all_expected(list(catalogue.load().values()), SETTINGS)["qwen3-4b"]["instead"] == ""

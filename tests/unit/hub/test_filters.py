"""Models are found by name and by what they are for, in any language."""

from __future__ import annotations

import pytest

from ide_agent.features.hub import catalogue
from ide_agent.features.hub.filters import Filter, kind_meant, meant, ranked, source_of
from ide_agent.locale import LANGUAGES
from ide_agent.locale import catalogue as words_of


def found(words: str, **more: str) -> set[str]:
    wanted = Filter(words=words, **more)
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
        ("EKRAN KARTI", "starter"),
        ("ingilizce", "minilm"),
        ("İNGİLİZCE", "minilm"),
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


def looked_for(words: str) -> list[str]:
    return [entry.name for entry in ranked(catalogue.load().values(), words)]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("speech to text", "whisper-base"),
        ("I want a small model that writes code", "qwen2.5-coder-0.5b"),
        ("kod yazan küçük", "starter"),
        ("Which model can describe pictures?", "smolvlm-500m"),
        ("ingilizce", "minilm"),
        ("Speech", "piper-joe"),
        ("MiniLM", "minilm"),
    ],
)
def test_any_word_of_a_sentence_counts_and_most_of_them_stand_first(words: str, first: str) -> None:
    assert first in looked_for(words)[:3]


@pytest.mark.parametrize(
    ("words", "first", "also", "never"),
    [
        ("audio", "whisper-base", "piper-joe", "starter"),
        ("transcribe", "whisper-base", "", "piper-joe"),
        ("speech to text", "whisper-base", "", "piper-joe"),
        ("Text to Speech", "piper-joe", "", "whisper-base"),
        ("autocomplete", "starter", "qwen2.5-coder-1.5b-base", "qwen3-4b"),
        ("auto-complete python", "qwen2.5-coder-0.5b", "starcoder2-3b", "minilm"),
        ("RAG", "minilm", "nomic-embed-text", "starter"),
        ("chat in Turkish", "qwen3-1.7b", "whisper-base", "starcoder2-3b"),
        ("chatbot", "granite-3.3-2b", "gemma3-1b", "gemma3-270m"),
        ("Türkçe sohbet", "qwen3-1.7b", "whisper-base", "starcoder2-3b"),
        ("TÜRKÇE", "whisper-base", "qwen3-4b", "minilm"),
        ("çeviri", "whisper-base", "qwen3-4b", "minilm"),
        ("otomatik tamamlama", "starter", "starcoder2-3b", "qwen3-4b"),
        ("sesli okuma", "piper-joe", "", "whisper-base"),
        ("yazıya dök", "whisper-base", "", "piper-joe"),
        ("ekran görüntüsü", "gemma3-4b", "smolvlm-500m", "starter"),
        ("belge arama", "minilm", "bge-small-en", "starter"),
    ],
)
def test_other_words_for_what_a_model_is_for(words: str, first: str, also: str, never: str) -> None:
    found = looked_for(words)
    assert found[0] == first
    assert also in ("", *found) and never not in found


def test_each_purpose_has_other_words_in_each_language() -> None:
    for entry in catalogue.load().values():
        for language in LANGUAGES:
            assert entry.about.replace("about", "synonyms") in words_of(language)


@pytest.mark.parametrize("words", ["small coder", "küçük coder"])
def test_a_word_for_small_decides_only_between_those_that_are_otherwise_alike(words: str) -> None:
    found, sizes = looked_for(words), {entry.name: entry.expected for entry in catalogue.load().values()}
    coders = set(looked_for("coder"))
    assert set(found[: len(coders)]) == coders
    assert found[: len(coders)] == sorted(found[: len(coders)], key=sizes.__getitem__)


def test_rarer_words_stand_first_and_what_says_nothing_does_not_count() -> None:
    both = looked_for("vision many")
    assert set(both[:2]) == {"gemma3-4b", "smolvlm-500m"}
    assert set(both) == set(looked_for("vision")) | set(looked_for("many"))
    assert looked_for("zzz") == []
    assert looked_for("") == looked_for(" ?") == list(catalogue.load())
    assert meant("I want a small model") == "small"
    assert meant("to") == "to"


def test_short_words_count_where_words_begin() -> None:
    assert "starcoder2-3b" in looked_for("coder")
    assert looked_for("ode") == []


def test_a_word_for_small_finds_nothing_that_others_do_not() -> None:
    found = looked_for("small coder for python")
    assert found[0] == "qwen2.5-coder-0.5b"
    assert not {"minilm", "bge-small-en", "e5-small"} & set(found)
    assert looked_for("something small")[0] == "starter"  # one that writes, where nothing else is said
    assert "starter" in looked_for("chat") and "starter" in looked_for("sohbet")

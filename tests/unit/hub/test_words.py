"""Progress in words."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from ide_agent.features.hub.catalogue import load
from ide_agent.features.hub.progress import Phase, Progress
from ide_agent.features.hub.words import describe, percent, size
from ide_agent.locale import catalogue as messages


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("phase", get_args(Phase))
def test_every_phase_has_words(phase: Phase, language: str) -> None:
    assert "hub.phase" not in describe(Progress(phase).as_wire(), language)


def of_the_hub(language: str) -> dict[str, str]:
    return {key: said for key, said in messages(language).items() if key.startswith(("hub.", "error."))}


def test_one_thing_has_one_word_in_turkish() -> None:
    said = of_the_hub("tr")
    secret = [key for key in said if key.startswith("hub.login.")]
    secret += ["error.secret.in_clear", *(key for key in said if key.startswith("error.download."))]
    for key in secret:
        bare = said[key].replace("settings/tokens", "").replace("{tokens}", "").replace("HF_TOKEN", "")
        assert "token" not in bare.replace("(token)", "").lower(), key
    assert not any("ortayı doldur" in each or "elirteç" in each for each in said.values())
    assert not any("Runtimes" in each for each in messages("tr").values())


def test_a_title_is_a_name_and_needs_no_translation() -> None:
    words = re.compile(r"\b(with|english|voice|pictures)\b", re.IGNORECASE)
    assert [entry.title for entry in load().values() if words.search(entry.title)] == []


@pytest.mark.parametrize("language", ["en", "tr"])
def test_nothing_is_said_that_only_we_understand(language: str) -> None:
    said = of_the_hub(language)
    assert "hub.row.pid" not in said
    for word in ("no hub", "merkez gerekmez", "thousand", " bin token", 'kept"'):
        assert [key for key, each in said.items() if word in each] == []


def test_a_whole_report() -> None:
    event = Progress("download", 12_300_000, 92_900_000, 4_060_000.0, 79.6).as_wire()
    assert describe(event, "en") == "downloading 12.3 / 92.9 MB, 4.1 MB/s, 1:20 left"
    assert describe(event, "tr") == "indiriliyor 12,3 / 92,9 MB, 4,1 MB/s, 1:20 kaldı"
    assert percent(event) == pytest.approx(13.24, abs=0.01)
    assert describe(Progress("download", 500, 23_000).as_wire(), "en") == "downloading 0.5 / 23.0 kB"


def test_without_a_total() -> None:
    event = Progress("download", 12_300_000).as_wire()
    assert describe(event, "en") == "downloading 12.3 MB"
    assert percent(event) is None


def test_sizes() -> None:
    assert size(98_362_432, "en") == "98.4 MB"
    assert size(98_362_432, "tr") == "98,4 MB"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0.0 MB"),
        (1, "0.1 kB"),
        (612, "0.6 kB"),
        (99_999, "100.0 kB"),
        (100_000, "0.1 MB"),
        (999_900_000, "999.9 MB"),
        (1_000_000_000, "1.0 GB"),
        (23_747_700_000, "23.7 GB"),
    ],
)
def test_sizes_of_all_kinds(count: int, text: str) -> None:
    assert size(count, "en") == text

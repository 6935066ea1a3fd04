import re
from string import Formatter

import pytest

from ide_agent.locale import LANGUAGES, catalogue, choose, translate


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_message_exists_in_every_language(language: str) -> None:
    assert catalogue(language).keys() == catalogue("en").keys()


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_message_keeps_its_placeholders(language: str) -> None:
    for key, text in catalogue("en").items():
        assert fields(catalogue(language)[key]) == fields(text), key


def test_turkish_is_turkish() -> None:
    letters = "".join(catalogue("tr").values())
    assert re.search("[ğışçöü]", letters)


@pytest.mark.parametrize(
    ("tag", "language"), [("tr-TR", "tr"), ("tr_TR.UTF-8", "tr"), ("en-GB", "en"), ("de", "en"), (None, "en")]
)
def test_the_nearest_language_is_chosen(tag: str | None, language: str) -> None:
    assert choose(tag) == language


def test_unknown_keys_and_missing_values_never_raise() -> None:
    assert translate("no.such.key", "tr") == "no.such.key"
    assert "{reason}" in translate("error.host.start", "en")

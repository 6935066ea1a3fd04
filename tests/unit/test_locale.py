import re
from string import Formatter

import pytest

from ide_agent.errors import BudgetSpent, from_wire
from ide_agent.locale import LANGUAGES, catalogue, choose, number, translatable, translate


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_message_exists_in_every_language(language: str) -> None:
    ones = {each for each in catalogue("en") if each.endswith("_one")}  # not all languages need them
    assert {each.removesuffix("_one") for each in ones} <= catalogue("en").keys()
    assert catalogue(language).keys() | ones == catalogue("en").keys()


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_message_keeps_its_placeholders(language: str) -> None:
    for key, text in catalogue("en").items():
        assert fields(catalogue(language).get(key, text)) == fields(text), key


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


def test_one_is_not_many() -> None:
    assert "lists one model." in translate("remote.works", "en", name="a", seconds=0.5, count=1)
    assert "lists 2 models." in translate("remote.works", "en", name="a", seconds=0.5, count=2)
    assert "1 model " in translate("remote.works", "tr", name="a", seconds=0.5, count=1)
    assert "takes only 1." in translate("error.routes.choice", "en", key="version", choices="1", count=1)


def test_numbers_are_written_as_is_the_custom() -> None:
    assert (number(1.25, "en", 2), number(1.25, "tr", 2), number(3, "tr")) == ("1.25", "1,25", "3,0")
    assert "0,351 saniyede" in translate("remote.works", "tr", name="a", seconds=0.351, count=2)
    spent = BudgetSpent("error.remote.cost_spent", used=0.5, limit=1.0, scope="remote", setting="x")
    assert "0.50 of 1.00" in spent.message("en")
    assert "0,50" in from_wire(spent.as_wire()).message("tr")


def test_a_token_is_called_a_token() -> None:
    assert not [key for key, text in catalogue("tr").items() if "belirteç" in text.lower()]


def test_an_adapter_is_called_an_adapter() -> None:
    assert not [key for key, text in catalogue("tr").items() if "uyarlayıcı" in text.lower()]


def test_values_that_do_not_fit_never_raise() -> None:
    assert translate("{a.b}", "en", a=1) == "{a.b}"
    assert translate("{a[x]}", "en", a=1) == "{a[x]}"
    assert translate("{a:d}", "en", a=None) == "{a:d}"
    fit = {"used": 0.5, "limit": 1.0, "scope": "remote", "setting": "x"}
    assert translatable("error.remote.cost_spent", fit)
    assert not translatable("error.remote.cost_spent", {**fit, "used": None})


def test_only_what_the_catalogue_has_is_said_within_a_message() -> None:
    reason = {"code": "no {path.__class__} known", "params": {"path": "p"}}
    assert "no {path.__class__} known" in translate("reason.at", "en", path="p", reason=reason)


def test_reasons_within_reasons_come_to_an_end() -> None:
    reason: object = "x"
    for _ in range(3):
        reason = {"code": "reason.at", "params": {"path": "here", "reason": reason}}
    assert translate("reason.at", "en", path="p", reason=reason).count("here") == 3
    for _ in range(5000):
        reason = {"code": "reason.at", "params": {"path": "here", "reason": reason}}
    assert translate("reason.at", "en", path="p", reason=reason).count("here") < 20

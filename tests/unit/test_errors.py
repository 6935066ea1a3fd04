import json

import pytest

from ide_agent import errors
from ide_agent.errors import EngineCrashed, IdeAgentError, from_wire
from ide_agent.locale import catalogue


def every_error(cls: type[IdeAgentError] = IdeAgentError) -> list[type[IdeAgentError]]:
    return [cls, *(each for child in cls.__subclasses__() for each in every_error(child))]


@pytest.mark.parametrize("cls", every_error())
def test_every_error_has_a_message_and_stands_in_the_tree(cls: type[IdeAgentError]) -> None:
    assert cls.key in catalogue("en")
    if cls.__module__ == errors.__name__:
        assert cls.__name__ in (errors.__doc__ or "")


def test_an_error_crosses_process_borders_unchanged() -> None:
    error = from_wire(EngineCrashed(model="m.gguf", reason="killed").as_wire())
    assert type(error) is EngineCrashed
    assert "m.gguf" in error.message("tr")
    assert error.message("tr") != error.message("en")


def test_half_a_character_can_be_sent() -> None:
    wire = EngineCrashed(model="m\ud800", reason={"\udfff": ["\ud800", ("ş", 1)]}).as_wire()
    assert wire["params"] == {"model": "m\\ud800", "reason": {"\\udfff": ["\\ud800", ["ş", 1]]}}
    assert "m\\ud800" in wire["message"]
    json.dumps(wire, ensure_ascii=False).encode()


def test_a_foreign_error_keeps_its_words() -> None:
    assert (
        from_wire({"message": "quota exceeded", "type": "insufficient_quota"}).message("en")
        == "quota exceeded"
    )


@pytest.mark.parametrize(
    ("code", "params"), [("error.of_tomorrow", {}), ("error.model.corrupt", {"file": "m.gguf"})]
)
def test_what_another_version_says_keeps_its_words(code: str, params: dict[str, str]) -> None:
    wire = {"message": "m.gguf is odd", "type": "ModelFileInvalid", "code": code, "params": params}
    error = from_wire(wire)
    assert type(error) is errors.ModelFileInvalid
    assert error.message("tr") == "m.gguf is odd"

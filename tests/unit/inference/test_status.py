"""What is told of the engines in one line."""

from pathlib import Path
from typing import Any

import pytest

from ide_agent.errors import IdeAgentError, ModelNotFound
from ide_agent.inference.models import ModelFile, ModelStore
from ide_agent.inference.status import Status

REASON: IdeAgentError = ModelNotFound("error.model.no_rerankers")


@pytest.fixture
def models(tmp_path: Path) -> dict[str, ModelFile]:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.gguf").write_bytes(b"GGUF")
    return {model.name: model for model in ModelStore(tmp_path).list()}


def test_two_that_wait_are_told_of_once_each(models: dict[str, ModelFile]) -> None:
    told: list[dict[str, Any]] = []
    status = Status(told.append)
    for _ in range(5):
        for name in ("a", "b"):
            status.tell(models[name], "", "waiting", REASON)
    assert [each["model"] for each in told] == ["a", "b"]


def test_who_waits_still_is_told_of_when_another_one_goes(models: dict[str, ModelFile]) -> None:
    told: list[dict[str, Any]] = []
    status = Status(told.append)
    status.tell(models["c"], "x", "ready", None)
    for name in ("a", "b"):
        status.tell(models[name], "", "waiting", REASON)
    status.waits_no_more(models["b"])
    assert (told[-1]["state"], told[-1]["model"]) == ("waiting", "a")
    status.waits_no_more(models["a"])
    assert (told[-1]["state"], told[-1]["model"]) == ("ready", "c")
    assert len(told) == 5


def test_a_wait_counts_again_after_something_else_was_told(models: dict[str, ModelFile]) -> None:
    told: list[dict[str, Any]] = []
    status = Status(told.append)
    status.tell(models["a"], "", "waiting", REASON)
    status.tell(models["c"], "x", "ready", None)
    status.tell(models["a"], "", "waiting", REASON)
    assert [each["state"] for each in told] == ["waiting", "ready", "waiting"]

"""The whole chain: keys in Neovim, `ide-agent lsp`, host, engine, starter model, and back to the screen."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ide_agent.paths import models_dir
from support.host_process import clean_home

if TYPE_CHECKING:
    from .conftest import Session

pytestmark = [pytest.mark.e2e, pytest.mark.engine]

SERVER = [sys.executable, "-m", "ide_agent", "lsp"]
CODE = "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own for the host; the models are those of this machine."""
    folder = tmp_path / "ide-agent"
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "config.toml").write_text('[inference]\nengine = "xllamacpp"\n', encoding="utf-8")
    monkeypatch.setenv("IDE_AGENT_MODELS", str(models_dir()))
    monkeypatch.setenv("IDE_AGENT_HOME", str(folder))
    with clean_home(folder):
        yield folder


def test_the_model_on_this_machine_finishes_the_line(session: Session, home: Path) -> None:
    session.start(content=CODE, server=SERVER)
    session.nvim.type("Goreturn ")
    ghost = session.nvim.until(session.ghost)
    session.nvim.until(lambda: session.nvim.sees("    return " + ghost.split("\n")[0]))
    session.nvim.type("\t")
    taken = ("    return " + ghost).split("\n")
    session.nvim.until(lambda: session.nvim.buffer()[5 : 5 + len(taken)] == taken)
    session.nvim.until(lambda: "IDE-Agent starter" in session.nvim.text())
    session.normal()
    session.nvim.type("u")
    session.nvim.until(lambda: session.nvim.buffer()[5:] == ["    return "])


def test_another_suggestion_and_around_to_the_first(session: Session, home: Path) -> None:
    code = "def evens(numbers):\n    result = []\n    for number in numbers:\n"
    session.start(content=code, server=SERVER)
    session.nvim.type("Go")
    first = session.nvim.until(session.ghost).split("\n")[0]

    def goes_on(*, to_first: bool) -> str:
        """What shows after it was asked for; asking while the model writes is of no account."""
        session.nvim.lua("require('ide_agent').next()")
        ghost = session.ghost()
        return ghost if ghost and (ghost.split("\n")[0] == first) == to_first else ""

    session.nvim.until(lambda: goes_on(to_first=False))
    session.nvim.until(lambda: goes_on(to_first=True))
    assert session.nvim.buffer()[3].strip() == ""


def test_without_a_model_the_starter_is_offered(
    session: Session, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = home / "models"
    empty.mkdir()
    monkeypatch.setenv("IDE_AGENT_MODELS", str(empty))
    session.start(content=CODE, server=SERVER)
    session.nvim.type("Goreturn ")
    session.nvim.until(lambda: "IDE-Agent no model" in session.nvim.text())
    session.nvim.type("\x1b")
    session.nvim.until(lambda: "Type number and <Enter>" in session.nvim.text())
    assert "1: " in session.nvim.text()
    session.nvim.type("\r")
    session.nvim.until(lambda: session.nvim.mode() == "n")
    assert list(empty.iterdir()) == []

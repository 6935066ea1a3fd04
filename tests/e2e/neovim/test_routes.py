"""Routing rules in Neovim by keys, the file and the panel, on a real language server and host."""

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

pytestmark = pytest.mark.e2e

ERROR = 1  # vim.diagnostic.severity
SERVER = [sys.executable, "-m", "ide_agent", "lsp"]
HARD = """\
  # hard questions
  - name: hard
    when: {task: chat, message: (?i)refactor}
    model: starter
"""
REST = """\
  - name: rest
    model: default
"""


@pytest.fixture
def routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The rules of a home of its own; the models are those of this machine."""
    folder = tmp_path / "ide-agent"
    (folder / "config").mkdir(parents=True)
    file = folder / "config" / "routes.yaml"
    file.write_text(f"rules:\n{HARD}{REST}", encoding="utf-8")
    monkeypatch.setenv("IDE_AGENT_MODELS", str(models_dir()))
    monkeypatch.setenv("IDE_AGENT_HOME", str(folder))
    with clean_home(folder):
        yield file


def told(session: Session) -> list[tuple[int, int]]:
    """The diagnostics of the buffer: (line from 0, severity)."""
    found = session.nvim.lua(
        "return vim.tbl_map(function(each) return { each.lnum, each.severity } end, vim.diagnostic.get(0))"
    )
    return sorted((line, severity) for line, severity in found)


def test_the_file_is_checked_completed_and_explained_while_it_is_typed(
    session: Session, routes: Path
) -> None:
    session.start(server=SERVER)
    nvim = session.nvim
    nvim.type(f":edit {routes}\r")
    nvim.until(lambda: nvim.buffer()[0] == "rules:" and session.attached())
    nvim.type("/chat\rcwchta\x1b")
    nvim.until(lambda: told(session) == [(3, ERROR)])
    nvim.type("\x17d")  # what is wrong here
    nvim.until(lambda: "Did you mean “chat" in nvim.text())
    nvim.type("ciwre\x18\x0f")  # the only one that begins so is taken
    nvim.until(lambda: "when: {task: review, message" in nvim.buffer()[3])
    session.normal()
    nvim.until(lambda: told(session) == [])
    nvim.type("/task\rK")
    nvim.until(lambda: "What the request is for" in nvim.text())


def test_rules_are_moved_switched_and_tested_in_the_panel(session: Session, routes: Path) -> None:
    session.start(server=SERVER)
    nvim = session.nvim
    nvim.type(":IdeAgent routes\r")
    nvim.until(lambda: any(line.startswith("hard ") for line in nvim.buffer()))
    nvim.type("/^hard\r")
    nvim.until(lambda: "[O] Down" in nvim.text())
    nvim.type("O")
    nvim.until(lambda: "[p] Up" in nvim.text())
    assert routes.read_text(encoding="utf-8") == f"rules:\n{REST}{HARD}"
    assert nvim.lua("return vim.api.nvim_get_current_line()").startswith("hard")  # it went with its row
    nvim.type("/^rest\r")
    nvim.until(lambda: "[s] Switch off" in nvim.text())
    nvim.type("s")
    nvim.until(lambda: "Switch on" in nvim.text())
    nvim.type("/^Message\r\r")
    nvim.until(lambda: nvim.mode() == "i")
    nvim.type("Please refactor this.\x1b:wq\r")
    nvim.until(lambda: any(line.startswith("Message   Please refactor") for line in nvim.buffer()))
    nvim.type("t")
    because = "This would go to starter, because the rule “hard” (routes.yaml, line 6) fits"
    nvim.until(lambda: because in "\n".join(nvim.buffer()))

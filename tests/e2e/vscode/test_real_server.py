"""Ghost text in a real VS Code from the real server, host, engine and starter model."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ide_agent.paths import models_dir
from support.vscode import ROOT, VSCode, until

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.timeout(600)]

PROGRAM = Path(sys.executable).with_name("ide-agent")
FILE = "prices.py"
HEAD = (ROOT / "samples" / "shop" / FILE).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def vscode(launch: Callable[..., VSCode], tmp_path_factory: pytest.TempPathFactory) -> Iterator[VSCode]:
    folder = tmp_path_factory.mktemp("real")
    homes = {"IDE_AGENT_HOME": str(folder / "ide-agent"), "IDE_AGENT_MODELS": str(models_dir())}
    started = launch(folder, settings={"ideAgent.server.path": str(PROGRAM)}, env=homes)
    shutil.copy(ROOT / "samples" / "shop" / FILE, started.workspace / FILE)
    started.open(FILE)
    until(lambda: started.status().startswith("starter"))
    yield started
    subprocess.run([PROGRAM, "host", "stop"], env=started.environment, check=True)


@pytest.fixture
def before(vscode: VSCode, keep: Callable[..., None]) -> Iterator[str]:
    """The sample, the cursor in a new line at its end; what stands before the cursor."""
    vscode.press("Escape")
    vscode.focus()
    vscode.press(*["Control+z"] * 40, "Control+End")
    vscode.holds(FILE, HEAD)
    yield HEAD
    keep(vscode)


def test_appears_and_tab_accepts_it(vscode: VSCode, before: str, keep: Callable[..., None]) -> None:
    vscode.type("    return ")
    until(vscode.ghost)
    keep(vscode, "shown")
    line = vscode.ghost().splitlines()[0]
    vscode.press("Tab")
    written = until(lambda: _written(vscode, before + "    return " + line))
    assert written.startswith(before + "    return " + line)


def test_typed_through_it_stays(vscode: VSCode, before: str) -> None:
    vscode.type("    return ")
    until(vscode.ghost)
    until(lambda: _idle(vscode))
    line = vscode.ghost().splitlines()[0]
    assert len(line) > 1
    vscode.watch()
    vscode.type(line[0])
    until(lambda: vscode.ghost().split("\n")[0] == line[1:])
    assert "" not in vscode.watched()


def test_escape_sends_it_away(vscode: VSCode, before: str) -> None:
    vscode.type("    return ")
    until(vscode.ghost)
    vscode.press("Escape")
    vscode.shows("")
    vscode.watch()
    vscode.page.wait_for_timeout(1000)  # the model would go on for about this long
    assert set(vscode.watched()) == {""}
    vscode.holds(FILE, before + "    return ")


def _idle(vscode: VSCode) -> bool:
    """Whether no engine writes."""
    asked = subprocess.run(
        [PROGRAM, "host", "status", "--json"], env=vscode.environment, check=True, stdout=subprocess.PIPE
    )
    return not any(engine["busy"] for engine in json.loads(asked.stdout)["engines"])


def _written(vscode: VSCode, start: str) -> str:
    """What the file holds, once it starts so."""
    content = (vscode.workspace / FILE).read_text(encoding="utf-8")
    return content if content.startswith(start) else ""

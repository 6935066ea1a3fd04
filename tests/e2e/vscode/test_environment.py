"""The extension's own environment: made once, made again, and told about when it cannot be made."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.script import SERVER, Script
from support.vscode import ROOT, VSCode, install_turkish, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

FILE = "sample.py"

# A Python that makes environments at once and notes its calls. `shut` holds pip up, `broken` fails it.
FAKE_PYTHON = """#!/bin/sh
echo "$@" >>"{folder}/calls"
for last; do :; done
case "$*" in
  *version_info*) echo '[[3, 12, 0], true]' ;;
  *"-m venv"*) mkdir -p "$last/bin" && cp "$0" "$last/bin/python" ;;
  *"-m pip"*)
    echo "Collecting alembic==1 (from -r requirements.txt)"
    echo "     ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 5.0/5.0 MB 9.9 MB/s eta 0:00:00"
    while [ -e "{folder}/shut" ]; do sleep 0.05; done
    if [ -e "{folder}/broken" ]; then echo "ERROR: no such package" >&2; exit 1; fi ;;
  *"ide_agent lsp") exec "{python}" "{server}" "{script}" ;;
esac
"""


class FakePython:
    """The program, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.script = Script(folder / "script")
        self.script.say(status={"state": "ready", "model": "starter"})
        self.program = folder / "python3"
        text = FAKE_PYTHON.format(
            folder=folder, python=sys.executable, server=SERVER, script=self.script.folder
        )
        self.program.write_text(text, encoding="utf-8")
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)

    def calls(self, part: str) -> list[str]:
        """Its calls that contain `part`."""
        calls = self.folder / "calls"
        lines = calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []
        return [line for line in lines if part in line]


@pytest.fixture
def python(tmp_path: Path) -> FakePython:
    return FakePython(tmp_path / "python")


def test_made_once_and_again_when_half_made(launch: Callable[..., VSCode], python: FakePython) -> None:
    vscode = launch(settings={"ideAgent.python": str(python.program)})
    vscode.open(FILE)
    until(lambda: vscode.status() == "starter")
    [pinned, wheel] = python.calls("-m pip")
    assert "--require-hashes -r" in pinned
    assert pinned.endswith("server/requirements.txt")
    assert "--no-deps" in wheel
    assert wheel.endswith("-py3-none-any.whl")
    assert python.calls("-I -m ide_agent lsp"), "isolated: the workspace must not shadow our modules"
    [stamp] = vscode.data.glob("User/globalStorage/ide-agent.ide-agent/env-*/ide-agent-ready.json")

    vscode.open(FILE)
    until(lambda: len(python.script.log("initialize")) == 2)
    assert len(python.calls("-m venv")) == 1

    stamp.unlink()
    left_over = stamp.with_name("left-over")
    left_over.touch()
    vscode.open(FILE)
    until(lambda: len(python.script.log("initialize")) == 3)
    assert len(python.calls("-m venv")) == 2
    assert stamp.exists()
    assert not left_over.exists()


def test_fails_is_cancelled_and_tried_again(
    launch: Callable[..., VSCode], python: FakePython, keep: Callable[..., None]
) -> None:
    (python.folder / "broken").touch()
    vscode = launch(settings={"ideAgent.python": str(python.program)})
    vscode.open(FILE)
    until(lambda: "IDE-Agent could not be set up: ERROR: no such package" in vscode.notifications())
    until(lambda: vscode.page.locator(".statusbar-item.error-kind").count() == 1)
    keep(vscode, "failed")
    (python.folder / "broken").unlink()
    (python.folder / "shut").touch()
    vscode.answer("Try again")
    until(lambda: len(python.calls("-m pip")) == 2)  # until then the first attempt's words may stand there
    until(lambda: "Setting up IDE-Agent (only once)" in vscode.notifications())
    until(lambda: re.search(r"downloading, [1-9]\d? %", vscode.notifications()))
    assert "━" not in vscode.notifications() and "Collecting" not in vscode.notifications()
    keep(vscode, "under-way")
    vscode.answer("Cancel")
    until(lambda: "the set-up was cancelled" in vscode.notifications())
    (python.folder / "shut").unlink()
    assert python.script.log("initialize") == []
    vscode.answer("Try again")
    until(lambda: vscode.status() == "starter")


def test_second_window_waits_for_the_first(launch: Callable[..., VSCode], python: FakePython) -> None:
    (python.folder / "shut").touch()
    vscode = launch(settings={"ideAgent.python": str(python.program)})
    vscode.open(FILE)
    until(lambda: python.calls("-m pip"))
    second = vscode.open_beside(FILE)
    second.locator(".notifications-toasts").get_by_text("another window is doing it").wait_for()
    [lock] = vscode.data.glob("User/globalStorage/ide-agent.ide-agent/env-*.lock")
    told = lock.stat().st_mtime
    until(lambda: lock.stat().st_mtime > told + 12)  # for longer than a lock without an owner is respected
    (python.folder / "shut").unlink()
    until(lambda: len(python.script.log("initialize")) == 2)
    assert len(python.calls("-m venv")) == 1
    assert not lock.exists()


@pytest.mark.parametrize("owner", [str(os.getpid()), ""], ids=["other-process", "nobody"])
def test_lock_that_was_left_behind_is_taken_over(
    launch: Callable[..., VSCode], python: FakePython, owner: str
) -> None:
    vscode = launch(settings={"ideAgent.python": str(python.program)})
    vscode.open(FILE)
    until(lambda: vscode.status() == "starter")
    [stamp] = vscode.data.glob("User/globalStorage/ide-agent.ide-agent/env-*/ide-agent-ready.json")
    stamp.unlink()
    stamp.parent.with_suffix(".lock").write_text(owner, encoding="utf-8")
    vscode.open(FILE)
    until(lambda: "another window is doing it" in vscode.page.content())
    until(lambda: len(python.script.log("initialize")) == 2)
    assert len(python.calls("-m venv")) == 2
    assert list(stamp.parent.parent.glob("*.lock*")) == []


def test_set_up_again_stops_the_host_first(launch: Callable[..., VSCode], python: FakePython) -> None:
    vscode = launch(settings={"ideAgent.python": str(python.program)})
    vscode.open(FILE)
    until(lambda: vscode.status() == "starter")
    [stamp] = vscode.data.glob("User/globalStorage/ide-agent.ide-agent/env-*/ide-agent-ready.json")
    (stamp.parent / "left-over").touch()
    vscode.run("IDE-Agent: Set up the environment again")
    until(lambda: len(python.script.log("initialize")) == 2)
    until(lambda: vscode.status() == "starter")
    stopped, made = python.calls("host stop")[0], python.calls("-m venv")[1]
    assert stopped.startswith("-I -m ide_agent")
    calls = python.calls("")
    assert calls.index(stopped) < len(calls) - 1 - calls[::-1].index(made)
    assert stamp.exists()
    assert not (stamp.parent / "left-over").exists()


def test_no_python_is_told_in_turkish(
    launch: Callable[..., VSCode], extensions: Path, tmp_path: Path, keep: Callable[..., None]
) -> None:
    own_extensions = shutil.copytree(extensions, tmp_path / "extensions")
    install_turkish(own_extensions, tmp_path / "window" / "data")
    missing = {"ideAgent.python": str(tmp_path / "missing")}
    vscode = launch(tmp_path / "window", extensions=own_extensions, locale="tr", settings=missing)
    vscode.open(FILE)
    until(lambda: "IDE-Agent, Python 3.11 ya da üstünü" in vscode.notifications())
    keep(vscode)
    vscode.menu()
    entries = vscode.entries()
    assert entries[0] == "Önerileri kapat"
    assert not any("Başlangıç modelini indir" in entry for entry in entries)  # with what runs nowhere


def test_first_start_with_a_real_python(
    launch: Callable[..., VSCode], tmp_path: Path, keep: Callable[..., None]
) -> None:
    home = tmp_path / "ide-agent"
    cache = {"PIP_CACHE_DIR": str(ROOT / ".cache" / "pip")}
    vscode = launch(env={**cache, "IDE_AGENT_HOME": str(home)})
    vscode.open(FILE)
    until(lambda: "Setting up IDE-Agent (only once)" in vscode.notifications())
    until(lambda: vscode.status() == "no model yet", patience=500)
    until(lambda: "IDE-Agent has no model yet" in vscode.notifications())
    keep(vscode)
    [program] = vscode.data.glob("User/globalStorage/ide-agent.ide-agent/env-*/bin/ide-agent")
    assert any(str(program.parent) in command and "lsp" in command for _, command in vscode.processes())
    subprocess.run([program, "host", "stop"], env=vscode.environment, check=True)

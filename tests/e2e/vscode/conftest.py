"""VS Codes with the extension, its server scripted or real."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from support.script import SERVER, Script
from support.vscode import CHROMIUM_ARGUMENTS, ROOT, VSCode, install, until

ARTIFACTS = ROOT / ".artifacts" / "vscode"
FILE = "sample.py"
STARTING = "IDE-Agent starting"
MOUNTED: dict[str, Any] = {"state": "ready", "model": "starter", "engine": "xllamacpp"}


class Window:
    """A VS Code and the scripted server behind its extension."""

    def __init__(self, vscode: VSCode, script: Script) -> None:
        self.vscode = vscode
        self.script = script

    def fresh(self) -> None:
        """An empty file and a server with nothing to suggest."""
        self.script.say(status=MOUNTED)
        self.vscode.press("Escape")
        self.vscode.focus()
        self.vscode.press("Control+a", "Delete")
        self.vscode.holds(FILE, "")
        self.vscode.shows("")
        until(lambda: self.script.text() == "")  # what the test before did came before this
        self.script.forget()
        self.vscode.watch()

    def holds(self, content: str) -> None:
        """Wait until the file holds exactly this."""
        self.vscode.holds(FILE, content)


@pytest.fixture(scope="session")
def extensions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which our .vsix is installed."""
    setup = ROOT / "tests" / "e2e" / "vscode" / "setup.sh"
    built = subprocess.run([setup], check=True, stdout=subprocess.PIPE)
    folder = tmp_path_factory.mktemp("vscode") / "extensions"
    install(Path(built.stdout.decode().strip()), folder, tmp_path_factory.mktemp("installer"))
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; not for longer than a module, since Playwright's loop is in the way of asynchronous tests."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def launch(
    extensions: Path, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., VSCode]]:
    """Start a VS Code on an empty workspace; the arguments are those of `VSCode`."""
    started: list[VSCode] = []

    def start(folder: Path | None = None, **options: Any) -> VSCode:
        folder = folder or tmp_path_factory.mktemp("window")
        workspace = folder / "shop"
        workspace.mkdir(parents=True, exist_ok=True)
        (workspace / FILE).touch()
        vscode = VSCode(folder, options.pop("extensions", extensions), workspace, browser, **options)
        started.append(vscode)
        return vscode

    yield start
    for vscode in started:
        vscode.close()


@pytest.fixture(scope="module")
def scripted(
    launch: Callable[..., VSCode], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Window]:
    """Start a VS Code whose server is scripted, and open it.

    The arguments are user settings, and what the server says if not just that it is ready.
    """

    def start(says: dict[str, Any] | None = None, **settings: Any) -> Window:
        folder = tmp_path_factory.mktemp("scripted")
        script = Script(folder / "script")
        script.say(**(says or {"status": MOUNTED}))
        program = folder / "ide-agent"
        program.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" "{SERVER}" "{script.folder}"\n', encoding="utf-8"
        )
        program.chmod(0o755)
        vscode = launch(settings={"ideAgent.server.path": str(program), **settings})
        vscode.open(FILE)
        if not (says and "hold" in says):
            until(lambda: vscode.status() not in ("", "IDE-Agent", STARTING))
        return Window(vscode, script)

    return start


@pytest.fixture(scope="module")
def shared(scripted: Callable[..., Window]) -> Window:
    """One window for all tests of a module."""
    return scripted()


@pytest.fixture
def window(shared: Window, keep: Callable[[VSCode], None]) -> Iterator[Window]:
    """The module's window, made fresh; what it shows at the end is kept."""
    shared.fresh()
    yield shared
    keep(shared.vscode)


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Keep a picture of the window among the artefacts."""

    def shoot(vscode: VSCode, moment: str = "") -> None:
        name = re.sub(r"[^\w.-]+", "-", request.node.name)
        vscode.screenshot(ARTIFACTS / f"{name}{moment and '-' + moment}.png")

    return shoot

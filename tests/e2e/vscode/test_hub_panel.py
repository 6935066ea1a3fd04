"""The panel of models in a real VS Code by clicks, on a real server and host, with a hub on loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, expect

from support.model_hub import NAME, REPOSITORY, ModelHub, model_hub
from support.vscode import PATIENCE, VSCode, until

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.timeout(600)]

PROGRAM = Path(sys.executable).with_name("ide-agent")
FILE = "sample.py"

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="module")
def hub() -> Iterator[ModelHub]:
    """What there is to download."""
    with model_hub() as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One without a model, whose user does not want to be asked about one."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / "state").mkdir()
    (folder / "state" / "starter-declined").touch()
    return folder


def started(launch: Callable[..., VSCode], hub: ModelHub, home: Path) -> VSCode:
    """A window on a machine without a model."""
    homes = {"IDE_AGENT_HOME": str(home), "IDE_AGENT_MODELS": str(home / "models"), "HF_ENDPOINT": hub.url}
    homes |= {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    window = launch(settings={"ideAgent.server.path": str(PROGRAM)}, env=homes)
    window.open(FILE)
    return window


@pytest.fixture
def vscode(
    launch: Callable[..., VSCode], hub: ModelHub, home: Path, keep: Callable[..., None]
) -> Iterator[VSCode]:
    """A window on a machine without a model."""
    window = started(launch, hub, home)
    yield window
    keep(window)
    subprocess.run([PROGRAM, "host", "stop"], env=window.environment, check=True)


def host(home: Path) -> dict[str, Any]:
    """What the host's runtime file says; empty while there is none."""
    file = home / "state" / "host.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def ask(panel: FrameLocator, question: str) -> None:
    """Ask the model in its panel and wait until it has said something and ended."""
    form = panel.get_by_role("form", name="Ask a model something")
    form.get_by_role("textbox", name="Question").fill(question)
    form.get_by_role("button", name="Ask").click()
    answer = panel.locator(".markdown", has_text=f"{NAME} · {question}")
    expect(answer).to_contain_text(re.compile(rf"{re.escape(question)}\s*\S+"))
    panel.get_by_role("button", name="Dismiss").click()
    expect(answer).to_have_count(0)


def reaches(panel: FrameLocator, percent: int) -> None:
    """Wait until the bar stands there."""
    bar = panel.get_by_role("progressbar", name=NAME)
    expect(bar).to_have_attribute("aria-valuenow", re.compile(rf"{percent}(\.|$)"))


def test_the_first_start_offers_the_starter_model(
    launch: Callable[..., VSCode], hub: ModelHub, tmp_path: Path, keep: Callable[..., None]
) -> None:
    window = started(launch, hub, tmp_path / "home")
    until(lambda: "Download the starter model (93 MB to download)?" in window.notifications())
    keep(window, "offered")
    window.answer("Not now")
    until((tmp_path / "home" / "state" / "starter-declined").exists)
    subprocess.run([PROGRAM, "host", "stop"], env=window.environment, check=True)


def test_a_model_is_found_pulled_interrupted_activated_asked_and_removed(
    vscode: VSCode, hub: ModelHub, home: Path, keep: Callable[..., None]
) -> None:
    until(vscode.status)  # its commands are there by then
    vscode.run("IDE-Agent: Models")
    panel = vscode.page.frame_locator("iframe.webview.ready").frame_locator("iframe#active-frame")
    words = panel.get_by_role("textbox", name="Words, owner/name")
    words.fill("smol")
    words.press("Enter")
    panel.get_by_role("button", name=f"Files, {REPOSITORY}").click()
    hub.allow(20)
    offered = panel.get_by_role("table", name=REPOSITORY)
    offered.get_by_role("button", name=re.compile("^Download")).click()
    reaches(panel, 20)
    hub.allow(45)
    reaches(panel, 45)
    panel.get_by_role("heading", name="Models", level=1).scroll_into_view_if_needed()
    keep(vscode, "pulling")

    before = host(home)
    os.kill(before["pid"], signal.SIGKILL)
    until(lambda: len(hub.ranges) == 2)  # the server starts another one, which goes on by itself
    assert host(home)["pid"] != before["pid"]
    hub.allow(70)
    reaches(panel, 70)
    assert [asked[:6] for asked in hub.ranges] == ["", "bytes="]
    assert int(hub.ranges[1][6:-1]) > 0.4 * hub.size
    hub.allowed = None

    here = panel.get_by_role("table", name="On this computer")
    expect(here.get_by_role("rowheader")).to_have_text([NAME])
    until(lambda: vscode.status() == NAME)
    here.get_by_role("button", name=f"Keep in memory, {NAME}", exact=True).click()
    loaded = panel.get_by_role("table", name="In memory (1 of")
    expect(loaded.get_by_role("rowheader")).to_have_text([re.compile(rf"^{NAME} \(.+\) 🟢 Running$")])
    ask(panel, "Say hello.")
    keep(vscode, "running")
    here.get_by_role("button", name=f"Release from memory, {NAME}", exact=True).click()
    expect(panel.get_by_text("No model is in memory.")).to_be_visible()
    expect(loaded).to_have_count(0)
    panel.get_by_role("button", name=f"Remove, {NAME}").click()
    panel.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    expect(here.get_by_role("rowheader")).to_have_count(0)
    assert not list(home.rglob("*.gguf"))

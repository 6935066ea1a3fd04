"""VS Code and Neovim on one host: what is done in the one is seen in the other."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ide_agent.runtime import call, find_host
from support.host_process import clean_home
from support.model_hub import NAME, ModelHub, model_hub
from support.vscode import PATIENCE, VSCode, until

from ..neovim.conftest import Session
from ..neovim.test_hub_panel import SERVER
from ..neovim.test_hub_search import press, pull, stands_at
from .test_hub_panel import PROGRAM, reaches, started

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.timeout(600)]

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture
def hub() -> Iterator[ModelHub]:
    """What there is to download."""
    with model_hub() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """One without a model, whose user does not want to be asked about one."""
    folder = tmp_path / "ide-agent"
    (folder / "state").mkdir(parents=True)
    (folder / "state" / "starter-declined").touch()
    monkeypatch.setenv("IDE_AGENT_HOME", str(folder))
    monkeypatch.setenv("IDE_AGENT_MODELS", str(folder / "models"))
    with clean_home(folder):
        yield folder


@pytest.fixture
def neovim(tmp_path: Path, home: Path) -> Iterator[Session]:
    """An editor that `start` starts."""
    made = Session(tmp_path / "neovim")
    yield made
    made.nvim.close()


@pytest.fixture
def vscode(
    launch: Callable[..., VSCode], hub: ModelHub, home: Path, keep: Callable[..., None]
) -> Iterator[VSCode]:
    """A window on the same home."""
    window = started(launch, hub, home)
    yield window
    keep(window)
    subprocess.run([PROGRAM, "host", "stop"], env=window.environment, check=True)


def test_both_show_the_same_panel(vscode: VSCode, neovim: Session, hub: ModelHub) -> None:
    hub.allow(20)
    until(vscode.status)  # its commands are there by then
    vscode.run("IDE-Agent: Models")
    panel = vscode.page.frame_locator("iframe.webview.ready").frame_locator("iframe#active-frame")
    expect(panel.get_by_role("heading", name="Models", level=1)).to_be_visible()
    neovim.start(server=SERVER)
    host = find_host()
    assert host is not None
    neovim.nvim.until(lambda: call(host, "GET", "/status")["editors"] == 2)

    def lines() -> str:
        return "\n".join(neovim.nvim.buffer())

    pull(neovim)  # by keys
    reaches(panel, 20)
    hub.allow(60)
    stands_at(neovim, 60)
    reaches(panel, 60)
    panel.get_by_role("button", name="Stop").click()
    neovim.nvim.until(lambda: "] Resume" in lines())
    hub.allowed = None
    neovim.nvim.type("gg/\\] Resume\r\r")
    here = panel.get_by_role("table", name="On this computer")
    expect(here.get_by_role("rowheader")).to_have_text([NAME])
    neovim.nvim.until(lambda: re.search(rf"^{NAME} +\d.* ready", lines(), re.MULTILINE))
    here.get_by_role("button", name=f"Keep in memory, {NAME}", exact=True).click()
    neovim.nvim.until(lambda: re.search(rf"^{NAME} \(.+\) 🟢 Running", lines(), re.MULTILINE))
    press(neovim, "Release from memory")
    expect(panel.get_by_text("No model is in memory.")).to_be_visible()
    panel.get_by_role("button", name=f"Remove, {NAME}").click()
    panel.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    neovim.nvim.until(lambda: not re.search(rf"^{NAME} +\d", lines(), re.MULTILINE))
    assert find_host() == host  # all of it on one

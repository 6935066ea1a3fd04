"""Panels: how evenly the page draws under a storm of patches, and how soon an editor shows one."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from support.gallery import STORM
from support.host_process import clean_home
from support.panel_host import PanelHost, panel_host
from support.vscode import CHROMIUM_ARGUMENTS, ROOT, VSCode, install, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

STORMS = 5
OPENINGS = 10
_FILE = "sample.py"
_COMMAND = [sys.executable, "-m", "ide_agent", "lsp"]
_WATCH = """() => {
  window.gaps = [];
  let before = performance.now();
  const frame = () => {
    const now = performance.now();  // when it is drawn; the argument is when it should have been
    window.gaps.push(now - before);
    before = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""


def frames() -> dict[str, Any]:
    """Milliseconds between two frames of the page in a browser: at rest, and under 100 patches a second."""
    from playwright.sync_api import sync_playwright

    found: dict[str, list[float]] = {"quiet": [], "storm": []}
    with (
        tempfile.TemporaryDirectory() as place,
        panel_host(Path(place)) as host,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGUMENTS)
        page = browser.new_context(viewport={"width": 1000, "height": 900}).new_page()
        page.goto(host.link("gallery"))
        page.locator(".blocks[data-revision]").wait_for()
        page.evaluate(_WATCH)
        for number in range(STORMS + 1):
            for name, act in (
                ("quiet", lambda: page.wait_for_timeout(3000)),
                ("storm", lambda: _storm(host, page)),
            ):
                page.evaluate("() => { window.gaps.length = 0; }")
                act()
                found[name] += page.evaluate("window.gaps") if number else []
        browser.close()
    return {name: _percentiles(gaps) for name, gaps in found.items()}


def _storm(host: PanelHost, page: Page) -> None:
    """All patches of one, from the press to the last line."""
    log = page.get_by_role("log")
    host.act("again")
    log.filter(has_not_text="line 1").wait_for()
    host.act("storm")
    log.filter(has_text=f"line {STORM}\n").wait_for()


def openings() -> dict[str, Any]:
    """Milliseconds from the command to the panel of models, in editors that run, on a host that runs."""
    return {"neovim": _percentiles(_in_neovim()), "vscode": _percentiles(_in_vscode())}


@contextmanager
def _home(place: Path) -> Iterator[None]:
    (place / "home" / "state").mkdir(parents=True)
    (place / "home" / "state" / "starter-declined").touch()
    named = {"IDE_AGENT_HOME": str(place / "home"), "IDE_AGENT_MODELS": str(place / "models")}
    with patch.dict(os.environ, named), clean_home(place / "home"):
        yield


def _in_neovim() -> list[float]:
    from tests.e2e.neovim.conftest import Session

    taken = []
    with tempfile.TemporaryDirectory() as folder, _home(Path(folder)):
        session = Session(Path(folder) / "session")
        session.start(server=_COMMAND)
        nvim = session.nvim
        for number in range(OPENINGS + 1):
            began = time.perf_counter()
            nvim.type(":IdeAgent models\r")
            nvim.until(lambda: "Can be downloaded" in nvim.buffer())
            taken += [(time.perf_counter() - began) * 1000] if number else []
            nvim.type(":bwipeout\r")
            nvim.until(lambda: nvim.buffer() == [""])
        nvim.close()
    return taken


def _in_vscode() -> list[float]:
    from playwright.sync_api import sync_playwright

    taken = []
    built = subprocess.run(
        [ROOT / "tests" / "e2e" / "vscode" / "setup.sh"], check=True, stdout=subprocess.PIPE
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        _home(Path(folder)),
        sync_playwright() as playwright,
    ):
        place = Path(folder)
        install(Path(built.stdout.decode().strip()), place / "extensions", place / "installer")
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGUMENTS)
        (place / "shop").mkdir()
        (place / "shop" / _FILE).touch()
        program = str(Path(sys.executable).with_name("ide-agent"))
        names = ("IDE_AGENT_HOME", "IDE_AGENT_MODELS", "PYTHONPATH")
        vscode = VSCode(
            place / "code",
            place / "extensions",
            place / "shop",
            browser,
            settings={"ideAgent.server.path": program},
            env={name: os.environ[name] for name in names if name in os.environ},
        )
        vscode.open(_FILE)
        until(vscode.status)
        tab = vscode.page.locator(".tabs-container .tab", has_text="Models")
        for number in range(OPENINGS + 1):
            vscode.run("IDE-Agent: Models")
            began = time.perf_counter()  # the command was clicked a moment ago
            panel = vscode.page.frame_locator("iframe.webview.ready").frame_locator("iframe#active-frame")
            panel.get_by_role("heading", name="Models", level=1).wait_for()
            taken += [(time.perf_counter() - began) * 1000] if number else []
            tab.locator(".tab-actions .action-label").click()
            tab.wait_for(state="detached")
        vscode.close()
        browser.close()
    return taken


def _percentiles(samples: list[float]) -> dict[str, float]:
    ordered = sorted(samples)
    return {
        "p50_ms": round(statistics.median(ordered), 1),
        "p95_ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 1),
        "max_ms": round(ordered[-1], 1),
        "samples": len(ordered),
    }

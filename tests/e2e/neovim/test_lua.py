"""The plugin's own Lua tests, run by the Neovim they are for."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .conftest import PLUGIN, find_nvim


def test_lua(tmp_path: Path) -> None:
    home = {name: str(tmp_path) for name in ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    run = subprocess.run(
        [find_nvim(), "--headless", "--clean", "-l", str(PLUGIN / "tests" / "run.lua")],
        capture_output=True,
        text=True,
        env=home,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr

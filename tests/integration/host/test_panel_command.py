"""`ide-agent panel`, which brings panels to the browser of who has a shell only."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path


def panel(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ide_agent", "panel", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8")


def test_panels_are_listed_and_opened(home: Path) -> None:
    listed = panel()
    assert listed.returncode == 0
    assert {line.split()[0] for line in listed.stdout.splitlines()} >= {"hub", "routes", "remote"}

    address = panel("hub", "--url").stdout.strip()
    assert "/panels/hub/page?" in address and "#" in address
    with urllib.request.urlopen(address) as page:
        assert page.status == 200

    unknown = panel("nothing", "--url")
    assert unknown.returncode == 1
    assert "nothing" in unknown.stderr and "hub" in unknown.stderr

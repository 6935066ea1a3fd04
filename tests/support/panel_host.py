"""A real host with the panels of `gallery`, and a way to them that needs no browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support import plugins
from support.host_process import clean_home, wait_for

_TESTS = Path(__file__).parents[1]


class PanelHost:
    """One host.

    Args:
        folder: for all it writes; at most its models are there already.
        more: sources of further plugins by name.

    Attributes:
        home: where it lives.
        models: where its models lie.
        environment: its environment variables.
        address: where it listens.
        token: the bearer token of its runtime file.
    """

    def __init__(self, folder: Path, **more: str) -> None:
        self.home, self.models = folder / "home", folder / "models"
        plugin = folder / "site"
        plugin.mkdir(parents=True)
        plugins.install(plugin, gallery="from support.gallery import register_host", **more)
        paths = [str(plugin), str(_TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.environment = {
            **os.environ,
            "IDE_AGENT_HOME": str(self.home),
            "IDE_AGENT_MODELS": str(self.models),
            "PYTHONPATH": os.pathsep.join(paths),
        }

    def start(self) -> None:
        """Start it; it listens when this returns."""
        runtime = self.home / "state" / "host.json"
        runtime.unlink(missing_ok=True)
        command = [sys.executable, "-m", "ide_agent", "host", "run"]
        self.process = subprocess.Popen(command, env=self.environment)
        wait_for(lambda: runtime.exists() or self.process.poll() is not None, "the host")
        info = json.loads(runtime.read_text(encoding="utf-8"))
        self.address, self.token = f"http://127.0.0.1:{info['port']}", info["token"]

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """What a route answers."""
        request = urllib.request.Request(
            self.address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def link(self, panel: str, language: str = "en") -> str:
        """An address that shows a panel, once."""
        url: str = self.call("POST", f"/panels/{panel}/link?language={language}")["url"]
        return url

    def act(self, action: str, panel: str = "gallery", **args: Any) -> str:
        """What an action answers."""
        event = {"action": action, "args": args}
        message: str = self.call("POST", f"/panels/{panel}/event", event)["message"]
        return message

    def state(self, panel: str = "gallery") -> dict[str, Any]:
        """A panel as it is now."""
        state: dict[str, Any] = self.call("GET", f"/panels/{panel}")
        return state


@contextmanager
def panel_host(folder: Path, **more: str) -> Iterator[PanelHost]:
    """A host that runs; nothing of it is left afterwards."""
    host = PanelHost(folder, **more)
    with clean_home(host.home):
        host.start()
        yield host
        host.process.terminate()
        host.process.wait()

"""`make bench`: every measure in one run, as JSON and as a table.

``python -m tests.bench [--only NAME …] [--holes N]``; results go to .artifacts/bench: to results.json,
or, where only some measures were taken, to results-only.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from tests.bench import gateway, hub, latency, memory, panels, quality, routing, speed, startup  # noqa: E402

OUT = ROOT / ".artifacts" / "bench"


async def start() -> dict[str, Any]:
    """Start-up of the lsp process against an empty pygls server."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["IDE_AGENT_HOME"] = home
        try:
            return await asyncio.to_thread(startup.measure, 10)
        finally:
            subprocess.run([sys.executable, "-m", "ide_agent", "host", "stop"], capture_output=True)
            del os.environ["IDE_AGENT_HOME"]


def machine() -> dict[str, Any]:
    """What all of it ran on."""
    model = ""
    if Path("/proc/cpuinfo").exists():
        names = [
            line for line in Path("/proc/cpuinfo").read_text().split("\n") if line.startswith("model name")
        ]
        model = names[0].split(":")[1].strip() if names else ""
    packages = ("pygls", "xllamacpp", "llama-cpp-python", "httpx", "fastapi", "uvicorn", "tree-sitter")
    versions = {}
    for name in packages:
        try:
            versions[name] = version(name)
        except ImportError:
            versions[name] = "missing"
    return {
        "processor": model or platform.processor(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "packages": versions,
    }


def table(results: dict[str, Any]) -> str:
    """The results for people."""
    rows = ["| measure | value |", "|---|---|"]
    for name, result in results.items():
        rows += [f"| {name}{path} | {value} |" for path, value in _flat(result, "")]
    return "\n".join(rows)


def _flat(value: Any, path: str) -> list[tuple[str, Any]]:
    if not isinstance(value, dict):
        return [(path, value)]
    return [row for key, each in value.items() for row in _flat(each, f"{path} · {key}")]


async def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", nargs="*", help="measures to take")
    parser.add_argument("--holes", type=int, default=520)
    options = parser.parse_args()
    measures = {
        "start-up": start,
        "overhead": latency.overhead,
        "cached": latency.cached,
        "keystroke": latency.keystroke,
        "recomputed": latency.recomputed,
        "cancelling": latency.cancelling,
        "concurrent": latency.concurrent,
        "routing": lambda: asyncio.to_thread(routing.measure),
        "engines": speed.engines,
        "gateway": partial(asyncio.to_thread, gateway.measure),
        "download": partial(asyncio.to_thread, hub.download),
        "panel": partial(asyncio.to_thread, hub.panel),
        "frames": partial(asyncio.to_thread, panels.frames),
        "openings": partial(asyncio.to_thread, panels.openings),
        "memory": memory.planned,
        "quality": lambda: quality.measure(options.holes),
    }
    results: dict[str, Any] = {}
    for name, measure in measures.items():
        if not options.only or name in options.only:
            print(f"… {name}", file=sys.stderr, flush=True)
            results[name] = await measure()
            print(json.dumps(results[name]), file=sys.stderr, flush=True)
    OUT.mkdir(parents=True, exist_ok=True)
    name = "results-only.json" if options.only else "results.json"
    (OUT / name).write_text(json.dumps({"machine": machine(), "results": results}, indent=2))
    print(json.dumps(machine()))
    print(table(results))


if __name__ == "__main__":
    asyncio.run(main())

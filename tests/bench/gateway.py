"""What the host adds to each token of an answer that it passes on."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from ide_agent.inference.backends.base import EngineSpec
from support.panel_host import panel_host

from .paced import COMMAND
from .stack import starter

ROUNDS = 20
TOKENS = 100


def measure() -> dict[str, Any]:
    """Milliseconds from an engine's writing a token to the client's having it, directly and through the host.

    The engine is one that writes evenly. Turn by turn; what the host adds is the difference of the medians.
    """
    delays: dict[str, list[float]] = {"direct": [], "host": []}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "models").mkdir()
        (folder / "models" / "starter").symlink_to(starter().parent)
        plugin = "from tests.bench.paced import register_host"
        with _engine() as address, panel_host(folder, paced=plugin) as host:
            ways = {
                "direct": httpx.Client(base_url=address, trust_env=False, timeout=60),
                "host": httpx.Client(
                    base_url=host.address,
                    headers={"Authorization": f"Bearer {host.token}"},
                    trust_env=False,
                    timeout=60,
                ),
            }
            for number in range(ROUNDS + 1):
                for name, client in ways.items():
                    taken = _delays(client)
                    delays[name] += taken if number else []
            for client in ways.values():
                client.close()
    result: dict[str, Any] = {name: _percentiles(each) for name, each in delays.items()}
    added = statistics.median(delays["host"]) - statistics.median(delays["direct"])
    return {**result, "added_ms_p50": round(added, 3), "tokens": ROUNDS * TOKENS}


@contextmanager
def _engine() -> Iterator[str]:
    """Address of an engine of its own."""
    spec = EngineSpec(model="", context=0, slots=1, threads=1, batch=1, api_key="", parent=os.getpid())
    process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    process.stdin.write(spec.to_line())
    process.stdin.flush()
    yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
    process.stdin.close()
    process.wait()
    process.stdout.close()


def _delays(client: httpx.Client) -> list[float]:
    """How old each token of one answer was, in milliseconds."""
    delays: list[float] = []
    wanted = {"prompt": "x", "max_tokens": TOKENS, "stream": True}
    with client.stream("POST", "/v1/completions", json=wanted) as answer:
        answer.raise_for_status()
        for chunk in answer.iter_raw():
            now = time.monotonic_ns()
            for line in chunk.splitlines():
                if line.startswith(b"data: {"):
                    delays.append((now - json.loads(line[6:])["sent"]) / 1e6)
    assert len(delays) == TOKENS
    return delays


def _percentiles(samples: list[float]) -> dict[str, float]:
    ordered = sorted(samples)
    return {
        "p50_ms": round(statistics.median(ordered), 3),
        "p95_ms": round(ordered[int(len(ordered) * 0.95)], 3),
    }

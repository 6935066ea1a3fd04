"""How late `initialize` is answered, and the memory of the lsp process, against an empty pygls server.

Prints JSON. Both servers are started in turn, so that a busy machine disturbs them alike; ratios of medians.
Usage: python tests/bench/startup.py [ROUNDS]
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

EMPTY = "from pygls.lsp.server import LanguageServer; LanguageServer('empty', '1').start_io()"
SERVERS = {
    "empty": [sys.executable, "-c", EMPTY],
    "ide-agent": [sys.executable, "-m", "ide_agent", "lsp"],
}
SOURCE = "import os\n\n\ndef add(a: int, b: int) -> int:\n    return\n"
QUIET_SECONDS = 3.0
LONGEST = 90.0


def send(pipe: IO[bytes], message: dict[str, Any]) -> None:
    """Write one message."""
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    pipe.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    pipe.flush()


def receive(pipe: IO[bytes]) -> dict[str, Any]:
    """Read one message."""
    length = 0
    while line := pipe.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    message: dict[str, Any] = json.loads(pipe.read(length))
    return message


def memory(pid: int) -> float:
    """Resident memory in MB."""
    import psutil

    return float(psutil.Process(pid).memory_info().rss) / 1e6


def settled(pid: int) -> float:
    """Resident memory once the process has used no processor time for a while."""
    import psutil

    process = psutil.Process(pid)
    deadline, quiet_since, used = time.monotonic() + LONGEST, time.monotonic(), -1.0
    while time.monotonic() < deadline and time.monotonic() - quiet_since < QUIET_SECONDS:
        now = sum(process.cpu_times()[:2])
        if now - used > 0.02:
            used, quiet_since = now, time.monotonic()
        time.sleep(0.1)
    return memory(pid)


@contextmanager
def started(command: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """A server that has answered `initialize`, and after how many milliseconds it did."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin and process.stdout
    try:
        params = {"processId": os.getpid(), "rootUri": None, "capabilities": {}}
        send(process.stdin, {"id": 1, "method": "initialize", "params": params})
        assert "result" in receive(process.stdout)
        yield process, (time.perf_counter() - begin) * 1000
    finally:
        process.kill()
        process.communicate()


def use(process: subprocess.Popen[bytes]) -> None:
    """Open a file, as every editor does, so that what is loaded late is loaded."""
    assert process.stdin
    send(process.stdin, {"method": "initialized", "params": {}})
    item = {"uri": "file:///bench/a.py", "languageId": "python", "version": 1, "text": SOURCE}
    send(process.stdin, {"method": "textDocument/didOpen", "params": {"textDocument": item}})


def measure(rounds: int) -> dict[str, Any]:
    """Medians of `rounds` starts, and their ratios."""
    rows: dict[str, dict[str, list[float]]] = {
        name: {"initialize_ms": [], "rss_mb": [], "settled_rss_mb": []} for name in SERVERS
    }
    for number in range(rounds + 1):
        for name, command in SERVERS.items():
            with started(command) as (process, milliseconds):
                if number == 0:
                    continue  # warms the file cache up
                rows[name]["initialize_ms"].append(milliseconds)
                rows[name]["rss_mb"].append(memory(process.pid))
                if number <= 3:
                    use(process)
                    rows[name]["settled_rss_mb"].append(settled(process.pid))
    middle = {
        name: {key: round(statistics.median(values), 1) for key, values in row.items()}
        for name, row in rows.items()
    }
    ratio = {key: round(middle["ide-agent"][key] / middle["empty"][key], 3) for key in middle["empty"]}
    return {"rounds": rounds, **middle, "ratio": ratio}


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    with tempfile.TemporaryDirectory() as home:
        os.environ["IDE_AGENT_HOME"] = home
        try:
            result = measure(rounds)
        finally:
            subprocess.run([sys.executable, "-m", "ide_agent", "host", "stop"], capture_output=True)
        for log in Path(home).glob("state/lsp.log"):
            result["lsp_log"] = log.read_text()[-2000:]
    machine = {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()}
    packages = {name: version(name) for name in ("ide-agent", "pygls", "lsprotocol")}
    print(json.dumps({"machine": machine, "versions": packages, **result}, indent=2))


if __name__ == "__main__":
    main()

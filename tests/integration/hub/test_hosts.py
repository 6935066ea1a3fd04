"""Pulls in a host: killed and gone on with by the next one, and another process that wants the same name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from support import gguf_file, model_folders
from support.fake_hub import FakeHub
from support.host_process import PATIENCE, wait_for
from support.panel_host import PanelHost, panel_host

WEIGHTS = model_folders.weights({"a": ("BF16", 2_000_000)})
FILES = {
    "config.json": json.dumps(model_folders.LLAMA).encode(),
    "tokenizer.json": b"{}",
    "model.safetensors": WEIGHTS,
}
GGUF = gguf_file.file(gguf_file.llama())
pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    with FakeHub({"me/hf": FILES, "you/one-GGUF": {"one.gguf": GGUF}}).running() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        yield running


@pytest.fixture
def host(hub: FakeHub, tmp_path: Path) -> Iterator[PanelHost]:
    with panel_host(tmp_path / "host") as running:
        yield running


def events(host: PanelHost, name: str, **more: str) -> Iterator[dict[str, Any]]:
    """What the host tells of a pull."""
    with httpx.stream(
        "POST",
        f"{host.address}/models/pull",
        json={"name": name, **more},
        headers={"Authorization": f"Bearer {host.token}"},
        trust_env=False,
        timeout=PATIENCE,
    ) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                yield json.loads(line[6:])


def arrived(host: PanelHost) -> int:
    return sum(file.stat().st_size for file in (host.models / ".downloads").glob("*.file.part"))


def test_a_host_that_is_killed_leaves_a_part_of_several_files_to_the_next(
    hub: FakeHub, host: PanelHost
) -> None:
    hub.allowed = 1_500_000
    with pytest.raises(httpx.HTTPError):
        for _ in events(host, "me/hf"):
            if arrived(host) > 1_000_000:
                host.kill()
    part = arrived(host)
    assert part > 1_000_000
    assert not (host.models / "hf").exists()
    hub.allowed = None
    host.start()
    assert list(events(host, "me/hf"))[-1]["phase"] == "ready"
    assert sorted(hub.ranges) == [*[""] * len(FILES), f"bytes={part}-"]  # nothing twice
    there = host.models / "hf"
    assert {name: (there / name).read_bytes() for name in FILES} == FILES
    assert [file.name for file in (host.models / ".downloads").iterdir()] == ["hf.lock"]


@pytest.mark.parametrize("how", ["signal", "request"])
def test_a_host_that_leaves_hands_a_download_on_though_somebody_follows_it(
    hub: FakeHub, host: PanelHost, how: str
) -> None:
    def follow() -> None:
        with suppress(httpx.HTTPError):
            list(events(host, "me/hf"))

    hub.allowed = 1_500_000
    following = threading.Thread(target=follow)
    following.start()
    wait_for(lambda: arrived(host) > 1_000_000, "the first of it")
    if how == "signal":
        host.process.terminate()
    else:
        host.call("POST", "/shutdown")
    host.process.wait()
    following.join(PATIENCE)
    hub.allowed = None
    host.start()
    there = host.models / "hf"
    wait_for(lambda: (there / "model.json").exists(), "the next host to go on by itself")
    assert {name: (there / name).read_bytes() for name in FILES} == FILES


def test_who_wants_another_model_by_a_name_that_is_on_its_way_is_refused_and_nothing_is_mixed(
    hub: FakeHub, host: PanelHost
) -> None:
    hub.allowed = 1_500_000
    told: list[dict[str, Any]] = []
    pulling = threading.Thread(target=lambda: told.extend(events(host, "me/hf")))
    pulling.start()
    wait_for(lambda: arrived(host), "the first of it")
    command = [sys.executable, "-m", "ide_agent", "models", "pull", "you/one-GGUF", "--name", "hf"]
    environment = {**host.environment, "LC_ALL": "C"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as other:
        assert other.stderr is not None
        first = other.stderr.readline()
        hub.allowed = None
        said = first + other.stderr.read()
    pulling.join(PATIENCE)
    assert other.returncode == 1
    assert "“hf”" in said and "--name" in said
    assert told[-1]["phase"] == "ready"
    there = host.models / "hf"
    assert sorted(os.listdir(there)) == sorted([*FILES, "model.json"])  # noqa: PTH208 - names
    assert {name: (there / name).read_bytes() for name in FILES} == FILES

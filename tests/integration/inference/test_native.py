"""Building the native engine, with an installer that only pretends."""

import os
import sys
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ide_agent.errors import EngineStartError
from ide_agent.inference import backends, native
from ide_agent.inference.service import Inference
from support.fake_engine import FakeBackend
from support.processes import gone
from support.waiting import until


@pytest.fixture(autouse=True)
def pretend(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """No compiler is run and no model loaded; what is installed is `installed`."""
    state: dict[str, Any] = {
        "installed": False,
        "speeds": {"xllamacpp": 20.0, "llama-cpp-python": 41.04},
        "loaded": [],  # at the time of each measurement
    }

    async def measure(inference: Inference, engine: str) -> float:
        state["loaded"].append([engine["model"] for engine in inference.snapshot()])
        speed: float = state["speeds"][engine]
        return speed

    monkeypatch.setattr(native, "measure", measure)
    monkeypatch.setattr(native, "find_spec", lambda name: object() if state["installed"] else None)
    monkeypatch.setattr(native.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(native, "_SAY_SECONDS", 0.0)
    return state


def installer(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(native, "install_commands", lambda: [[sys.executable, "-c", code]])


async def test_progress_and_the_gain(
    inference: Inference, monkeypatch: pytest.MonkeyPatch, pretend: dict[str, Any]
) -> None:
    installer(monkeypatch, "for n in range(1, 5): print(f'  [{n}/4] Building CXX object x.o')")
    events = []
    async for event in native.build_native(inference):
        events.append(event)
        if event.get("progress") == 99:
            pretend["installed"] = True
    assert [event["phase"] for event in events][:2] == ["measuring", "building"]
    told = [event["progress"] for event in events if "progress" in event]
    assert list(dict.fromkeys(told)) == [25, 50, 75, 99]  # a slow machine hears some of them twice
    assert all(event["message"] for event in events[:-1])
    assert events[-1] == {
        "phase": "ready",
        "engine": "llama-cpp-python",
        "tokens_per_second": 41.0,
        "before": 20.0,
    }


async def test_what_is_installed_is_only_measured(
    inference: Inference, monkeypatch: pytest.MonkeyPatch, pretend: dict[str, Any]
) -> None:
    installer(monkeypatch, "raise SystemExit('must not run')")
    pretend["installed"] = True
    pretend["speeds"]["llama-cpp-python"] = 10.0
    events = [event async for event in native.build_native(inference)]
    assert [event["phase"] for event in events] == ["measuring", "measuring", "ready"]
    assert events[-1]["engine"] == "xllamacpp"


class Xllamacpp(FakeBackend):
    name = "xllamacpp"


class Native(FakeBackend):
    name = "llama-cpp-python"


@pytest.mark.parametrize(("speed", "first"), [(41.0, "llama-cpp-python"), (10.0, "xllamacpp")])
async def test_the_faster_one_is_taken_from_then_on(
    inference: Inference, monkeypatch: pytest.MonkeyPatch, pretend: dict[str, Any], tmp_path: Path,
    speed: float, first: str,
) -> None:  # fmt: skip
    both = (Native(tmp_path / "native"), Xllamacpp(tmp_path / "other"))
    monkeypatch.setattr(backends, "BACKENDS", both)
    assert [backend.name for backend in backends.usable("auto")] == ["llama-cpp-python", "xllamacpp"]
    pretend["installed"] = True
    pretend["speeds"]["llama-cpp-python"] = speed
    events = [event async for event in native.build_native(inference)]
    assert events[-1]["engine"] == first
    assert (await inference.engine()).backend == first
    assert {backend.name for backend in backends.usable("auto")} == {"llama-cpp-python", "xllamacpp"}
    assert [backend.name for backend in backends.usable("llama-cpp-python")] == ["llama-cpp-python"]


async def test_nothing_else_is_loaded_while_it_measures(
    inference: Inference, pretend: dict[str, Any]
) -> None:
    pretend["installed"] = True
    await inference.engine()
    async for event in native.build_native(inference):
        if event["phase"] == "measuring" and len(pretend["loaded"]) == 1:
            await inference.engine()  # somebody types between the measurements
    assert pretend["loaded"] == [[], []]


@pytest.mark.parametrize(
    ("code", "reason"),
    [("print('CMake Error: no'); raise SystemExit(1)", "CMake Error: no"), ("pass", "nothing was installed")],
)
async def test_a_failed_build_says_why(
    inference: Inference, monkeypatch: pytest.MonkeyPatch, code: str, reason: str
) -> None:
    installer(monkeypatch, code)
    with pytest.raises(EngineStartError, match=reason) as caught:
        async for _ in native.build_native(inference):
            pass
    assert caught.value.key_used == "error.engine.build"
    assert not inference.building.locked()


async def test_without_a_compiler_it_says_how_to_get_one(
    inference: Inference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native.shutil, "which", lambda name: None)
    with pytest.raises(EngineStartError, match="g\\+\\+"):
        async for _ in native.build_native(inference):
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="process groups")
async def test_closing_ends_the_installer_and_what_it_started(
    inference: Inference, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    child = "import time; time.sleep(600)"
    installer(
        monkeypatch,
        "import os, subprocess, sys, time\n"
        f"c = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        f"open({os.fspath(pids)!r}, 'w').write(f'{{os.getpid()}} {{c.pid}}')\n"
        "print('started', flush=True)\n"
        "time.sleep(600)",
    )
    async with aclosing(native.build_native(inference)) as events:
        async for _ in events:
            if pids.exists() and len(pids.read_text().split()) == 2:
                break
    assert not inference.building.locked()
    for pid in map(int, pids.read_text().split()):
        await until(partial(gone, pid))


def test_the_installer_is_uv_or_pip(monkeypatch: pytest.MonkeyPatch, pretend: dict[str, Any]) -> None:
    (uv,) = native.install_commands()
    assert uv[:3] == ["/bin/uv", "pip", "install"]
    assert uv[-1] == native.REQUIREMENT
    assert "--config-settings=cmake.define.GGML_CUDA=ON" in uv
    monkeypatch.setattr(native.shutil, "which", lambda name: None if name == "nvidia-smi" else name)
    assert not any("CUDA" in option for command in native.install_commands() for option in command)
    monkeypatch.setattr(native.shutil, "which", lambda name: None)
    ensure, pip = native.install_commands()
    assert ensure[-1] == "ensurepip"
    assert "--config-settings=cmake.define.GGML_NATIVE=ON" in pip
    pretend["installed"] = True
    assert native.install_commands() == [pip]

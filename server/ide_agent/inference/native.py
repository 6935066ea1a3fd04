"""Builds llama-cpp-python for this very machine, and says what that gained."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ide_agent.errors import EngineStartError
from ide_agent.inference.backends import remember_fastest
from ide_agent.inference.process import engine_log
from ide_agent.inference.service import Inference
from ide_agent.locale import translate
from ide_agent.paths import state_dir
from ide_agent.reasons import reason

REQUIREMENT = "llama-cpp-python==0.3.36"
ENGINE = "llama-cpp-python"
_OTHER = "xllamacpp"
_COMPILERS = ("c++", "g++", "clang++", "cl")
_STEP = re.compile(r"\[(\d+)/(\d+)\]")
_SAY_SECONDS = 2.0
_PROMPT = "import os\n\n\ndef files_below(folder: str, suffix: str) -> list[str]:\n    "
_MEASURED_TOKENS = 64
_NO_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"


async def build_native(inference: Inference) -> AsyncGenerator[dict[str, Any], None]:
    """Build it, load the active model with it and without it, compare.

    Yields ``{"phase": "building" | "measuring", "message", "code", "params"}`` (and ``progress`` in percent
    where it is known), last ``{"phase": "ready", "engine", "tokens_per_second", "before"}``. Closing the
    generator stops the build. Engines that are in use go on; the next load takes the faster one, where the
    settings leave the choice.

    Raises:
        EngineStartError: there is no compiler, the build failed, or what it built does not run here.
    """
    async with inference.building:
        yield _event("measuring", engine=_OTHER)
        await inference.forget()  # two loaded models would need twice the memory
        before = await measure(inference, _OTHER)
        if find_spec("llama_cpp") is None:
            async with aclosing(_build()) as events:
                async for event in events:
                    yield event
        yield _event("measuring", engine=ENGINE)
        await inference.forget()
        after = await measure(inference, ENGINE)
        await inference.forget()
        faster = ENGINE if after > before else _OTHER
        await asyncio.to_thread(remember_fastest, faster)
        yield {
            "phase": "ready",
            "engine": faster,
            "tokens_per_second": round(after, 1),
            "before": round(before, 1),
        }


async def measure(inference: Inference, engine: str) -> float:
    """Tokens per second that `engine` makes with the active model: the better of two runs."""
    trial = inference.trial(engine)
    try:
        loaded = await trial.engine()
        request = {"prompt": _PROMPT, "n_predict": _MEASURED_TOKENS, "temperature": 0, "ignore_eos": True}
        answers = [await loaded.request("POST", "/completion", request) for _ in range(2)]
        return max(float(answer["timings"]["predicted_per_second"]) for answer in answers)
    finally:
        await trial.close()


def install_commands() -> list[list[str]]:
    """What to run, one after the other, to install the extra into the running environment."""
    settings = [f"--config-settings=cmake.define.{name}={value}" for name, value in cmake_options().items()]
    uv = shutil.which("uv")
    if uv is not None:
        return [[uv, "pip", "install", "--verbose", "--python", sys.executable, *settings, REQUIREMENT]]
    pip = [sys.executable, "-P", "-m", "pip", "install", "--verbose", *settings, REQUIREMENT]
    if find_spec("pip") is not None:
        return [pip]
    return [[sys.executable, "-P", "-m", "ensurepip"], pip]


def cmake_options() -> dict[str, str]:
    """What the build is told about this machine; the processor it finds out by itself."""
    options = {"GGML_NATIVE": "ON"}
    if shutil.which("nvcc") and shutil.which("nvidia-smi"):  # a compiler alone is no GPU
        options["GGML_CUDA"] = "ON"
    with contextlib.suppress(OSError):
        if "amx_tile" in Path("/proc/cpuinfo").read_text(encoding="utf-8"):
            # See Model: GCC 12 compiles these kernels wrongly.
            options |= {"CMAKE_C_FLAGS": _NO_AMX, "CMAKE_CXX_FLAGS": _NO_AMX}
    return options


async def _build() -> AsyncGenerator[dict[str, Any], None]:
    if not any(shutil.which(name) for name in _COMPILERS):
        raise EngineStartError("error.engine.no_compiler", engine=ENGINE)
    started = time.monotonic()
    yield _event("building", seconds=0)
    for command in install_commands():
        async with aclosing(_run(command)) as lines:
            percent: int | None = None
            told = started
            async for line in lines:
                step = _STEP.search(line)
                if step and int(step[2]):
                    percent = min(int(step[1]) * 100 // int(step[2]), 99)
                if time.monotonic() - told >= _SAY_SECONDS:
                    told = time.monotonic()
                    event = _event("building", seconds=round(told - started))
                    yield event if percent is None else {**event, "progress": percent}
    invalidate_caches()
    if find_spec("llama_cpp") is None:
        raise EngineStartError("error.engine.build", engine=ENGINE, reason=reason("nothing_installed"))


async def _run(command: list[str]) -> AsyncGenerator[str, None]:
    """Run `command` and yield its lines, and an empty one every second in which it says nothing."""
    log = engine_log()
    detached: dict[str, Any] = {} if sys.platform == "win32" else {"start_new_session": True}
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=state_dir(),
        limit=1 << 20,
        **detached,
    )
    assert process.stdout is not None
    last = ""
    reading: asyncio.Task[bytes] | None = None
    try:
        while True:
            reading = reading or asyncio.create_task(process.stdout.readline())
            done, _ = await asyncio.wait([reading], timeout=1.0)
            if not done:
                yield ""
                continue
            raw, reading = reading.result(), None
            if not raw:
                break
            line = raw.decode("utf-8", "replace").rstrip()
            log.info("build %s", line)
            last = line or last
            yield line
        if await process.wait() != 0:
            raise EngineStartError("error.engine.build", engine=ENGINE, reason=last[-300:])
    finally:
        if reading is not None:
            reading.cancel()
        if process.returncode is None:
            _end(process)
        await process.wait()


def _end(process: asyncio.subprocess.Process) -> None:
    """End the installer and the compilers that it started."""
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _event(phase: str, **params: Any) -> dict[str, Any]:
    code = f"engine.native.{phase}"
    return {"phase": phase, "code": code, "params": params, "message": translate(code, "en", **params)}

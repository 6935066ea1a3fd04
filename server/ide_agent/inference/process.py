"""One engine process: start it, hear what it says, see it die."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from logging.handlers import RotatingFileHandler
from typing import Any

from ide_agent.errors import EngineStartError, ModelFileInvalid
from ide_agent.inference.backends.base import EngineSpec
from ide_agent.paths import log_file, state_dir
from ide_agent.reasons import Reason, reason, reason_of

START_SECONDS = 300.0  # a big model from a slow disk
_STOP_SECONDS = 5.0
_LOG_BYTES = 1 << 20
_MAX_LINE = 2000
_TAIL_LINES = 12
_REFUSED = "error loading model: "
_SHORT_OF_MEMORY = re.compile(r"allocat|bad_alloc|out of memory", re.IGNORECASE)
_TELLING = re.compile(r"error|abort|failed", re.IGNORECASE)
_WINDOWS_ILLEGAL_INSTRUCTION = 0xC000001D
_UNTOLD = {"ORT_DISABLE_TELEMETRY": "1"}  # ONNX Runtime looks for it while it is imported
_FOREIGN = ("AIP_", "LLAMA_", "GGML_", "GOMP_", "OMP_")  # they would change how llama.cpp behaves


class EngineProcess:
    """A running engine.

    Attributes:
        port: TCP port on 127.0.0.1, chosen by the system and held by the engine from the start, so it cannot
            be taken by somebody else in between.
    """

    def __init__(self, process: asyncio.subprocess.Process, label: str) -> None:
        self._process = process
        self._label = label
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._log_task = asyncio.create_task(self._keep_log())
        self._stopping = False
        self.port = 0

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.returncode is None

    @property
    def stopping(self) -> bool:
        """Whether it was asked to leave."""
        return self._stopping

    @classmethod
    async def start(
        cls, command: list[str], environment: Mapping[str, str], spec: EngineSpec, label: str
    ) -> EngineProcess:
        """Start an engine and wait until it serves.

        Args:
            command: its argv.
            environment: variables on top of ours.
            spec: what it is told.
            label: the model's name, for messages and the log.

        Raises:
            ModelFileInvalid: it cannot load the file.
            EngineStartError: it did not come up for another reason.
        """
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
        detached: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            detached = {"creationflags": subprocess.CREATE_NO_WINDOW}
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=state_dir(),
                env={**inherited, **environment, **_UNTOLD},
                **detached,
            )
        except OSError as failure:
            raise EngineStartError(model=label, reason=reason_of(failure, where=True)) from failure
        engine = cls(process, label)
        try:
            async with asyncio.timeout(START_SECONDS):
                await engine._greet(spec)
        except TimeoutError:
            await engine.stop()
            late = reason("late", seconds=round(START_SECONDS))
            raise EngineStartError(model=label, reason=late) from None
        except BaseException:
            await engine.stop()
            raise
        return engine

    async def _greet(self, spec: EngineSpec) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(ConnectionError):
            self._process.stdin.write(spec.to_line())
            await self._process.stdin.drain()
        line = await self._process.stdout.readline()
        try:
            answer = json.loads(line)
        except ValueError:
            answer = {}
        if "port" in answer:
            self.port = int(answer["port"])
            return
        await self.wait()
        said = self._last_error() or str(answer.get("error", "")) or self.cause()
        loading = [line.rpartition(_REFUSED)[2] for line in self._tail if _REFUSED in line]
        why = loading[0] if loading else said
        if self.killed or _SHORT_OF_MEMORY.search(str(why)):  # which is no fault of the file
            raise EngineStartError("error.engine.memory", file=spec.model, reason=why)
        if loading or answer.get("model"):
            raise ModelFileInvalid("error.model.refused", file=spec.model, reason=why)
        raise EngineStartError(model=self._label, reason=why)

    async def wait(self) -> None:
        """Until it is gone and all it said is in the log."""
        await self._process.wait()
        await self._log_task

    async def stop(self) -> None:
        """Ask it to leave, make it leave, wait until it has."""
        self._stopping = True
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self.kill()
        await asyncio.shield(self.wait())

    def kill(self) -> None:
        """End it now."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def cause(self) -> Reason:
        """Why it died, in a few words; for messages."""
        code = self._process.returncode
        if code is None:
            return reason("no_answer")
        if code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = str(-code)
            return f"{name}, {self._last_error()}" if self._last_error() else name
        return self._last_error() or reason("exit_status", status=code)

    @property
    def killed(self) -> bool:
        """Whether somebody else killed it: the system does that when memory runs out."""
        return self._process.returncode == -9 and not self._stopping

    @property
    def unsuited(self) -> bool:
        """Whether it met an instruction that this processor does not know."""
        return self._process.returncode in (-signal.SIGILL, _WINDOWS_ILLEGAL_INSTRUCTION)

    def _last_error(self) -> str:
        """The line of its log that says most."""
        lines = list(self._tail)
        telling = [line for line in lines if _TELLING.search(line)]
        line = (telling or lines or [""])[0 if telling else -1]
        return line.partition(" E ")[2].strip() or line.strip()

    async def _keep_log(self) -> None:
        assert self._process.stderr is not None
        log = engine_log()
        rest = b""
        while chunk := await self._process.stderr.read(1 << 16):
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest[-_MAX_LINE:]
            for line in lines:
                text = line[:_MAX_LINE].decode("utf-8", "replace").rstrip()
                self._tail.append(text)
                log.info("%s[%d] %s", self._label, self.pid, text)


def engine_log() -> logging.Logger:
    """The engines' common log: rotates, is not shown anywhere else."""
    log = logging.getLogger("ide_agent.engine")
    target = os.fspath(log_file("engine").absolute())
    current = next((h for h in log.handlers if isinstance(h, RotatingFileHandler)), None)
    if current is None or current.baseFilename != target:
        if current is not None:
            log.removeHandler(current)
            current.close()
        handler = RotatingFileHandler(
            target, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8", delay=True
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        log.propagate = False
    return log

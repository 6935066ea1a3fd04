"""How a process finds the host, and starts it when there is none.

The host that listens says so in ``<state>/host.json``. Two locks keep it single: whoever starts a host holds
the start lock meanwhile, and the host itself holds the run lock for as long as it lives (the system frees it
even after a kill -9). Light enough for the lsp process: the standard library and filelock.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import secrets
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ide_agent import __version__
from ide_agent.errors import HostStartError, HostUnavailable, from_wire
from ide_agent.paths import log_file, state_dir
from ide_agent.reasons import reason
from ide_agent.spawn import spawn, tail
from ide_agent.versions import OURS, PROTOCOL, Program, compare

log = logging.getLogger(__name__)
LOOPBACK = "127.0.0.1"
_ANSWER_SECONDS = 5.0  # a living host answers /health in milliseconds; one that needs longer hangs
_POLL_SECONDS = 0.03


@dataclass(frozen=True)
class RuntimeInfo:
    """What the runtime file says about the host.

    Attributes:
        port: TCP port on 127.0.0.1.
        token: bearer token of every request.
        version: version of the program that runs.
        pid: its process id.
        started: when it began to listen, seconds since the epoch.
        protocol: what it speaks, see `ide_agent.versions`.
    """

    port: int
    token: str = field(repr=False)
    version: str
    pid: int
    started: float
    protocol: int = PROTOCOL

    @property
    def url(self) -> str:
        """Base URL without a slash at its end."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        """What every request must carry."""
        return {"Authorization": f"Bearer {self.token}"}

    @classmethod
    def new(cls, port: int) -> RuntimeInfo:
        """This process, listening on `port`, with a fresh token."""
        return cls(port, secrets.token_urlsafe(32), __version__, os.getpid(), time.time())


def runtime_file() -> Path:
    """Where the host says how to reach it."""
    return state_dir() / "host.json"


def run_lock() -> FileLock:
    """The lock that a host holds while it lives."""
    return FileLock(state_dir() / "host.run.lock", mode=0o600)


def read() -> RuntimeInfo | None:
    """The runtime file's content; None when it is missing or makes no sense."""
    try:
        raw = json.loads(runtime_file().read_text(encoding="utf-8"))
        return RuntimeInfo(
            int(raw["port"]),
            str(raw["token"]),
            str(raw["version"]),
            int(raw["pid"]),
            float(raw["started"]),
            int(raw.get("protocol", 0)),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(info: RuntimeInfo) -> None:
    """Replace the runtime file in one step, readable by its owner only."""
    target = runtime_file()
    draft = target.with_name(f"{target.name}.{info.pid}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(asdict(info), stream)
        draft.replace(target)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def remove(info: RuntimeInfo) -> None:
    """Take the runtime file away if it is still that of `info`."""
    if read() == info:
        runtime_file().unlink(missing_ok=True)


def program_of(info: RuntimeInfo) -> Program | None:
    """What answers at `info`; None when no host does."""
    if not _pid_alive(info.pid):
        return None
    try:
        status, body = _exchange(info, "GET", "/health", _ANSWER_SECONDS, authorized=False)
        answer = json.loads(body)
    except (OSError, http.client.HTTPException, ValueError):
        return None
    if status != 200 or not isinstance(answer, dict) or answer.get("status") != "ok":
        return None
    version, protocol = answer.get("version"), answer.get("protocol", 0)
    return Program(version, protocol) if isinstance(version, str) and isinstance(protocol, int) else None


def serves(program: Program | None) -> bool:
    """Whether this host serves us; False when it is older, and when there is none.

    Raises:
        HostStartError: it is newer and speaks otherwise; it is not ours to replace.
    """
    relation = "older" if program is None else compare(program)
    if program is not None and relation == "newer":
        raise HostStartError("error.host.newer", version=program.version, ours=OURS.version)
    return relation == "fits"


def find_host() -> RuntimeInfo | None:
    """The running host that serves us; starts nothing.

    Raises:
        HostStartError: one runs that is newer and speaks otherwise.
    """
    info = read()
    return info if info is not None and serves(program_of(info)) else None


def ensure_host(timeout: float = 30.0) -> RuntimeInfo:
    """The running host, started when there is none. Blocks; call it in a thread.

    Args:
        timeout: seconds for all of it.

    Raises:
        HostStartError: it did not come up (carries the last lines of its log), or one runs that is newer and
            speaks otherwise.
    """
    deadline = time.monotonic() + timeout
    seen = read()
    program = program_of(seen) if seen is not None else None
    if seen is not None and serves(program):
        return seen
    try:
        left = max(0.0, deadline - time.monotonic())
        with FileLock(state_dir() / "host.start.lock", timeout=left, mode=0o600):
            info = read()
            # One that gave no answer a moment ago is not asked again: if it hangs that takes seconds.
            if info != seen:
                program = program_of(info) if info is not None else None
            if info is not None and serves(program):
                return info
            if info is not None and program is not None:
                ask_to_leave(info)
            return _start(deadline, timeout)
    except Timeout:
        raise _late(timeout) from None


def stop_host(timeout: float = 20.0) -> bool:
    """Ask the running host, of whatever version, to leave and wait until it has.

    Args:
        timeout: seconds for it to leave; one that hangs is then ended.

    Returns:
        False when none ran.

    Raises:
        HostUnavailable: it is still there.
    """
    deadline = time.monotonic() + timeout
    lock = run_lock()
    asked: RuntimeInfo | None = None
    runs = False
    while True:
        info = read()
        if info is not None and info != asked and program_of(info) is not None:
            ask_to_leave(info)
            asked, runs = info, True
        try:
            lock.acquire(timeout=_POLL_SECONDS)
        except Timeout:
            runs = True  # also one that hangs, or does not listen yet
        else:
            lock.release()
            return runs
        if time.monotonic() >= deadline:
            break
    if info is None:
        raise HostUnavailable("error.host.stuck")
    if program_of(info) is None:
        evict(info)
    try:
        lock.acquire(timeout=_ANSWER_SECONDS)
    except Timeout:
        raise HostUnavailable("error.host.stays", pid=info.pid) from None
    lock.release()
    return True


def evict(info: RuntimeInfo) -> None:
    """Kill the host that wrote `info`, if that is what its process id still means."""
    import psutil  # here, for the lsp process hardly ever needs it

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(info.pid)
        # One that began after the file was written has only inherited the number.
        if process.create_time() <= info.started + 1 and "ide_agent" in " ".join(process.cmdline()):
            log.warning("host %d does not answer and is ended", info.pid)
            process.kill()


def call(info: RuntimeInfo, method: str, path: str, body: Any = None, timeout: float = 30.0) -> Any:
    """One JSON request to the host.

    Raises:
        HostUnavailable: it does not answer.
        IdeAgentError: the error that it answered with.
    """
    try:
        status, answer = _exchange(info, method, path, timeout, body=body)
        data = json.loads(answer)
    except (OSError, http.client.HTTPException, ValueError) as failure:
        raise HostUnavailable() from failure
    if status >= 400:
        raise from_wire(data.get("error") or {})
    return data


def stream(info: RuntimeInfo, path: str, body: Any, timeout: float = 600.0) -> Generator[dict[str, Any]]:
    """The events that a POST answers with. Closing the iterator cancels the work behind it.

    Args:
        info: the host.
        path: the route.
        body: a JSON object.
        timeout: longest silence between two events, in seconds.

    Raises:
        HostUnavailable: it does not answer, or stops in the middle.
        IdeAgentError: the error that it answered with.
    """
    connection = http.client.HTTPConnection(LOOPBACK, info.port, timeout=timeout)
    try:
        headers = {**info.headers, "Content-Type": "application/json"}
        connection.request("POST", path, body=json.dumps(body).encode(), headers=headers)
        answer = connection.getresponse()
        if answer.status >= 400:
            raise from_wire(json.loads(answer.read()).get("error") or {})
        for line in answer:
            if line.startswith(b"data: "):
                event = json.loads(line[6:])
                if event.get("type") == "error":
                    raise from_wire(event["error"])
                yield event
    except (OSError, http.client.HTTPException, ValueError) as failure:
        raise HostUnavailable() from failure
    finally:
        connection.close()


def _late(timeout: float) -> HostStartError:
    return HostStartError("error.host.timeout", seconds=round(timeout), log=str(log_file("host")))


def _start(deadline: float, timeout: float) -> RuntimeInfo:
    if time.monotonic() >= deadline:
        raise _late(timeout)
    output = log_file("host")
    begin = output.stat().st_size if output.exists() else 0
    process = spawn(output)
    try:
        while time.monotonic() < deadline:
            ended = process.poll() is not None
            found = find_host()
            if found is not None:
                return found
            if ended:
                said = tail(output, begin) or reason("exit_status", status=process.returncode)
                raise HostStartError(reason=said)
            time.sleep(_POLL_SECONDS)
        process.terminate()
        raise _late(timeout)
    finally:
        # The host outlives this process or dies before it; either way somebody must reap it.
        threading.Thread(target=process.wait, name="host-reaper", daemon=True).start()


def ask_to_leave(info: RuntimeInfo) -> None:
    """Tell a host to shut down; does not wait for it."""
    try:
        _exchange(info, "POST", "/shutdown", _ANSWER_SECONDS)
    except (OSError, http.client.HTTPException):
        return  # it left by itself, or the new host will see that it hangs


def _exchange(
    info: RuntimeInfo, method: str, path: str, timeout: float, *, body: Any = None, authorized: bool = True
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(LOOPBACK, info.port, timeout=timeout)
    headers = dict(info.headers) if authorized else {}
    payload = None
    if body is not None:
        payload = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, body=payload, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _pid_alive(pid: int) -> bool:
    """Whether `pid` may be our host: it exists and is this user's."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return True  # no harmless way to ask in the standard library; /health decides
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError, OverflowError):
        return False
    return True

"""The host process from start to end: one at a time, found through the runtime file, gone when idle."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import faulthandler
import logging
import signal
import socket
import sys
import time
from types import FrameType

import uvicorn
from filelock import BaseFileLock, Timeout

from ide_agent import __version__, config, runtime
from ide_agent.errors import HostStartError
from ide_agent.host import logs
from ide_agent.host.app import create_app
from ide_agent.host.services import Services
from ide_agent.paths import config_file, log_file, state_dir
from ide_agent.reasons import reason_of
from ide_agent.runtime import RuntimeInfo

log = logging.getLogger(__name__)
_KEEP_ALIVE_SECONDS = 75  # longer than our clients: none writes to a connection that is just being closed
_GRACE_SECONDS = 3  # for answers in progress, once the host leaves
_PREDECESSOR_SECONDS = 4.0  # for a host that leaves at this moment; then it hangs
_STUCK_SECONDS = 20.0  # for one that starts
_GUARD_SECONDS = 5.0


def run(port: int | None = None) -> None:
    """Serve until shut down, idle or told by a signal. Returns at once when a host already runs.

    Args:
        port: overrides the setting `host.port`.

    Raises:
        HostStartError: the port is taken, or another host neither answers nor can be removed.
    """
    lock = _sole_host()
    if lock is None:
        return
    try:
        _serve(port)
    finally:
        lock.release()


def _sole_host() -> BaseFileLock | None:
    """The run lock, once we have it; None when a living host that serves us has it.

    Raises:
        HostStartError: somebody holds it who neither answers nor can be removed, or who is newer and speaks
            otherwise.
    """
    lock = runtime.run_lock()
    begun = time.monotonic()
    while True:
        try:
            lock.acquire(timeout=0.1)
            return lock
        except Timeout:
            pass
        info = runtime.read()
        program = runtime.program_of(info) if info is not None else None
        if runtime.serves(program):
            return None
        waited = time.monotonic() - begun
        if waited > _STUCK_SECONDS:
            raise HostStartError("error.host.stuck")
        if info is not None and program is not None:
            runtime.ask_to_leave(info)
        elif info is not None and waited > _PREDECESSOR_SECONDS:
            runtime.evict(info)


def _serve(port: int | None) -> None:
    settings, problems = config.load(user=config_file())
    listener = _listen_again(settings.host.port if port is None else port)
    info = RuntimeInfo.new(listener.getsockname()[1])
    logs.setup(log_file("host"), info.token)
    if not faulthandler.is_enabled():
        faulthandler.enable()
    for problem in problems:
        log.warning("%s", problem)
    services = Services(settings, list(problems))
    server = HostServer(
        uvicorn.Config(
            create_app(services, info.token),
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        ),
        services,
        info,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.told_to_stop)
    log.info("host %s starts on port %d, pid %d", __version__, info.port, info.pid)
    server.run(sockets=[listener])
    log.info("host left")


class HostServer(uvicorn.Server):
    """uvicorn plus the runtime file and reasons to leave."""

    def __init__(self, settings: uvicorn.Config, services: Services, info: RuntimeInfo) -> None:
        super().__init__(settings)
        self._services = services
        self._info = info
        self._watchers: list[asyncio.Task[None]] = []

    def told_to_stop(self, number: int, frame: FrameType | None) -> None:
        """Handle signals where uvicorn does not: before it serves, and again after it has stopped."""
        if not self.started:
            sys.exit(0)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal while it serves. Editors may have got one, too, and leave at the same time."""
        self._services.departing = True
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell everybody."""
        await super().startup(sockets)
        if self.started:
            runtime.write(self._info)
            for watch in (self._leave_when_asked(), self._leave_when_idle(), self._guard()):
                self._watchers.append(asyncio.create_task(watch))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Be no longer found, end the event streams, let answers finish, stop the rest."""
        self._services.departing = True
        runtime.remove(self._info)
        for watcher in self._watchers:
            watcher.cancel()
        self._services.events.close()
        await self._services.panels.close()
        await super().shutdown(sockets)

    async def _leave_when_asked(self) -> None:
        await self._services.leaving()
        log.info("asked to leave")
        self.should_exit = True

    async def _leave_when_idle(self) -> None:
        await self._services.activity.idle(self._services.settings.host.idle_exit_seconds)
        log.info("idle, leaving")
        self.should_exit = True

    async def _guard(self) -> None:
        """Put a lost runtime file back; leave when somebody else's, or no folder, is there instead."""
        folder = runtime.runtime_file().parent
        while True:
            await asyncio.sleep(_GUARD_SECONDS)
            found = runtime.read() if folder.is_dir() else None  # reading would make the folder again
            if found == self._info:
                continue
            if found is None and folder.is_dir():
                with contextlib.suppress(OSError):
                    runtime.write(self._info)
                continue
            log.warning("the runtime file is another host's or its folder is gone, leaving")
            self.should_exit = True
            return


def _listen_again(port: int) -> socket.socket:
    """Listen on `port`; for 0 on the port of the last time if it is free, for pages that are still open."""
    file = state_dir() / "host.port"
    if port == 0:
        with contextlib.suppress(OSError, ValueError, OverflowError, HostStartError):
            return _listen(int(file.read_text()))
    listener = _listen(port)
    with contextlib.suppress(OSError):
        file.write_text(str(listener.getsockname()[1]))
    return listener


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it would let two programs share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((runtime.LOOPBACK, port))
    except OSError as failure:
        listener.close()
        if failure.errno == errno.EADDRINUSE:
            raise HostStartError("error.host.port", port=port) from None
        raise HostStartError(reason=reason_of(failure)) from failure
    return listener

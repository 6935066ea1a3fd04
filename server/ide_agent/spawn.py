"""Starting the host as a process of its own, and what it said when that failed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ide_agent.errors import HostStartError
from ide_agent.reasons import reason_of

_TAIL_LINES = 3
_TAIL_CHARS = 600


def spawn(log: Path) -> subprocess.Popen[bytes]:
    """The host, away from our terminal, working folder and session; what it prints goes to the file `log`.

    Raises:
        HostStartError: the system does not let it start.
    """
    environment = dict(os.environ)
    for name in ("IDE_AGENT_HOME", "IDE_AGENT_MODELS"):
        if environment.get(name):
            environment[name] = str(Path(environment[name]).absolute())
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        detached = {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # `-m` puts the working folder on sys.path: it must not be a workspace that somebody else wrote.
        return subprocess.Popen(
            [sys.executable, "-m", "ide_agent", "host", "run"],
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            cwd=log.parent,
            env=environment,
            **detached,
        )
    except OSError as failure:
        raise HostStartError(reason=reason_of(failure, where=True)) from failure
    finally:
        os.close(handle)


def tail(log: Path, begin: int) -> str:
    """The last lines written to `log` since it was `begin` bytes long."""
    try:
        with log.open("rb") as stream:
            end = stream.seek(0, os.SEEK_END)
            stream.seek(max(begin if begin <= end else 0, end - 8192))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[-_TAIL_LINES:])[-_TAIL_CHARS:]

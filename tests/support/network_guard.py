"""Writes down every attempt of a Python process to reach another machine, and stops it.

`install` puts it into a folder; with that on ``PYTHONPATH`` it is in every process from its first moment.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import Any

_VARIABLE = "IDE_AGENT_NETWORK_GUARD"
_EVENTS = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")


def install(folder: Path) -> dict[str, str]:
    """Make `folder` one that brings the guard; what the environment needs besides."""
    (folder / "sitecustomize.py").write_text("from support.network_guard import watch\nwatch()\n")
    return {_VARIABLE: str(folder / "attempts")}


def attempts(folder: Path) -> list[str]:
    """What was attempted so far."""
    file = folder / "attempts"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def watch() -> None:
    """Begin. Sockets that Python does not see would be missed: uvloop's, so it is not to be had."""
    sys.modules["uvloop"] = None  # type: ignore[assignment]
    file = os.environ[_VARIABLE]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _EVENTS:
            return
        named = arguments[0] if event in ("socket.getaddrinfo", "socket.gethostbyname") else arguments[-1]
        host = named[0] if isinstance(named, tuple) else named
        if _stays(host):
            return
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, f"{event} {host}\n".encode())
        os.close(descriptor)
        raise OSError(f"the network guard stops {event} to {host}")

    sys.addaudithook(hook)


def _stays(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str) or host in ("", "localhost") or host.startswith("/"):
        return True  # the socket of a pair, a path
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False

"""Real host processes for tests: a home of their own, nothing left behind."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

PATIENCE = 60.0


def wait_for(condition: Callable[[], object], what: str = "condition") -> None:
    """Wait until `condition` is true; fail after a generous time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def processes_of(home: Path) -> list[psutil.Process]:
    """Hosts and engines that live in `home`, this process excepted; dead ones do not count."""
    found = []
    for process in psutil.process_iter():
        try:
            ours = process.pid != os.getpid() and process.environ().get("IDE_AGENT_HOME") == str(home)
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@contextmanager
def clean_home(home: Path) -> Iterator[Path]:
    """Afterwards kill whatever still runs in `home`."""
    try:
        yield home
    finally:
        wait_for(lambda: not _kill(home), "the end of what still runs")


def _kill(home: Path) -> bool:
    """Kill what lives in `home`; whether anything did."""
    found = processes_of(home)
    for process in found:
        with suppress(psutil.Error):
            process.kill()
    return bool(found)

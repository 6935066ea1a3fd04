"""How an engine process talks to its host, and how it makes sure not to outlive it."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from ide_agent.inference.backends.base import EngineSpec

_PR_SET_PDEATHSIG = 1
_answers: list[int] = []


def take_spec(leave: Callable[[], object] = lambda: None) -> EngineSpec:
    """Read the spec from stdin, and from then on die when the host does.

    That is when stdin ends, and on Linux at once by the kernel's hand, even while native code holds the
    interpreter.

    Args:
        leave: called before it leaves with stdin.
    """
    spec = EngineSpec.from_line(sys.stdin.buffer.readline())
    # What native code prints must not be taken for an answer, nor ever block on a pipe that nobody empties.
    _answers.append(os.dup(1))
    os.dup2(2, 1)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != spec.parent:
            os._exit(0)  # it died before we asked to be told
    threading.Thread(target=_leave_with_stdin, args=(leave,), name="orphan-guard", daemon=True).start()
    return spec


def announce(**message: Any) -> None:
    """Tell the host, once, how it went; see `Backend`."""
    with os.fdopen(_answers.pop(), "wb") as answer:
        answer.write(json.dumps(message).encode() + b"\n")


def _leave_with_stdin(leave: Callable[[], object]) -> None:
    while os.read(0, 4096):  # not through sys.stdin: its lock would be held while the interpreter ends
        pass
    leave()
    os._exit(0)

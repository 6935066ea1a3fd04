"""Looking at processes that may end at any moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from ide_agent.inference.service import Inference


def gone(pid: int) -> bool:
    """Whether the process has ended, reaped by its parent or not."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def pid_of(inference: Inference) -> int:
    """The process of the only engine."""
    pid = inference.snapshot()[0]["pid"]
    assert pid is not None
    return pid

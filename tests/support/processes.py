"""Looking at processes that may end at any moment."""

import psutil


def gone(pid: int) -> bool:
    """Whether the process has ended, reaped by its parent or not."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True

"""The host's log: rotating, user-only, without payloads and without the token."""

from __future__ import annotations

import logging
import os
import sys
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from ide_agent.errors import IdeAgentError

_MAX_BYTES = 2_000_000
_KEEP = 3
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_SPEAKING = (OSError, ImportError, AttributeError, NameError, RuntimeError, IdeAgentError)
_NOISY = ("httpx", "httpcore", "alembic", "asyncio")


def setup(path: Path, token: str) -> None:
    """Send everything that is logged to `path`, and to the terminal when the host runs in one."""
    file = LogFile(path)
    handlers: list[logging.Handler] = [file]
    if not file.is_stderr():
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(QuietFormatter(token))
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


class QuietFormatter(logging.Formatter):
    """Leaves out the token, and the text of exceptions that may hold somebody's code."""

    def __init__(self, token: str) -> None:
        super().__init__(_FORMAT)
        self._token = token

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        return super().format(record).replace(self._token, "<token>")

    def formatException(  # noqa: N802 - the base class calls it so
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        """A traceback whose exception keeps its text only when that is known to be ours or the system's."""
        kind, failure, trace = ei
        if kind is None or failure is None or isinstance(failure, _SPEAKING):
            return super().formatException(ei)
        bare = Exception(f"{kind.__name__}, text left out")
        return super().formatException((Exception, bare, trace))


class LogFile(RotatingFileHandler):
    """A rotating file that takes stdout and stderr along when they lead to it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=_MAX_BYTES, backupCount=_KEEP, encoding="utf-8")

    def _open(self) -> TextIOWrapper:
        handle = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(handle, "a", encoding="utf-8")  # noqa: PTH123 - a descriptor, not a path

    def is_stderr(self) -> bool:
        """Whether this process writes its stderr to this very file."""
        try:
            return os.path.sameopenfile(sys.stderr.fileno(), self._descriptor())
        except (OSError, AttributeError, ValueError):
            return False

    def doRollover(self) -> None:  # noqa: N802 - the base class calls it so
        """Rotate; what is written straight to the descriptors follows."""
        follow = self.is_stderr()
        super().doRollover()
        if follow:
            for standard in (1, 2):
                os.dup2(self._descriptor(), standard)

    def _descriptor(self) -> int:
        if self.stream is None:
            self.stream = self._open()
        return self.stream.fileno()

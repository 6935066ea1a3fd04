"""Settings that are read again as soon as their file has changed."""

from __future__ import annotations

import logging
from pathlib import Path

from ide_agent import config
from ide_agent.config import RemoteSettings

log = logging.getLogger(__name__)
_Stamp = tuple[int, int, int]


class LiveRemote:
    """The section `remote` of the user's file.

    Args:
        file: the user's settings.
        settings: what was read from it before.
    """

    def __init__(self, file: Path, settings: RemoteSettings) -> None:
        self._file = file
        self._settings = settings
        # it may have changed since it was read: the first look never matches
        self._stamp: _Stamp | None = (-1, -1, -1)

    def __call__(self) -> RemoteSettings:
        """What holds now."""
        stamp = self._look()
        if stamp != self._stamp:
            settings, problems = config.load(user=self._file)
            for problem in problems:
                log.warning("%s", problem)
            self._settings = settings.remote
            self._stamp = stamp  # last: who asks from another thread must not get the old ones by it
        return self._settings

    def _look(self) -> _Stamp | None:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

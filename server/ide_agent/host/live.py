"""Settings that are read again as soon as their file has changed."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Lock

from ide_agent import config
from ide_agent.config import CompletionSettings, RemoteSettings
from ide_agent.errors import ConfigError

log = logging.getLogger(__name__)
_Stamp = tuple[int, int, int]


class LiveRemote:
    """The section `remote` of the user's file, and what `completion` says for models on other machines.

    Args:
        file: the user's settings.
        settings: what was read from it before.
    """

    def __init__(self, file: Path, settings: RemoteSettings) -> None:
        self._file = file
        self._settings = settings
        self._completion = CompletionSettings()
        self._problem: ConfigError | None = None
        # it may have changed since it was read: the first look never matches
        self._stamp: _Stamp | None = (-1, -1, -1)
        self._reading = Lock()  # an older look must not cover a newer one

    def __call__(self) -> RemoteSettings:
        """What holds now."""
        self._refresh()
        return self._settings

    def completion(self) -> CompletionSettings:
        """The settings of suggestions that hold now.

        Raises:
            ConfigError: they do not say for sure which files are private.
        """
        self._refresh()
        if self._problem is not None:
            raise self._problem
        return self._completion

    def _refresh(self) -> None:
        if self._look() == self._stamp:
            return
        with self._reading:
            stamp = self._look()
            if stamp == self._stamp:
                return
            settings, problems = config.load(user=self._file)
            for problem in problems:
                log.warning("%s", problem)
            self._settings, self._completion = settings.remote, settings.completion
            self._problem = next(filter(_on_private_files, problems), None)
            self._stamp = stamp  # last: who asks from another thread must not get the old ones by it

    def _look(self) -> _Stamp | None:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _on_private_files(problem: ConfigError) -> bool:
    key = str(problem.params.get("key"))
    return key in ("*", "completion") or key.startswith("completion.private")

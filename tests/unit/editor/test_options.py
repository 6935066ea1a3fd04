import subprocess
import sys
from types import SimpleNamespace

import pytest

from ide_agent import locale
from ide_agent.editor.options import parse

ENGLISH = ("usage", "options", "OPTIONS", "show this", "argument", "invalid", "Listen", "Level")


def read(*argv: str) -> SimpleNamespace:
    return parse(argv, SimpleNamespace())


def wrong(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    with pytest.raises(SystemExit) as left:
        read(*argv)
    assert left.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    return err


@pytest.fixture
def turkish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locale, "language", lambda: "tr")


@pytest.fixture
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locale, "language", lambda: "en")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("7000", ("127.0.0.1", 7000)),
        (":7000", ("127.0.0.1", 7000)),
        ("[::1]:7000", ("::1", 7000)),
        ("pc:0", ("pc", 0)),
        ("65535", ("127.0.0.1", 65535)),
    ],
)
def test_an_address(address: str, expected: tuple[str, int]) -> None:
    assert read("--tcp", address).tcp == expected


@pytest.mark.parametrize("address", ["65536", "99999", "pc:99999", "x", "pc:", "-1", ""])
@pytest.mark.usefixtures("english")
def test_what_is_no_address_is_one_line(capsys: pytest.CaptureFixture[str], address: str) -> None:
    expected = "“--tcp” takes [HOST:]PORT, where PORT is a number from 0 to 65535.\n"
    assert wrong(capsys, f"--tcp={address}") == expected


def test_levels_in_any_case() -> None:
    assert read("--log-level", "debug").log_level == "DEBUG"


@pytest.mark.parametrize("argv", [["--log-level", "loud"], ["--log-level"], ["--tcp"], ["--tcp", "x"]])
@pytest.mark.usefixtures("turkish")
def test_mistakes_in_turkish(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    err = wrong(capsys, *argv)
    assert err.startswith(f"“{argv[0]}” için ") and err.count("\n") == 1
    assert [word for word in ENGLISH if word in err] == []


@pytest.mark.usefixtures("turkish")
def test_other_mistakes_have_our_frame(capsys: pytest.CaptureFixture[str]) -> None:
    err = wrong(capsys, "--zzz")
    assert err.startswith("Bu anlaşılamadı: ") and "--zzz" in err and "“ide-agent lsp --help”" in err
    assert err.count("\n") == 1
    assert wrong(capsys, "--stdio=3").startswith("Bu anlaşılamadı: ")


@pytest.mark.usefixtures("turkish")
def test_help_in_turkish_has_no_english_frame(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        read("--help")
    assert not left.value.code
    out = capsys.readouterr().out
    assert out.startswith("Kullanım: ide-agent lsp [SEÇENEKLER]\n")
    assert "Seçenekler:\n" in out
    assert [word for word in ENGLISH if word in out] == []
    assert [
        word for word in ("--stdio", "--tcp [HOST:]PORT", "--log-level", "--help") if word not in out
    ] == []
    assert "editor.options" not in out and "clientProcessId" not in out


def test_a_start_reads_no_texts() -> None:
    script = (
        "import sys; from ide_agent.editor.options import parse; parse(['--stdio'], type('O', (), {})());"
        "print([name for name in ('ide_agent.locale', 'tomllib', 'typer') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

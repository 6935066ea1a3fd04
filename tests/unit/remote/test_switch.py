import stat
import sys
import tomllib
from pathlib import Path

import pytest

from ide_agent.errors import ConfigError
from ide_agent.features.remote.switch import switch

FULL = """# mine
locale = "tr"  # always

[remote]  # models elsewhere
redact = true
enabled = false  # for now
[remote.endpoints.out]
url = "https://models.example/v1"
enabled_by = "nobody"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "config.toml"


def test_on_and_off_change_one_word(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(FULL)
    switch(file, True)
    assert file.read_text() == FULL.replace("enabled = false", "enabled = true")
    switch(file, False)
    assert file.read_text() == FULL


@pytest.mark.parametrize(
    "before",
    [
        "",
        "locale = 'tr'",
        "[remote]",
        "[remote]\nredact = true\n",
        "[remote.endpoints.a]\nurl = 'https://a'\n",
        "[completion]\nenabled = false\n[host]\n",
        "[remote]\r\nenabled = false\r\n[host]\r\nport = 0\r\n",
        "[remote]\nredact_patterns = [\n  '[remote]',\n]\n",
        "note = '''\n[remote]\nenabled = false\n'''\n",
    ],
)
def test_whatever_the_file_looks_like(file: Path, before: str) -> None:
    file.parent.mkdir()
    file.write_bytes(before.encode())
    try:
        switch(file, True)
    except ConfigError as refused:
        assert refused.key_used == "error.config_by_hand"
        assert file.read_bytes() == before.encode()
        return
    expected = tomllib.loads(before)
    expected.setdefault("remote", {})["enabled"] = True
    after = file.read_bytes().decode()
    assert tomllib.loads(after) == expected
    assert all(line in after for line in before.splitlines() if "enabled" not in line)


@pytest.mark.parametrize("before", ["remote.enabled = false", "remote = {enabled = false}", "[remote"])
def test_what_cannot_be_changed_is_said(file: Path, before: str) -> None:
    file.parent.mkdir()
    file.write_text(before)
    with pytest.raises(ConfigError):
        switch(file, True)
    assert file.read_text() == before


def test_off_without_a_file_makes_none(file: Path) -> None:
    switch(file, False)
    assert not file.exists()
    switch(file, True)
    assert tomllib.loads(file.read_text()) == {"remote": {"enabled": True}}


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes and links")
def test_links_and_modes_stay(file: Path) -> None:
    real = file.parent / "dotfiles" / "agent.toml"
    real.parent.mkdir(parents=True)
    real.write_text(FULL)
    real.chmod(0o600)
    file.symlink_to(real)
    switch(file, True)
    assert file.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert "enabled = true" in real.read_text()
    assert [each.name for each in real.parent.iterdir()] == ["agent.toml"]
